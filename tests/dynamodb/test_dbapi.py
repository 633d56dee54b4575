"""The DB-API connection over apsw, on a session with nothing in its catalogue but plain tables."""

from __future__ import annotations

import datetime as dt
import gc
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from types import ModuleType
from typing import Any, cast

import apsw
import pytest
from django.utils.safestring import SafeString

from cryptopulse.dynamodb import authorizer, dbapi, pool
from cryptopulse.dynamodb.dbapi import Connection
from cryptopulse.dynamodb.errors import Conflict
from cryptopulse.dynamodb.store import Store

NOT_POSSIBLE = "is not possible on DynamoDB; schema changes go through Django migrations"


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    lender = pool.Pool(store)
    connection = lender.connect()
    with authorizer.own_ddl(connection.open_handle):
        connection.open_handle.execute("CREATE TABLE coin (id integer PRIMARY KEY, name text)")
    connection.execute("INSERT INTO coin (name) VALUES ('bitcoin'), ('ether'), ('dogecoin')")
    yield connection
    connection.close()
    lender.close()


def rows(connection: Connection, sql: str, parameters: dbapi.Parameters = None) -> list[Any]:
    return connection.execute(sql, parameters).fetchall()


# --- parameters -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (SafeString("safe"), "safe"),
        (True, 1),
        (Decimal("12.50"), "12.50"),
        (dt.datetime(2026, 5, 4, 10, 11, 12), "2026-05-04 10:11:12"),  # noqa: DTZ001 - as Django binds
        (dt.date(2026, 5, 4), "2026-05-04"),
        (dt.time(10, 11), "10:11:00"),
        (memoryview(b"bytes"), b"bytes"),
        (bytearray(b"bytes"), b"bytes"),
        (2**63 - 1, 2**63 - 1),
        (None, None),
    ],
)
def test_values_reach_sqlite_as_django_s_own_backend_binds_them(
    connection: Connection, value: object, stored: object
) -> None:
    ((found,),) = rows(connection, "SELECT %s", [value])
    assert (found, type(found)) == (stored, type(stored))


def test_an_integer_beyond_64_bits_is_refused(connection: Connection) -> None:
    with pytest.raises(OverflowError):
        connection.execute("SELECT %s", [2**63])


def test_a_value_of_an_unknown_type_is_refused_by_name(connection: Connection) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="type 'complex' is not supported"):
        connection.execute("SELECT %s", [1j])


def test_placeholders_may_have_names(connection: Connection) -> None:
    assert rows(connection, "SELECT %(a)s, %(b)s, '%%'", {"a": 1, "b": 2}) == [(1, 2, "%")]


def test_without_parameters_a_percent_sign_is_just_that(connection: Connection) -> None:
    assert rows(connection, "SELECT '%s %%'") == [("%s %%",)]


@pytest.mark.parametrize("parameters", [[], [1, 2]])
def test_a_wrong_number_of_parameters_is_a_programming_error(
    connection: Connection, parameters: Sequence[int]
) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="Incorrect number of bindings"):
        connection.execute("SELECT %s", parameters)


def test_one_statement_at_a_time(connection: Connection) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="one statement at a time"):
        connection.execute("SELECT 1; DELETE FROM coin")
    assert rows(connection, "SELECT ';' -- ; \n ; ") == [(";",)]


# --- results --------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [0, 99])
def test_columns_are_described_with_rows_and_without(connection: Connection, least: int) -> None:
    cursor = connection.execute("SELECT id, name AS label FROM coin WHERE id > %s", [least])
    assert [column[0] for column in cursor.description or ()] == ["id", "label"]
    assert {len(column) for column in cursor.description or ()} == {7}
    cursor.fetchall()
    assert [column[0] for column in cursor.description or ()] == ["id", "label"]


def test_a_statement_without_a_result_has_no_description(connection: Connection) -> None:
    assert connection.cursor().description is None
    assert connection.execute("UPDATE coin SET name = 'x' WHERE id = 1").description is None


def test_rows_come_one_by_one_in_parts_and_all(connection: Connection) -> None:
    cursor = connection.execute("SELECT id FROM coin ORDER BY id")
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany(5) == [(2,), (3,)]
    assert (cursor.fetchone(), cursor.fetchmany(5), cursor.fetchall()) == (None, [], [])
    assert list(cursor.execute("SELECT id FROM coin ORDER BY id")) == [(1,), (2,), (3,)]


def test_changes_are_counted_and_reads_are_not(connection: Connection) -> None:
    cursor = connection.cursor()
    assert cursor.execute("UPDATE coin SET name = 'x' WHERE id > 1").rowcount == 2
    assert cursor.execute("SELECT * FROM coin").rowcount == -1
    cursor.executemany("INSERT INTO coin (name) VALUES (%s)", [["a"], ["b"]])
    assert (cursor.rowcount, cursor.lastrowid) == (2, 5)


