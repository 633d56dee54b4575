"""Whatever the network and DynamoDB do, a unit of work is whole and its outcome is told."""

import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cryptopulse.dynamodb import errors, local
from cryptopulse.dynamodb.codec import codec_of
from cryptopulse.dynamodb.metering import Meter, capture_requests
from cryptopulse.dynamodb.options import Options
from cryptopulse.dynamodb.store import EXISTS, KeyRange, Store
from tests.dynamodb.faults import Faults
from tests.dynamodb.plain_table import BY_OWNER, Accounts, account_table, make_table, new_token

ATTEMPTS = 3
THROTTLED = "ProvisionedThroughputExceededException"


@pytest.fixture
def accounts(options: Options) -> Accounts:
    store = Store.of(replace(options, attempts=ATTEMPTS))
    table = account_table(options.prefix)
    make_table(store, table)
    return Accounts(store, table, Meter(store.options))


@pytest.fixture
def faults(accounts: Accounts) -> Iterator[Faults]:
    with Faults(accounts.store.transport) as planned:
        yield planned


# --- reads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [THROTTLED, "ThrottlingException", "RequestLimitExceeded"])
def test_a_read_survives_throttling(accounts: Accounts, faults: Faults, code: str) -> None:
    accounts.create(1)
    faults.refuse("GetItem", code)
    assert accounts.balance(1) == 10
    assert faults.sent["GetItem"] == 2


def test_a_read_that_is_always_throttled_is_an_error_after_the_attempts_allowed(
    accounts: Accounts, faults: Faults
) -> None:
    faults.refuse("GetItem", THROTTLED, times=10)
    with pytest.raises(errors.Throttled):
        accounts.get(1)
    assert faults.sent["GetItem"] == ATTEMPTS


