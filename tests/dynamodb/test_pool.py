"""The pool of warm connections, on a real store."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.signals import request_finished, request_started
from django.db import OperationalError, connection, connections, transaction

from cryptopulse.dynamodb import pool
from cryptopulse.dynamodb.pool import Pool, pool_of
from cryptopulse.dynamodb.store import Store

POOL_SIZE = 4


@pytest.fixture
def database_options() -> dict[str, Any]:
    return {"pool_size": POOL_SIZE, "pool_timeout": 0.2}


def own_pool() -> Pool:
    """The pool of the database that `default` is."""
    wrapper: Any = connection
    return pool_of(wrapper.store)


def in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


# --- lending --------------------------------------------------------------------------------


def test_a_handle_is_used_again_after_close(store: Store) -> None:
    lender = Pool(store)
    first = lender.connect()
    handle = first.handle
    first.close()
    assert lender.connect().handle is handle
    assert lender.made == 1


def test_a_handle_returns_when_its_connection_is_forgotten(store: Store) -> None:
    lender = Pool(store)
    forgotten = lender.connect()
    forgotten.execute("BEGIN")
    forgotten.session.chunked = True
    unfinished = forgotten.execute("SELECT 1 UNION SELECT 2")
    del forgotten, unfinished
    gc.collect()
    assert lender.idle == 1
    connection = lender.connect()
    assert not connection.in_transaction
    assert not connection.session.chunked
    assert connection.reading == {}


def test_what_was_not_committed_is_gone_with_the_connection(ledger: ModuleType) -> None:
    connection.set_autocommit(False)
    ledger.Owner.objects.create(name="alice")
    connection.close()
    assert not ledger.Owner.objects.exists()


def test_a_full_pool_says_which_option_to_raise(store: Store) -> None:
    lender = Pool(store)
    lent = [lender.connect() for _ in range(POOL_SIZE)]
    with pytest.raises(sqlite3.OperationalError, match="raise the option pool_size"):
        lender.connect()
    lent.pop().close()
    lender.connect()


def test_django_turns_a_full_pool_into_its_own_error(dynamodb: None) -> None:
    lent = [own_pool().connect() for _ in range(POOL_SIZE)]
    with pytest.raises(OperationalError, match=f"All {POOL_SIZE} DynamoDB connections"):
        connection.ensure_connection()
    del lent


@pytest.mark.parametrize("database_options", [{"pool_size": POOL_SIZE}])
def test_whoever_waits_gets_the_next_handle_that_returns(store: Store) -> None:
    lender = Pool(store)
    lent = [lender.connect() for _ in range(POOL_SIZE)]
    handle = lent[0].handle
    threading.Timer(0.01, lent[0].close).start()
    assert lender.connect().handle is handle


def test_connections_of_dead_threads_are_collected_before_anybody_waits(ledger: ModuleType) -> None:
    connection.close()

    def forget_to_close() -> None:
        assert not ledger.Owner.objects.exists()

    gc.disable()  # a Django connection is a cycle, and its thread is gone
    try:
        for _ in range(POOL_SIZE + 2):
            in_thread(forget_to_close)
    finally:
        gc.enable()
    assert own_pool().made <= POOL_SIZE


def test_a_handle_that_cannot_be_cleaned_is_replaced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = Pool(store)
    spoilt = lender.connect()
    handle = spoilt.handle
    monkeypatch.setattr(spoilt.session, "reset", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        spoilt.close()
    fresh = [lender.connect() for _ in range(POOL_SIZE)]
    assert handle not in [each.handle for each in fresh]


def test_there_is_one_pool_for_a_store(store: Store) -> None:
    assert pool_of(store) is pool_of(store)


@pytest.mark.parametrize("database_options", [{"pool_size": 200}])
def test_200_connections_at_once_work(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice")
    lender = own_pool()
    lent = [lender.connect() for _ in range(199)]
    table = ledger.Owner._meta.db_table
    for each in lent:
        assert each.execute(f"SELECT name FROM {table}").fetchall() == [("alice",)]  # noqa: S608
    for each in lent:
        each.close()
    assert lender.made <= 200


# --- requests -------------------------------------------------------------------------------


@pytest.mark.parametrize("database_options", [{"pool_size": POOL_SIZE}])
def test_a_thousand_asgi_requests_share_the_pool(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice")
    connection.close()
    lender = own_pool()
    most = 0

    def view(number: int) -> int:
        nonlocal most
        most = max(most, lender.made - lender.idle)
        if number % 10 == 0:
            with transaction.atomic():
                return int(ledger.Owner.objects.filter(name="alice").count())
        return int(ledger.Owner.objects.filter(pk=1).count())

    async def request(number: int, gate: asyncio.Semaphore) -> int:
        # What Django's ASGIHandler does: a thread for each request, signals in that thread.
        async with gate, ThreadSensitiveContext():
            await sync_to_async(request_started.send, thread_sensitive=True)(sender=None)
            try:
                return await sync_to_async(view, thread_sensitive=True)(number)
            finally:
                await sync_to_async(request_finished.send, thread_sensitive=True)(sender=None)

    async def serve() -> list[int]:
        gate = asyncio.Semaphore(POOL_SIZE * 2)
        return await asyncio.gather(*(request(number, gate) for number in range(1000)))

    assert asyncio.run(serve()) == [1] * 1000
    assert 0 < most <= POOL_SIZE
    assert lender.made <= POOL_SIZE
    assert lender.idle == lender.made


# --- processes ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_takes_handles_of_its_own(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice")
    handle = connections["default"].connection.handle
    kept = own_pool().connect()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        answer = b"failed"
        try:
            fine = connection.connection is None
            fine = fine and ledger.Owner.objects.get().name == "alice"
            fine = fine and connections["default"].connection.handle is not handle
            kept.close()  # the parent's: must not come into the child's pool
            fine = fine and own_pool().idle == 0
            answer = b"fine" if fine else b"not fine"
        finally:
            os.write(writer, answer)
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 20) == b"fine"
    assert connections["default"].connection.handle is handle
    assert ledger.Owner.objects.get().name == "alice"
    os.close(reader)
    os.close(writer)


def test_an_installation_on_sqlite_loads_neither_apsw_nor_boto3() -> None:
    program = (
        "import sys, django; django.setup();"
        "from django.db import connection; connection.ensure_connection();"
        "print(sorted({'apsw', 'boto3', 'botocore'} & set(sys.modules)))"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
        "DATABASE_URL": "sqlite://:memory:",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_closing_a_pool_closes_what_waits_in_it(store: Store) -> None:
    lender = Pool(store)
    first, second = lender.connect(), lender.connect()
    first.close()
    lender.close()
    assert (lender.made, lender.idle) == (1, 0)
    second.close()
    pool.close_all()
    assert lender.idle == 1
