"""The store against a real server: reads, conditional commits, limits, sequences, emptying."""

import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any

import pytest

from cryptopulse.dynamodb import errors
from cryptopulse.dynamodb.codec import codec_of
from cryptopulse.dynamodb.metering import Meter, assert_requests, capture_requests
from cryptopulse.dynamodb.options import Options
from cryptopulse.dynamodb.store import EXISTS, KeyRange, Store
from cryptopulse.dynamodb.transport import Transport
from tests.dynamodb.plain_table import BY_OWNER, Accounts, account_table, make_table, new_token

ALL = KeyRange(None, "0")
PAST, FUTURE = "2020-01-01 00:00:00", "2999-01-01 00:00:00"


def made(options: Options, *, ttl: str | None = None) -> Accounts:
    store = Store.of(options)
    table = account_table(options.prefix, ttl=ttl)
    make_table(store, table)
    return Accounts(store, table, Meter(options))


@pytest.fixture
def accounts(options: Options) -> Accounts:
    return made(options)


@pytest.fixture
def expiring(options: Options) -> Accounts:
    return made(options, ttl="until")


# --- reads ----------------------------------------------------------------------------------


def test_a_row_that_was_written_is_read_with_its_version(accounts: Accounts) -> None:
    token = accounts.create(1)
    row = accounts.get(1)
    assert row is not None
    assert (row.key, row.version, row.values) == (
        accounts.key(1),
        token,
        (1, "alice", None, "10", None),
    )
    assert accounts.get(2) is None


def test_many_rows_and_owners_come_in_batches_of_a_hundred(accounts: Accounts) -> None:
    accounts.create(*range(1, 91))
    accounts.create(200, name="savings")
    rows = [(accounts.table, accounts.key(number)) for number in [*range(1, 120), 5, 6]]
    sentinels = [(accounts.table, accounts.sentinel(name)) for name in ("savings", "free")]
    with assert_requests(BatchGetItem=2):
        found, owners = accounts.store.get_many(accounts.meter, rows, sentinels)
    assert len(found) == 90
    assert owners == {("account", accounts.sentinel("savings")): accounts.key(200)}


def test_nothing_asked_is_no_request(accounts: Accounts) -> None:
    with assert_requests(0):
        assert accounts.store.get_many(accounts.meter, []) == ({}, {})
        accounts.commit(token=new_token())


def test_rows_come_in_the_order_of_their_keys_either_way(accounts: Accounts) -> None:
    accounts.create(10, 9, 100, -1)
    assert accounts.ids(ALL) == [-1, 9, 10, 100]
    assert accounts.ids(replace(ALL, descending=True)) == [100, 10, 9, -1]


def test_bounds_of_a_range_are_inclusive(accounts: Accounts) -> None:
    accounts.create(*range(1, 10))
    low, high = accounts.key(3), accounts.key(5)
    assert accounts.ids(replace(ALL, low=low, high=high)) == [3, 4, 5]
    assert accounts.ids(replace(ALL, low=accounts.key(8))) == [8, 9]
    assert accounts.ids(replace(ALL, high=accounts.key(2))) == [1, 2]
    assert accounts.store.count(accounts.meter, accounts.table, replace(ALL, low=low)) == 7


def test_an_index_is_read_by_its_own_keys(accounts: Accounts) -> None:
    token = new_token()
    accounts.commit(
        accounts.put(1, token, owner="alice"),
        accounts.put(2, token, owner="bob"),
        accounts.put(3, token, owner="alice"),
        token=token,
    )
    partition = codec_of(accounts.table).partition(BY_OWNER, "alice")
    with capture_requests() as capture:
        assert accounts.ids(KeyRange(BY_OWNER, partition)) == [1, 3]
    assert [(request.operation, request.index) for request in capture.requests] == [
        ("Query", BY_OWNER.physical)
    ]


def test_pages_grow_from_the_first_and_are_asked_for_one_by_one(accounts: Accounts) -> None:
    accounts.create(*range(1, 31))
    with capture_requests() as capture:
        pages = accounts.store.pages(accounts.meter, accounts.table, ALL, 5)
        assert len(next(pages)) == 5
        assert len(capture.requests) == 1
        assert [len(page) for page in pages] == [20, 5]


