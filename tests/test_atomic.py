"""The one way to change shared state."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from cryptopulse.atomic import ATTEMPTS, Busy, in_chunks, run_atomic
from cryptopulse.dynamodb import errors
from cryptopulse.dynamodb.refusals import Refused

from .conftest import make_person


def test_it_returns_what_the_operation_returns(db: None) -> None:
    assert run_atomic(lambda: 42) == 42


def test_a_conflict_runs_the_operation_again_from_the_start(db: None) -> None:
    tries: list[int] = []

    def operation() -> str:
        tries.append(len(tries))
        make_person("alice")
        if len(tries) < 3:
            raise OperationalError("database is locked")
        return "done"

    assert run_atomic(operation) == "done"
    assert len(tries) == 3
    assert User.objects.count() == 1


def test_a_conflict_that_never_ends_is_raised_and_leaves_nothing(db: None) -> None:
    tries: list[int] = []

    def operation() -> None:
        tries.append(1)
        make_person("alice")
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        run_atomic(operation)
    assert len(tries) == ATTEMPTS
    assert not User.objects.exists()


def test_another_error_is_not_tried_again(db: None) -> None:
    tries: list[int] = []

    def operation() -> None:
        tries.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_atomic(operation)
    assert tries == [1]


@pytest.mark.parametrize(
    "cause",
    [
        errors.Denied("no"),
        errors.OutcomeUnknown("no"),
        errors.PartlyWritten("no"),
        errors.ScanForbidden("no"),
        errors.Throttled("no"),
        errors.TooLarge("no"),
        errors.Unreachable("no"),
        Refused({}, was_in_doubt=False),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_on_dynamodb_nothing_but_a_conflict_is_tried_again(
    db: None, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    monkeypatch.setattr(connection.features, "max_transaction_actions", 100, raising=False)
    tries: list[int] = []

    def operation() -> None:
        tries.append(1)
        raise OperationalError("no") from (errors.Conflict("no") if len(tries) < 3 else cause)

    with pytest.raises(OperationalError):
        run_atomic(operation)
    assert len(tries) == 3


def test_a_sql_database_needs_neither_the_engine_nor_its_libraries() -> None:
    probe = "import sys, cryptopulse.atomic; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    unwanted = {"apsw", "boto3", "botocore", "cryptopulse.dynamodb.base"}
    assert unwanted & {*ran.stdout.split()} == set()


@pytest.mark.django_db(transaction=True)
def test_nesting_is_an_error() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        run_atomic(lambda: None)


def test_bulk_work_comes_in_chunks_that_one_transaction_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection.features, "max_transaction_actions", 100, raising=False)

    assert [len(chunk) for chunk in in_chunks(list(range(45)), actions_per_item=5)] == [20, 20, 5]
    assert [len(chunk) for chunk in in_chunks([1, 2], actions_per_item=1000)] == [1, 1]


def test_a_conflict_that_never_ends_is_called_busy(db: None) -> None:
    def operation() -> None:
        raise OperationalError("changed meanwhile") from errors.Conflict("changed meanwhile")

    with pytest.raises(Busy) as caught:
        run_atomic(operation)
    assert isinstance(caught.value.__cause__, OperationalError)


def test_an_error_that_names_no_conflict_is_not_called_busy(db: None) -> None:
    def operation() -> None:
        raise OperationalError("the server has gone away")

    with pytest.raises(OperationalError, match="gone away") as caught:
        run_atomic(operation)
    assert not isinstance(caught.value, Busy)


def test_what_follows_a_commit_keeps_no_other_writer_waiting(shared_database: None) -> None:
    done = threading.Event()

    def bob() -> None:
        try:
            run_atomic(lambda: make_person("bob"))
            done.set()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:

        def alice() -> None:
            make_person("alice")
            transaction.on_commit(lambda: waited.append(done.wait(5)))
            started.append(other.submit(bob))

        waited: list[bool] = []
        started: list[object] = []
        run_atomic(alice)
    assert waited == [True]
    assert User.objects.count() == 2


def test_a_failed_operation_gives_its_turn_back(shared_database: None) -> None:
    def fail() -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            run_atomic(fail)

    def write() -> None:
        try:
            run_atomic(lambda: make_person("alice"))
        finally:
            connection.close()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(5)
    assert User.objects.filter(username="alice").exists()