def test_a_read_survives_a_lost_connection_and_a_server_error(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    faults.lose_request("GetItem")
    faults.refuse("GetItem", "InternalServerError", status=500)
    assert accounts.balance(1) == 10


def test_a_server_that_cannot_be_reached_is_an_error_of_its_own(
    accounts: Accounts, faults: Faults
) -> None:
    faults.refuse_connection("GetItem", times=10)
    with pytest.raises(errors.Unreachable):
        accounts.get(1)
    faults.refuse("Query", "InternalServerError", status=500, times=10)
    with pytest.raises(errors.Unreachable):
        accounts.ids(KeyRange(None, "0"))


def test_no_retry_begins_when_the_time_for_retries_is_over(
    accounts: Accounts, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptopulse.dynamodb.transport.RETRY_SECONDS", 0.0)
    faults.lose_request("GetItem", times=10)
    with pytest.raises(errors.Unreachable):
        accounts.get(1)
    assert faults.sent["GetItem"] == 1


def test_keys_left_unprocessed_are_asked_for_again(accounts: Accounts, faults: Faults) -> None:
    accounts.create(*range(1, 11))
    faults.leave_unprocessed("BatchGetItem", done=4)
    faults.leave_unprocessed("BatchGetItem", done=0)
    faults.leave_unprocessed("BatchGetItem", done=1)
    wanted = [(accounts.table, accounts.key(number)) for number in range(1, 11)]
    rows, _ = accounts.store.get_many(accounts.meter, wanted)
    assert sorted(int(str(row.values[0])) for row in rows.values()) == list(range(1, 11))


def test_keys_that_stay_unprocessed_are_an_error(accounts: Accounts, faults: Faults) -> None:
    faults.leave_unprocessed("BatchGetItem", done=0, times=10)
    with pytest.raises(errors.Throttled):
        accounts.store.get_many(accounts.meter, [(accounts.table, accounts.key(1))])


def test_items_left_unprocessed_are_deleted_in_the_end(accounts: Accounts, faults: Faults) -> None:
    accounts.create(*range(1, 40))
    faults.leave_unprocessed("BatchWriteItem", done=3)
    faults.leave_unprocessed("BatchWriteItem", done=0)
    accounts.store.truncate(accounts.meter, accounts.table)
    assert accounts.ids(KeyRange(None, "0")) == []


# --- one row --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
def test_an_insert_whose_answer_is_lost_succeeds_once(
    accounts: Accounts, faults: Faults, fault: str
) -> None:
    getattr(faults, fault)("PutItem")
    token = accounts.create(1)
    row = accounts.get(1)
    assert row is not None
    assert row.version == token


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
def test_an_update_whose_every_answer_is_lost_is_settled_by_its_version(
    accounts: Accounts, faults: Faults, fault: str
) -> None:
    version = accounts.create(1)
    getattr(faults, fault)("PutItem", times=ATTEMPTS)
    accounts.update(1, version, "20.00")
    assert accounts.balance(1) == 20


def test_an_update_that_lost_to_another_while_its_request_was_lost_is_a_conflict(
    accounts: Accounts, faults: Faults
) -> None:
    """Its own condition failed; the insert that came first is somebody else's."""
    accounts.create(1)
    faults.lose_request("PutItem")
    with pytest.raises(errors.OutcomeUnknown):  # ours, then overwritten, would look the same
        accounts.update(1, "older", "20.00")
    assert accounts.balance(1) == 10


def test_an_update_that_another_overwrote_before_we_could_look_is_unknown(
    accounts: Accounts, faults: Faults
) -> None:
    version = accounts.create(1)

    def overwrite() -> None:
        row = accounts.get(1)
        assert row is not None
        accounts.update(1, str(row.version), "99.00")

    faults.lose_answer("PutItem", then=overwrite)
    with pytest.raises(errors.OutcomeUnknown):
        accounts.update(1, version, "20.00")
    assert accounts.balance(1) == 99


def test_a_write_to_a_server_that_nobody_listens_at_was_certainly_not_done(
    accounts: Accounts, faults: Faults
) -> None:
    faults.refuse_connection("PutItem", times=10)
    with pytest.raises(errors.Unreachable):
        accounts.create(1)
    assert accounts.get(1) is None


def test_a_write_that_is_always_throttled_was_not_done(accounts: Accounts, faults: Faults) -> None:
    faults.refuse("PutItem", THROTTLED, times=10)
    with pytest.raises(errors.Throttled):
        accounts.create(1)
    assert accounts.get(1) is None


def test_a_write_that_was_lost_and_then_throttled_is_settled(
    accounts: Accounts, faults: Faults
) -> None:
    faults.lose_answer("PutItem")
    faults.refuse("PutItem", THROTTLED, times=ATTEMPTS - 1)
    token = accounts.create(1)
    row = accounts.get(1)
    assert row is not None
    assert row.version == token


def test_a_write_that_nothing_tells_of_is_unknown(accounts: Accounts, faults: Faults) -> None:
    faults.lose_answer("PutItem", times=10)
    faults.lose_request("BatchGetItem", times=10)
    with pytest.raises(errors.OutcomeUnknown, match="nothing tells"):
        accounts.create(1)


def test_a_deletion_whose_answer_is_lost_is_not_taken_for_another_s(
    accounts: Accounts, faults: Faults
) -> None:
    """A row that is gone carries no version, so nothing tells who deleted it."""
    version = accounts.create(1)
    faults.lose_answer("DeleteItem")
    with pytest.raises(errors.OutcomeUnknown):
        accounts.commit(accounts.delete(1, version), token=new_token())
    assert accounts.get(1) is None


def test_a_deletion_whose_request_is_lost_is_done(accounts: Accounts, faults: Faults) -> None:
    version = accounts.create(1)
    faults.lose_request("DeleteItem", times=ATTEMPTS)
    accounts.commit(accounts.delete(1, version), token=new_token())
    assert accounts.get(1) is None


def test_rivals_of_a_single_write_are_waited_for(accounts: Accounts, faults: Faults) -> None:
    faults.refuse("PutItem", "TransactionConflictException", times=ATTEMPTS - 1)
    accounts.create(1)
    assert accounts.balance(1) == 10


# --- transactions ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
@pytest.mark.parametrize("times", [1, ATTEMPTS])
def test_a_transaction_whose_answer_is_lost_is_done_once(
    accounts: Accounts, faults: Faults, fault: str, times: int
) -> None:
    getattr(faults, fault)("TransactWriteItems", times=times)
    token = accounts.create(1, 2, name="main")
    assert [row.version for row in map(accounts.get, (1, 2)) if row] == [token, token]


def test_a_server_that_forgot_the_token_does_not_make_a_done_transaction_fail(
    accounts: Accounts, faults: Faults
) -> None:
    faults.lose_answer("TransactWriteItems")
    faults.forget_token(times=10)
    token = accounts.create(1, 2, name="main")
    assert [row.version for row in map(accounts.get, (1, 2)) if row] == [token, token]


def test_a_lost_request_and_then_a_taken_name_is_the_duplicate_it_is(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1, name="main")
    faults.lose_request("TransactWriteItems")
    with pytest.raises(errors.Duplicate, match=r"account\.name"):
        accounts.create(2, name="main")
    assert accounts.get(2) is None


def test_a_transaction_settles_by_the_rows_that_are_still_as_they_were(
    accounts: Accounts, faults: Faults
) -> None:
    first, _ = accounts.create(1), accounts.create(2)
    token = new_token()
    faults.lose_request("TransactWriteItems")
    with pytest.raises(errors.Conflict):
        accounts.commit(
            accounts.put(1, token, balance="1.00", expected=first),
            accounts.put(2, token, balance="1.00", expected="older"),
            token=token,
        )
    assert accounts.balance(1) == 10


def test_a_transaction_in_progress_is_our_own_and_waited_for(
    accounts: Accounts, faults: Faults
) -> None:
    faults.refuse("TransactWriteItems", "TransactionInProgressException")
    accounts.create(1, 2)
    assert accounts.balance(2) == 10


def test_a_transaction_that_stays_in_progress_is_settled(
    accounts: Accounts, faults: Faults
) -> None:
    faults.lose_answer("TransactWriteItems")
    faults.refuse("TransactWriteItems", "TransactionInProgressException", times=ATTEMPTS - 1)
    accounts.create(1, 2)
    assert accounts.balance(2) == 10


def test_a_transaction_waits_for_its_rivals(accounts: Accounts, faults: Faults) -> None:
    faults.cancel(["None", "TransactionConflict"], times=ATTEMPTS - 1)
    accounts.create(1, 2)
    assert accounts.balance(1) == 10


def test_a_transaction_whose_rivals_never_end_is_a_conflict(
    accounts: Accounts, faults: Faults
) -> None:
    faults.cancel(["None", "TransactionConflict"], times=10)
    with pytest.raises(errors.Conflict):
        accounts.create(1, 2)
    assert accounts.get(1) is None
    assert faults.sent["TransactWriteItems"] == ATTEMPTS


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_for_throughput_is_sent_again_and_then_refused(
    accounts: Accounts, faults: Faults, reason: str
) -> None:
    faults.cancel([reason, "None"], times=ATTEMPTS - 1)
    accounts.create(1, 2)
    faults.cancel([reason, "None"], times=10)
    with pytest.raises(errors.Throttled):
        accounts.create(3, 4)
    assert accounts.get(3) is None


def test_a_server_error_is_settled_like_a_lost_answer(accounts: Accounts, faults: Faults) -> None:
    faults.refuse("TransactWriteItems", "InternalServerError", status=500, times=ATTEMPTS)
    accounts.create(1, 2)
    assert accounts.balance(2) == 10


def test_checks_alone_have_no_outcome_that_could_be_unknown(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    faults.lose_request("TransactWriteItems", times=10)
    with pytest.raises(errors.Unreachable):
        accounts.commit(accounts.check(1, EXISTS), token=new_token())


def test_settling_ends_in_time_when_the_server_is_gone(
    accounts: Accounts, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptopulse.dynamodb.commit.SETTLE_SECONDS", 0.0)
    for operation in ("TransactWriteItems", "BatchGetItem"):
        faults.lose_request(operation, times=20)
    started = time.monotonic()
    with pytest.raises(errors.OutcomeUnknown):
        accounts.create(1, 2)
    assert faults.sent["BatchGetItem"] == 1
    assert time.monotonic() - started < 2


def test_a_commit_in_chunks_leaves_every_chunk_whole(accounts: Accounts, faults: Faults) -> None:
    token = new_token()
    actions = [accounts.put(number, token) for number in range(1, 151)]
    faults.lose_answer("TransactWriteItems", times=ATTEMPTS)
    accounts.store.commit_in_chunks(accounts.meter, actions, token)
    assert len(accounts.ids(KeyRange(None, "0"))) == 150


@pytest.mark.parametrize("error", ["Conflict", "Duplicate", "Throttled"])
def test_a_later_chunk_s_error_says_that_part_was_written(
    accounts: Accounts, faults: Faults, error: str
) -> None:
    token = new_token()
    actions = [accounts.put(number, token) for number in range(1, 251)]
    if error == "Duplicate":
        accounts.create(150)
    faults.plan("TransactWriteItems", lambda request: None, 1)
    reason = {"Conflict": "TransactionConflict", "Throttled": "ThrottlingError"}.get(error)
    if reason:
        faults.cancel([reason], times=ATTEMPTS)
    with pytest.raises(errors.PartlyWritten, match="1 to 1 of 3 were written") as caught:
        accounts.store.commit_in_chunks(accounts.meter, actions, token)
    assert type(caught.value.__cause__) is getattr(errors, error)
    assert len(accounts.ids(KeyRange(None, "0"))) == 100 + (error == "Duplicate")


def test_the_first_chunk_s_conflict_is_one(accounts: Accounts, faults: Faults) -> None:
    token = new_token()
    actions = [accounts.put(number, token) for number in range(1, 151)]
    faults.cancel(["TransactionConflict"], times=ATTEMPTS)
    with pytest.raises(errors.Conflict):
        accounts.store.commit_in_chunks(accounts.meter, actions, token)
    assert accounts.ids(KeyRange(None, "0")) == []


# --- increments -----------------------------------------------------------------------------


def test_an_increment_whose_answer_is_lost_is_not_repeated(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    faults.lose_answer("UpdateItem")
    change = {"balance": Decimal("-3.00")}
    args = (accounts.meter, accounts.table, accounts.key(1), change)
    assert accounts.store.add(*args, token=new_token()) == "done"
    assert accounts.balance(1) == 7


def test_an_increment_that_nothing_tells_of_is_unknown_and_not_repeated(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    faults.lose_request("UpdateItem")
    change = {"balance": Decimal("-3.00")}
    args = (accounts.meter, accounts.table, accounts.key(1), change)
    with pytest.raises(errors.OutcomeUnknown):
        accounts.store.add(*args, token=new_token())
    assert accounts.balance(1) == 10
    assert faults.sent["UpdateItem"] == 1


# --- sequences ------------------------------------------------------------------------------


def test_a_number_whose_answer_is_lost_leaves_a_gap(accounts: Accounts, faults: Faults) -> None:
    faults.lose_answer("UpdateItem")
    assert accounts.store.next_ids(accounts.meter, accounts.table) == 2


def test_a_number_that_is_never_answered_is_no_half_done_work(
    accounts: Accounts, faults: Faults
) -> None:
    faults.lose_answer("UpdateItem", times=ATTEMPTS)
    with pytest.raises(errors.Unreachable):
        accounts.store.next_ids(accounts.meter, accounts.table)
    assert accounts.store.next_ids(accounts.meter, accounts.table) == ATTEMPTS + 1


# --- stale indexes --------------------------------------------------------------------------


def test_a_stale_index_delays_what_a_query_shows_and_loses_no_update(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    bounds = KeyRange(BY_OWNER, codec_of(accounts.table).partition(BY_OWNER, "alice"))
    faults.freeze_indexes()
    (page,) = accounts.store.pages(accounts.meter, accounts.table, bounds)
    accounts.update(1, str(page[0].version), "20.00")
    (stale,) = accounts.store.pages(accounts.meter, accounts.table, bounds)
    assert stale[0].values[3] == "10"
    with pytest.raises(errors.Conflict):
        accounts.update(1, str(stale[0].version), "30.00")
    assert accounts.balance(1) == 20


def test_botocore_s_retries_are_one_request_of_the_meter(
    accounts: Accounts, faults: Faults
) -> None:
    accounts.create(1)
    faults.lose_request("GetItem", times=ATTEMPTS - 1)
    with capture_requests() as capture:
        accounts.get(1)
    assert [request.operation for request in capture.requests] == ["GetItem"]


# --- a server that really goes away ---------------------------------------------------------


def test_what_was_acknowledged_outlives_a_server_that_is_killed(
    dynoxide: str, tmp_path: Path
) -> None:
    """`dynoxide` is asked for so that this skips where there is no such program."""
    file = tmp_path / "rows.sqlite"
    server = local.start(file=file)
    options = Options(prefix="t", region="us-east-1", endpoint=server.url, attempts=2)
    table = account_table("t")
    accounts = Accounts(Store.of(options), table, Meter(options))
    make_table(accounts.store, table)
    token = accounts.create(1, 2, name="main")
    server.kill()
    with pytest.raises(errors.Unreachable):
        accounts.update(1, token, "20.00")
    with pytest.raises(errors.Unreachable):
        accounts.get(1)
    server = local.start(port=server.port, file=file)
    try:
        accounts.update(1, token, "20.00")
        assert (accounts.balance(1), accounts.balance(2)) == (20, 10)
    finally:
        server.stop()