def test_sentinels_are_in_no_range(accounts: Accounts) -> None:
    accounts.create(1, name="main")
    assert accounts.ids(ALL) == [1]
    assert accounts.store.count(accounts.meter, accounts.table, ALL) == 1


# --- time to live ---------------------------------------------------------------------------


def test_a_row_past_its_time_does_not_exist(expiring: Accounts) -> None:
    token = new_token()
    expiring.commit(
        expiring.put(1, token, until=PAST),
        expiring.put(2, token, until=FUTURE),
        expiring.put(3, token, until=None),
        token=token,
    )
    assert expiring.get(1) is None
    assert expiring.get(2) is not None
    assert expiring.ids(ALL) == [2, 3]
    assert expiring.store.count(expiring.meter, expiring.table, ALL) == 2
    wanted = [(expiring.table, expiring.key(number)) for number in (1, 2)]
    assert len(expiring.store.get_many(expiring.meter, wanted)[0]) == 1
    with pytest.raises(errors.Conflict):
        expiring.commit(expiring.check(1, EXISTS), token=new_token())


def test_a_row_past_its_time_makes_room_for_another(expiring: Accounts) -> None:
    expiring.commit(expiring.put(1, "first", until=PAST), token="first")
    expiring.commit(expiring.put(1, "second", until=FUTURE), token="second")
    with pytest.raises(errors.Duplicate):
        expiring.commit(expiring.put(1, "third", until=FUTURE), token="third")


# --- conditions -----------------------------------------------------------------------------


def test_a_taken_key_is_a_duplicate(accounts: Accounts) -> None:
    accounts.create(1)
    with pytest.raises(errors.Duplicate, match=r"account\.id"):
        accounts.create(1)
    with pytest.raises(errors.Duplicate, match=r"account\.id"):
        accounts.create(2, 1)
    assert accounts.get(2) is None


def test_an_outdated_version_is_a_conflict(accounts: Accounts) -> None:
    version = accounts.create(1)
    accounts.update(1, version, "20.00")
    with pytest.raises(errors.Conflict):
        accounts.update(1, version, "30.00")
    with pytest.raises(errors.Conflict):
        accounts.commit(accounts.delete(1, version), token=new_token())
    assert accounts.balance(1) == 20


def test_a_check_alone_holds_or_fails(accounts: Accounts) -> None:
    version = accounts.create(1)
    accounts.commit(accounts.check(1, version), token=new_token())
    accounts.commit(accounts.check(1, EXISTS), token=new_token())
    accounts.commit(accounts.check(2, None), token=new_token())
    for check in (accounts.check(1, "other"), accounts.check(2, EXISTS), accounts.check(1, None)):
        with pytest.raises(errors.Conflict):
            accounts.commit(check, token=new_token())


def test_a_failed_check_undoes_the_writes_beside_it(accounts: Accounts) -> None:
    accounts.create(1)
    token = new_token()
    with pytest.raises(errors.Conflict):
        accounts.commit(accounts.put(2, token), accounts.check(1, "other"), token=token)
    assert accounts.get(2) is None


def test_a_sentinel_is_given_up_by_its_owner_alone(accounts: Accounts) -> None:
    accounts.create(1, name="main")
    token = new_token()
    with pytest.raises(errors.Duplicate):
        accounts.commit(accounts.claim("main", 2, token, owner=accounts.key(2)), token=token)
    accounts.commit(accounts.claim("main", 2, token, owner=accounts.key(1)), token=token)
    _, owners = accounts.store.get_many(
        accounts.meter, [], [(accounts.table, accounts.sentinel("main"))]
    )
    assert list(owners.values()) == [accounts.key(2)]


def test_one_action_is_one_plain_write(accounts: Accounts) -> None:
    with assert_requests(PutItem=1):
        version = accounts.create(1)
    with assert_requests(DeleteItem=1):
        accounts.commit(accounts.delete(1, version), token=new_token())
    with assert_requests(TransactWriteItems=1):
        accounts.create(1, name="main")