def test_a_comment_before_it_does_not_hide_a_change(connection: Connection) -> None:
    assert connection.execute("/* why */ -- so\n DELETE FROM coin").rowcount == 3


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM nothing", sqlite3.OperationalError),
        ("SELEKT", sqlite3.OperationalError),
        ("INSERT INTO coin (id) VALUES (1)", sqlite3.IntegrityError),
        ("INSERT INTO coin (id) VALUES ('one')", sqlite3.IntegrityError),
    ],
)
def test_errors_are_those_of_the_standard_library(
    connection: Connection, sql: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        connection.execute(sql)


def test_a_closed_cursor_and_a_closed_connection_say_so(connection: Connection) -> None:
    cursor = connection.execute("SELECT * FROM coin")
    cursor.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
        cursor.fetchone()
    idle = connection.cursor()
    unfinished = connection.execute("SELECT * FROM coin")
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        idle.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        unfinished.fetchall()
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "CREATE TABLE x AS SELECT 1",
        "CREATE INDEX i ON coin (name)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON coin BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE v USING dynamodb",
        "ALTER TABLE coin RENAME TO token",
        "ALTER TABLE coin ADD COLUMN x integer",
        "DROP TABLE coin",
        "ATTACH ':memory:' AS other",
        "PRAGMA foreign_keys = ON",
        "PRAGMA journal_mode(wal)",
        "VACUUM",
        "EXPLAIN CREATE TABLE x (a)",
    ],
)
def test_raw_data_definition_is_refused(connection: Connection, sql: str) -> None:
    with pytest.raises(sqlite3.DatabaseError, match=r"not possible on DynamoDB|one statement"):
        connection.execute(sql)
    assert len(rows(connection, "SELECT * FROM coin")) == 3


def test_the_refusal_names_what_it_refuses(connection: Connection) -> None:
    with pytest.raises(sqlite3.NotSupportedError, match=f"^CREATE TABLE {NOT_POSSIBLE}"):
        connection.execute("CREATE TABLE x (a)")


def test_pragmas_that_only_tell_are_allowed(connection: Connection) -> None:
    assert len(rows(connection, "PRAGMA table_info(coin)")) == 2
    assert rows(connection, "PRAGMA foreign_keys") == [(0,)]


def test_the_engine_s_own_definitions_pass_and_refusal_returns(connection: Connection) -> None:
    handle = connection.open_handle
    with authorizer.own_ddl(handle):
        handle.execute("CREATE TABLE y (a)")
    with pytest.raises(sqlite3.NotSupportedError):
        connection.execute("DROP TABLE y")


# --- transactions ---------------------------------------------------------------------------


