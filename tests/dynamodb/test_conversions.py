"""Raw cursors give dates, times and truths where columns are declared so."""

from __future__ import annotations

import datetime as dt
from types import ModuleType
from typing import Any

import pytest
from django.db import connection

from cryptopulse.dynamodb.conversions import Conversions, conversion_of

pytestmark = pytest.mark.django_db


def fetched(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        return cursor.execute(sql).fetchall()  # type: ignore[no-any-return]


def test_a_raw_cursor_gives_dates(ledger: ModuleType) -> None:
    born = dt.date(1815, 12, 10)
    ledger.Owner.objects.create(name="ada", born=born)
    ledger.Owner.objects.create(name="bob")

    assert fetched("SELECT name, born FROM ledger_owner ORDER BY name") == [
        ("ada", born),
        ("bob", None),
    ]
    assert fetched(
        "SELECT day FROM (SELECT born AS day, name FROM ledger_owner) WHERE day > 0"
    ) == [(born,)]


def test_an_expression_has_no_declared_type(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="ada", born=dt.date(1815, 12, 10))
    assert fetched("SELECT MAX(born) FROM ledger_owner") == [("1815-12-10",)]


def test_a_cursor_forgets_how_it_converted_the_rows_of_another_statement(
    ledger: ModuleType,
) -> None:
    born = dt.date(1815, 12, 10)
    ledger.Owner.objects.create(name="ada", born=born)
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT born FROM ledger_owner").fetchone() == (born,)
        assert cursor.execute("SELECT name FROM ledger_owner").fetchmany(5) == [("ada",)]
        assert list(cursor.execute("SELECT born FROM ledger_owner")) == [(born,)]


@pytest.mark.parametrize(
    ("declared", "stored", "value"),
    [
        ("bool", 1, True),
        ("bool NOT NULL", 0, False),
        ("DateTime", "2026-05-04 10:11:12.5", dt.datetime(2026, 5, 4, 10, 11, 12, 500000)),  # noqa: DTZ001 - as stored
        ("timestamp(6)", "2026-05-04 10:11:12", dt.datetime(2026, 5, 4, 10, 11, 12)),  # noqa: DTZ001 - as stored
        ("time", "10:11:00", dt.time(10, 11)),
        ("date", "no date", None),
        ("date", 20260504, 20260504),
        ("datetime", None, None),
    ],
)
def test_values_become_what_their_columns_are_declared_as(
    declared: str, stored: Any, value: Any
) -> None:
    convert = conversion_of([("id", "integer"), ("one", declared)])
    assert convert is not None
    assert convert(None, (7, stored)) == (7, value)


def test_rows_without_such_columns_are_left_alone() -> None:
    assert conversion_of([("id", "integer"), ("n", None), ("price", "text_decimal")]) is None


def test_conversions_are_remembered_for_so_many_statements_and_short_ones() -> None:
    known = Conversions()
    known.keep("x" * (Conversions.LONGEST + 1), None)
    assert not known
    for number in range(Conversions.MOST + 1):
        known.keep(f"SELECT {number}", None)
    assert list(known) == [f"SELECT {Conversions.MOST}"]