def test_of_many_who_want_a_name_at_once_one_gets_it(accounts: Accounts) -> None:
    def sign_up(number: int) -> bool:
        try:
            accounts.create(number, name="alice")
        except (errors.Duplicate, errors.Conflict):
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(sign_up, range(1, 17))) == 1
    assert len(accounts.ids(ALL)) == 1


# --- limits ---------------------------------------------------------------------------------


def test_more_than_a_hundred_actions_are_refused_before_anything_is_sent(
    accounts: Accounts,
) -> None:
    token = new_token()
    actions = [accounts.put(number, token) for number in range(1, 62)]
    actions += [accounts.claim(f"n{number}", number, token) for number in range(1, 62)]
    with assert_requests(0), pytest.raises(errors.TooLarge, match="122 actions for 61 rows"):
        accounts.commit(*actions, token=token)


def test_more_than_four_megabytes_are_refused_before_anything_is_sent(accounts: Accounts) -> None:
    token = new_token()
    actions = [accounts.put(number, token, name="x" * 300_000) for number in range(1, 16)]
    with assert_requests(0), pytest.raises(errors.TooLarge, match="4,194,304 at once"):
        accounts.commit(*actions, token=token)


def test_an_item_of_more_than_400_kilobytes_is_refused(accounts: Accounts) -> None:
    token = new_token()
    with assert_requests(0), pytest.raises(errors.TooLarge, match="row of account"):
        accounts.commit(accounts.put(1, token, name="x" * 410_000), token=token)


def test_a_key_that_is_too_long_is_refused(accounts: Accounts) -> None:
    token = new_token()
    action = accounts.put(1, token)
    action.item["@k"] = {"S": "é" * 600}
    with assert_requests(0), pytest.raises(errors.TooLarge, match="primary key"):
        accounts.commit(action, token=token)


def test_chunks_keep_a_row_and_its_sentinels_together(accounts: Accounts) -> None:
    token = new_token()
    actions = [accounts.put(number, token) for number in range(1, 152)]
    actions += [accounts.claim(f"n{number}", number, token) for number in range(1, 152)]
    with capture_requests() as capture:
        accounts.store.commit_in_chunks(accounts.meter, actions, token)
    assert [request.items for request in capture.requests] == [100, 100, 100, 2]
    assert len(accounts.ids(ALL)) == 151


# --- increments -----------------------------------------------------------------------------


def add(accounts: Accounts, number: int, change: str, at_least: str | None = None) -> str:
    conditions = [] if at_least is None else [("balance", ">=", Decimal(at_least))]
    return accounts.store.add(
        accounts.meter,
        accounts.table,
        accounts.key(number),
        {"balance": Decimal(change)},
        conditions=conditions,
        token=new_token(),
    )


def test_an_increment_is_one_request_and_a_new_version(accounts: Accounts) -> None:
    version = accounts.create(1)
    with assert_requests(UpdateItem=1):
        assert add(accounts, 1, "-2.50", at_least="2.50") == "done"
    assert accounts.balance(1) == 7.5
    with pytest.raises(errors.Conflict):
        accounts.update(1, version, "1.00")


def test_an_increment_whose_condition_fails_changes_nothing(accounts: Accounts) -> None:
    accounts.create(1)
    assert add(accounts, 1, "-20.00", at_least="20.00") == "unmatched"
    assert add(accounts, 2, "1.00") == "unmatched"
    assert accounts.balance(1) == 10


def test_what_an_increment_cannot_do_is_left_to_reading_and_writing(accounts: Accounts) -> None:
    accounts.create(1)
    token = new_token()
    accounts.commit(accounts.put(2, token, balance=None), token=token)  # type: ignore[arg-type]
    assert add(accounts, 2, "1.00") == "unsupported"  # NULL
    assert add(accounts, 1, "0.001") == "unsupported"  # would need rounding
    with assert_requests(0):
        outcome = accounts.store.add(
            accounts.meter, accounts.table, accounts.key(1), {"id": 1}, token=token
        )
    assert outcome == "unsupported"  # the key


def test_decrements_from_many_threads_stop_at_the_condition(accounts: Accounts) -> None:
    accounts.create(1, balance="25.00")
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: add(accounts, 1, "-1.00", "1.00"), range(40)))
    assert outcomes.count("done") == 25
    assert accounts.balance(1) == 0


