"""What the engine says it can do, and operations beyond a statement: flush, sequences, the log."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cryptopulse.atomic import in_chunks
from cryptopulse.dynamodb import features
from cryptopulse.dynamodb.metering import capture_requests
from cryptopulse.dynamodb.operations import MAX_PARAMETERS, quoted

# --- features ----------------------------------------------------------------------------------


def test_code_that_chunks_learns_how_large_a_unit_of_work_may_be(dynamodb: None) -> None:
    assert connection.features.max_transaction_actions == 100  # type: ignore[attr-defined]
    assert [len(chunk) for chunk in in_chunks(range(120), actions_per_item=2)] == [50, 50, 20]


def test_sqlite_takes_as_many_parameters_as_the_engine_says(dynamodb: None) -> None:
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * MAX_PARAMETERS)
        cursor.execute(f"SELECT 1 WHERE 1 IN ({marks})", [1] * MAX_PARAMETERS)
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("group", [features.CANNOT, features.OF_SQLITE_ITSELF])
def test_every_test_of_django_left_out_has_a_reason_of_one_line(group: features.Skips) -> None:
    for reason, tests in group.items():
        assert re.fullmatch(r"[A-Z][^\n]+\.", reason)
        assert tests
        assert all(re.fullmatch(r"[\w.]+\.test_\w+", test) for test in tests)


def test_no_test_is_left_out_twice() -> None:
    groups = (features.CANNOT, features.OF_SQLITE_ITSELF)
    tests = [test for group in groups for some in group.values() for test in some]
    assert len(tests) == len(set(tests))


def test_fewer_than_sixty_of_djangos_tests_are_beyond_the_engine() -> None:
    assert sum(map(len, features.CANNOT.values())) < 60


# --- flush and sequences -----------------------------------------------------------------------


def test_flush_empties_tables_and_lets_sequences_begin_again(ledger: ModuleType) -> None:
    ledger.Owner.objects.bulk_create([ledger.Owner(name=str(n)) for n in range(3)])
    tables = [model._meta.db_table for model in (ledger.Owner, ledger.Account)]
    statements = connection.ops.sql_flush(no_style(), tables, reset_sequences=True)
    connection.ops.execute_sql_flush(statements)
    assert not ledger.Owner.objects.exists()
    assert ledger.Owner.objects.create(name="0").pk == 1  # the unique value is free again too


def test_flush_inside_a_transaction_can_be_rolled_back(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice")
    with transaction.atomic():
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), ["ledger_owner"]))
        assert not ledger.Owner.objects.exists()
        transaction.set_rollback(True)
    assert ledger.Owner.objects.exists()


def test_flush_may_take_along_the_tables_that_refer_to_these(ledger: ModuleType) -> None:
    statements = connection.ops.sql_flush(no_style(), ["ledger_owner"], allow_cascade=True)
    assert {re.findall('"(.*)"', sql)[0] for sql in statements} == {
        "ledger_owner",
        "ledger_account",
        "ledger_entry",
        "ledger_entry_labels",
    }


def test_no_tables_are_flushed_by_no_statements(dynamodb: None) -> None:
    assert connection.ops.sql_flush(no_style(), [], reset_sequences=True) == []


def test_a_sequence_goes_on_after_the_greatest_key(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(pk=41, name="alice")
    statements = connection.ops.sequence_reset_sql(no_style(), [ledger.Owner, ledger.Account])
    assert len(statements) == 1  # the keys of accounts come from no sequence
    with connection.cursor() as cursor, capture_requests() as captured:
        for sql in statements:
            cursor.execute(sql)
            cursor.fetchall()
    assert captured.count("Query") == 1
    assert not captured.scans
    assert ledger.Owner.objects.create(name="bob").pk == 42


def test_resetting_the_sequence_of_an_empty_table_does_nothing(ledger: ModuleType) -> None:
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [ledger.Owner]):
            cursor.execute(sql)
            cursor.fetchall()
    assert ledger.Owner.objects.create(name="alice").pk == 1


def test_sequence_statements_work_on_any_connection(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(pk=41, name="alice")
    statements = connection.ops.sequence_reset_sql(no_style(), [ledger.Owner])
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(statements[0])
        cursor.fetchall()
    assert ledger.Owner.objects.create(name="bob").pk == 42


def test_loaddata_leaves_the_sequence_after_the_greatest_key(
    ledger: ModuleType, tmp_path: Any
) -> None:
    fixture = tmp_path / "owners.json"
    fixture.write_text('[{"model": "ledger.owner", "pk": 7, "fields": {"name": "alice"}}]')
    call_command("loaddata", fixture, verbosity=0)
    assert ledger.Owner.objects.create(name="bob").pk == 8


# --- the log -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (None, "NULL"),
        (True, "1"),
        (-5, "-5"),
        (1.5, "1.5"),
        ("it's", "'it''s'"),
        (b"\x01\xff", "X'01FF'"),
    ],
)
def test_values_are_shown_as_sql(value: Any, sql: str) -> None:
    assert quoted(value) == sql


def test_the_log_shows_parameters_and_never_asks_the_database(ledger: ModuleType) -> None:
    with CaptureQueriesContext(connection) as queries, capture_requests() as captured:
        list(ledger.Owner.objects.filter(name="100% it's"))
    assert "'100% it''s'" in queries[0]["sql"]
    assert len(captured.statements) == 1


def test_sql_that_cannot_be_formatted_is_shown_with_its_parameters(dynamodb: None) -> None:
    shown = connection.ops.last_executed_query(None, "SELECT %s, %s", (1,))
    assert shown == "SELECT %s, %s -- (1,)"
