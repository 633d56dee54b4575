"""The one way to change shared state."""

from __future__ import annotations

import pytest
from django.db import OperationalError, transaction

from accounts.models import User
from cryptopulse.atomic import ATTEMPTS, in_chunks, run_atomic
from cryptopulse.dynamodb.errors import OutcomeUnknown, TooLarge

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


@pytest.mark.parametrize("kind", [OutcomeUnknown, TooLarge])
def test_what_may_have_been_done_or_never_can_be_is_not_tried_again(
    db: None, kind: type[Exception]
) -> None:
    tries: list[int] = []

    def operation() -> None:
        tries.append(1)
        raise OperationalError("no") from kind("no")

    with pytest.raises(OperationalError):
        run_atomic(operation)
    assert tries == [1]


@pytest.mark.django_db(transaction=True)
def test_nesting_is_an_error() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        run_atomic(lambda: None)


def test_bulk_work_comes_in_chunks_that_one_transaction_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db import connection

    monkeypatch.setattr(connection.features, "max_transaction_actions", 100, raising=False)

    assert [len(chunk) for chunk in in_chunks(list(range(45)), actions_per_item=5)] == [20, 20, 5]
    assert [len(chunk) for chunk in in_chunks([1, 2], actions_per_item=1000)] == [1, 1]