def test_commit_keeps_and_rollback_forgets(connection: Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("DELETE FROM coin WHERE id = 1")
    connection.commit()
    connection.execute("BEGIN")
    connection.execute("DELETE FROM coin")
    connection.rollback()
    assert rows(connection, "SELECT id FROM coin ORDER BY id") == [(2,), (3,)]
    connection.commit()
    connection.rollback()


def test_with_autocommit_off_a_change_opens_a_transaction(connection: Connection) -> None:
    connection.isolation_level = ""
    rows(connection, "SELECT * FROM coin")
    assert not connection.in_transaction
    connection.execute("DELETE FROM coin")
    assert connection.in_transaction
    connection.isolation_level = None  # commits, as the standard library does
    assert not connection.in_transaction
    assert rows(connection, "SELECT * FROM coin") == []


class Rival:
    """Makes the next changes of a connection lose, `times` times."""

    def __init__(self, connection: Connection, times: int) -> None:
        self.tries, self.times = 0, times
        connection.open_handle.create_scalar_function("lose", self.lose, 0)

    def lose(self, *arguments: Any) -> int:
        self.tries += 1
        if self.tries <= self.times:
            raise Conflict("somebody else was first")
        return 0


def test_a_change_of_its_own_is_run_again_after_a_conflict(connection: Connection) -> None:
    rival = Rival(connection, times=dbapi.RETRIES)
    connection.execute("UPDATE coin SET name = 'x' WHERE id = 1 AND lose() = 0")
    assert rival.tries == dbapi.RETRIES + 1
    assert rows(connection, "SELECT name FROM coin WHERE id = 1") == [("x",)]


def test_a_change_that_always_loses_is_given_up(connection: Connection) -> None:
    rival = Rival(connection, times=99)
    with pytest.raises(Conflict):
        connection.execute("UPDATE coin SET name = 'x' WHERE id = 1 AND lose() = 0")
    assert rival.tries == dbapi.RETRIES + 1


def test_inside_a_transaction_a_conflict_is_the_caller_s(connection: Connection) -> None:
    rival = Rival(connection, times=1)
    connection.execute("BEGIN")
    with pytest.raises(Conflict):
        connection.execute("UPDATE coin SET name = 'x' WHERE id = 1 AND lose() = 0")
    assert rival.tries == 1
    connection.rollback()


# --- cursors --------------------------------------------------------------------------------


def test_a_finished_cursor_leaves_nothing_open(connection: Connection) -> None:
    cursor = connection.execute("SELECT * FROM coin")
    assert len(connection.reading) == 1
    cursor.fetchall()
    assert connection.reading == {}


def test_a_cursor_that_nobody_finished_is_closed_when_it_is_forgotten(
    connection: Connection,
) -> None:
    connection.execute("SELECT * FROM coin").fetchone()
    assert connection.reading == {}


def test_cursors_are_in_no_reference_cycle(connection: Connection) -> None:
    kinds = {apsw.Cursor, dbapi.Cursor}
    # By type(): isinstance() would wake lazy objects that other tests have left.
    known = {id(each) for each in gc.get_objects() if type(each) in kinds}
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            cursor = connection.execute("SELECT * FROM coin WHERE id > %s", [99])
            assert cursor.description is not None
            assert cursor.fetchone() is None
        del cursor
        cursors = [each for each in gc.get_objects() if type(each) in kinds]
        left = [each for each in cursors if id(each) not in known]
    finally:
        gc.enable()
    assert left == []


def test_two_statements_read_in_turns_keep_their_own_books(connection: Connection) -> None:
    first = connection.execute("SELECT id FROM coin ORDER BY id")
    own = connection.session.statement
    second = connection.execute("SELECT name FROM coin ORDER BY id")
    assert connection.session.statement is not own
    assert first.fetchone() == (1,)
    assert connection.session.statement is own
    assert second.fetchone() == ("bitcoin",)
    assert connection.session.statement is not own
    assert first.fetchall() == [(2,), (3,)]


def test_threads_that_close_connections_at_once_do_not_hang(store: Store) -> None:
    lender = pool.Pool(store)

    def work() -> None:
        for _ in range(20):
            lease = pool.Lease(lender)
            connection = Connection(lease)
            for _ in range(5):
                connection.execute("SELECT %s", [1]).fetchone()
            unfinished = connection.execute("SELECT 1 UNION SELECT 2")
            assert unfinished.description
            lease.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


# --- what the pinned apsw must be able to do -------------------------------------------------


class Numbers:
    """A virtual table of 0, 1, 2 that is asked for `id IN (...)` as a set."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def Create(self, handle: apsw.Connection, *names: str) -> tuple[str, Numbers]:  # noqa: N802
        return "CREATE TABLE x(id integer PRIMARY KEY)", self

    Connect = Create

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        for number in range(info.nConstraint):
            if info.get_aConstraint_usable(number) and info.get_aConstraintUsage_in(number):
                info.set_aConstraintUsage_argvIndex(number, 1)
                info.set_aConstraintUsage_in(number, True)
                break
        return True

    def Open(self) -> NumbersCursor:  # noqa: N802
        return NumbersCursor(self)

    def Disconnect(self) -> None:  # noqa: N802
        pass

    Destroy = Disconnect


class NumbersCursor:
    def __init__(self, table: Numbers) -> None:
        self.table, self.number = table, 0

    def Filter(self, number: int, name: str, arguments: Sequence[Any]) -> None:  # noqa: N802
        self.table.asked.extend(arguments)
        self.number = 0

    def Eof(self) -> bool:  # noqa: N802
        return self.number > 2

    def Next(self) -> None:  # noqa: N802
        self.number += 1

    def Column(self, place: int) -> int:  # noqa: N802
        return self.number

    def Rowid(self) -> int:  # noqa: N802
        return self.number

    def Close(self) -> None:  # noqa: N802
        pass


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("id IN (SELECT 1 WHERE 0)", []),
        ("id IN (SELECT a FROM other)", []),
        ("id IN ()", []),
        ("id IN (SELECT NULL)", []),
        ("id IN (1, 2, 7)", [1, 2]),
    ],
)
def test_in_with_an_empty_subquery_works_with_this_apsw(condition: str, found: list[int]) -> None:
    handle = apsw.Connection(":memory:")
    handle.create_module("numbers", cast("Any", Numbers()), use_bestindex_object=True, iVersion=2)
    handle.execute("CREATE VIRTUAL TABLE n USING numbers; CREATE TABLE other (a)")
    result = handle.execute(f"SELECT id FROM n WHERE {condition}").fetchall()  # noqa: S608
    assert [number for (number,) in result] == found
    handle.close()


def test_in_with_an_empty_subquery_finds_nothing_on_the_engine(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice")
    nobody = ledger.Owner.objects.filter(name="bob")
    assert list(ledger.Owner.objects.filter(pk__in=nobody.values("pk"))) == []
    assert list(ledger.Owner.objects.filter(name__in=nobody.values("name"))) == []
    assert ledger.Owner.objects.exclude(pk__in=nobody.values("pk")).count() == 1
