"""What statements cost is counted, logged and limited."""

import logging
import threading

import pytest

from cryptopulse.dynamodb import metering, scans
from cryptopulse.dynamodb.errors import ScanForbidden
from cryptopulse.dynamodb.metering import Meter, Request, assert_requests, capture_requests, totals
from cryptopulse.dynamodb.options import Options, TableOptions
from cryptopulse.dynamodb.scans import allow_scans, policy
from cryptopulse.dynamodb.store import KeyRange, Store
from tests.dynamodb.plain_table import Accounts, account_table, make_table

OPTIONS = Options(prefix="p", region="us-east-1", tables={"tiny": TableOptions(small=True)})
FORBIDDING = Options(prefix="p", region="us-east-1", scans="forbid")


@pytest.fixture(autouse=True)
def _no_memory_of_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "_warned", {})


def request(operation: str = "GetItem", units: float = 1.0) -> Request:
    return Request(operation, "coin", None, units, 0.001, 1)


# --- statements -----------------------------------------------------------------------------


def test_a_statement_knows_its_requests_and_plans() -> None:
    meter = Meter(OPTIONS)
    record = meter.begin("SELECT 1")
    meter.plan("get coin")
    meter.add(request())
    meter.add(request("Query", 2.5))
    meter.end()
    meter.add(request())
    assert [made.operation for made in record.requests] == ["GetItem", "Query"]
    assert (record.plans, record.units) == (["get coin"], 3.5)
    assert record.seconds > 0


def test_a_cursor_read_on_later_keeps_its_own_record() -> None:
    meter = Meter(OPTIONS)
    first, second = meter.begin("SELECT 1"), meter.begin("SELECT 2")
    meter.end(second)
    meter.current = first
    meter.add(request())
    meter.end(first)
    assert (len(first.requests), len(second.requests)) == (1, 0)


def test_each_statement_is_logged_with_its_cost(caplog: pytest.LogCaptureFixture) -> None:
    meter = Meter(OPTIONS)
    with caplog.at_level(logging.DEBUG, "cryptopulse.dynamodb"):
        meter.begin("SELECT 1")
        meter.plan("get coin")
        meter.add(request())
        meter.end()
    assert "SELECT 1; requests=1 units=1 plan=get coin" in caplog.text


# --- requests of a real server --------------------------------------------------------------


def test_requests_of_all_threads_are_captured_with_table_index_and_units(
    options: Options,
) -> None:
    accounts = Accounts(Store.of(options), account_table(options.prefix), Meter(options))
    make_table(accounts.store, accounts.table)
    before = totals()
    with capture_requests() as capture:
        thread = threading.Thread(target=accounts.create, args=(1, 2))
        thread.start()
        thread.join()
        accounts.store.each([lambda: accounts.get(1), lambda: accounts.get(2)])
        accounts.ids(KeyRange(None, "0"))
    made = [(one.operation, one.table, one.items) for one in capture.requests]
    assert made[0] == ("TransactWriteItems", "account", 2)
    assert sorted(made[1:]) == [
        ("GetItem", "account", 1),
        ("GetItem", "account", 1),
        ("Query", "account", 2),
    ]
    after = totals()
    assert after.requests - before.requests == 4
    assert after.read_units > before.read_units
    assert after.write_units > before.write_units
    assert capture.units == pytest.approx(
        after.read_units + after.write_units - before.read_units - before.write_units
    )


def test_housekeeping_is_counted_apart(options: Options) -> None:
    store = Store.of(options)
    before = totals()
    with assert_requests(0):
        store.call(store.housekeeping, "ListTables")
    after = totals()
    assert (after.requests, after.housekeeping) == (before.requests, before.housekeeping + 1)


def test_capacity_is_asked_for_unless_the_meter_says_no(options: Options) -> None:
    accounts = Accounts(Store.of(options), account_table(options.prefix), Meter(options))
    make_table(accounts.store, accounts.table)
    accounts.meter.returns_capacity = False
    with capture_requests() as capture:
        accounts.get(1)
    assert capture.requests[0].units == 0


# --- assert_requests ------------------------------------------------------------------------


def test_the_requests_named_must_be_all() -> None:
    meter = Meter(OPTIONS)
    with assert_requests(GetItem=1, Query=1):
        meter.add(request())
        meter.add(request("Query"))
    with (
        pytest.raises(AssertionError, match="1 requests instead of 2"),
        assert_requests(2, Query=1),
    ):
        meter.add(request("Query"))
    with pytest.raises(AssertionError, match="0 Query instead of 1"), assert_requests(Query=1):
        meter.add(request())


def test_a_limit_leaves_the_kind_of_requests_open() -> None:
    meter = Meter(OPTIONS)
    with assert_requests(at_most=2, Query=1):
        meter.add(request("Query"))
        meter.add(request())
    with pytest.raises(AssertionError, match="at most 0"), assert_requests(at_most=0):
        meter.add(request())


def test_a_failure_lists_what_was_done_instead() -> None:
    with pytest.raises(AssertionError, match=r"GetItem coin \(1 items\)"), assert_requests(0):
        Meter(OPTIONS).add(request())


def test_scans_must_be_expected() -> None:
    with pytest.raises(AssertionError, match="1 scans instead of 0"), assert_requests(0):
        Meter(OPTIONS).scan("coin", 10)
    with assert_requests(0, scans=1):
        Meter(OPTIONS).scan("coin", 10)


# --- scans ----------------------------------------------------------------------------------


def test_a_scan_is_refused_where_scans_are_forbidden() -> None:
    with pytest.raises(ScanForbidden, match="all of coin"):
        Meter(FORBIDDING).scan("coin")


def test_a_reason_allows_a_scan_within_its_block() -> None:
    meter = Meter(FORBIDDING)
    with allow_scans("export"):
        with allow_scans("inner"):
            meter.scan("coin")
        meter.scan("coin")
    with pytest.raises(ScanForbidden):
        meter.scan("coin")


def test_a_reason_must_be_given() -> None:
    with pytest.raises(ValueError, match="needs a reason"), allow_scans(""):
        pass


def test_a_command_that_ends_may_scan_and_one_that_serves_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scans, "_process_reason", None)
    scans.allow_for_command(["manage.py", "runserver"])
    assert policy(FORBIDDING) == "forbid"
    scans.allow_for_command(["manage.py", "dumpdata"])
    assert policy(FORBIDDING) == "allow"


def test_a_small_table_is_never_reported() -> None:
    with assert_requests(0):
        Meter(OPTIONS).scan("tiny", 5)


def test_a_scan_warns_once_a_minute_for_each_shape_of_statement(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter(OPTIONS)

    def run(sql: str) -> None:
        meter.begin(sql)
        scan = meter.scan("coin")
        scan.rows += 7
        meter.end()

    run("SELECT * FROM coin WHERE rank > 5")
    run("SELECT * FROM coin WHERE rank > 6")
    run("SELECT * FROM coin WHERE rank > 7")
    run("SELECT * FROM coin")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "Read all of coin (7 rows" in caplog.text
    monkeypatch.setattr(metering, "WARN_EVERY", 0.0)
    run("SELECT * FROM coin WHERE rank > 8")
    assert "2 times more" in caplog.messages[-1]