# --- sequences ------------------------------------------------------------------------------


def test_numbers_of_a_sequence_are_taken_once(accounts: Accounts) -> None:
    store, table = accounts.store, accounts.table
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: store.next_ids(accounts.meter, table, 3), range(20)))
    assert sorted(firsts) == list(range(1, 61, 3))


def test_a_table_whose_numbers_come_slowly_holds_up_no_other(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked, go_on = accounts.store, Event(), Event()
    slow = replace(accounts.table, name="slow", physical=f"{accounts.table.physical}-slow")
    call = Transport.call

    def call_slowly(transport: Transport, meter: Meter, operation: str, **request: Any) -> Any:
        if request["Key"]["@s"]["S"].endswith("-slow"):
            asked.set()
            assert go_on.wait(10)
        return call(transport, meter, operation, **request)

    monkeypatch.setattr(Transport, "call", call_slowly)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(store.next_ids, accounts.meter, slow)
        try:
            assert asked.wait(10)
            assert pool.submit(store.next_ids, accounts.meter, accounts.table).result(5) == 1
        finally:
            go_on.set()
        assert waiting.result() == 1


def test_a_block_of_numbers_costs_one_request(options: Options) -> None:
    accounts = made(replace(options, sequence_block=10))
    with assert_requests(UpdateItem=2):
        numbers = [accounts.store.next_ids(accounts.meter, accounts.table) for _ in range(11)]
    assert numbers == list(range(1, 12))


def test_a_sequence_is_raised_never_lowered_and_reset(accounts: Accounts) -> None:
    store, table, meter = accounts.store, accounts.table, accounts.meter
    store.raise_sequence(table, 100)
    store.raise_sequence(table, 50)
    assert store.next_ids(meter, table) == 101
    store.reset_sequence(table)
    assert store.next_ids(meter, table) == 1


# --- emptying -------------------------------------------------------------------------------


def test_emptying_deletes_rows_and_sentinels_of_a_table_of_many_pages(accounts: Accounts) -> None:
    token = new_token()
    actions = [accounts.put(number, token, name="x" * 100_000) for number in range(1, 36)]
    accounts.store.commit_in_chunks(accounts.meter, actions, token)
    accounts.create(100, name="main")
    assert accounts.store.dirty == {"account"}
    accounts.store.truncate(accounts.meter, accounts.table)
    answer = accounts.store.call(
        accounts.meter, "Scan", TableName=accounts.table.physical, ConsistentRead=True
    )
    assert answer["Count"] == 0
    assert accounts.store.dirty == set()


# --- the process ----------------------------------------------------------------------------


def test_one_store_serves_a_process_until_its_options_change(options: Options) -> None:
    store = Store.of(options)
    assert Store.of(replace(options)) is store
    assert Store.of(replace(options, scans="forbid")) is not store


def test_calls_run_beside_each_other_and_answer_in_order(accounts: Accounts) -> None:
    started = time.monotonic()

    def slow(number: int) -> int:
        time.sleep(0.2)
        return sum(accounts.store.each([lambda: number, lambda: number]))

    assert accounts.store.each([partial(slow, n) for n in range(4)]) == [0, 2, 4, 6]
    assert time.monotonic() - started < 0.7


def test_a_child_process_makes_a_client_of_its_own(accounts: Accounts) -> None:
    accounts.create(1)
    accounts.store.each([lambda: accounts.get(1), lambda: accounts.get(1)])
    client = accounts.store.transport.client
    child = os.fork()
    if child == 0:
        code = 1
        try:
            reads = accounts.store.each([lambda: accounts.get(1), lambda: accounts.get(1)])
            is_new = accounts.store.transport.client is not client
            code = 0 if is_new and all(row is not None for row in reads) else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert accounts.store.transport.client is client


def test_a_table_that_is_not_there_is_a_database_error(options: Options) -> None:
    accounts = Accounts(Store.of(options), account_table("elsewhere"), Meter(options))
    with pytest.raises(sqlite3.OperationalError, match=r"has no table for .*account, although"):
        accounts.get(1)
