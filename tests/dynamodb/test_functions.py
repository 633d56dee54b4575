"""SQL functions on apsw's connections: Django's own and the exact ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

from cryptopulse.dynamodb import functions


@pytest.fixture
def handle() -> Iterator[apsw.Connection]:
    handle = apsw.Connection(":memory:")
    functions.register(handle)
    yield handle
    handle.close()


def only_value(handle: apsw.Connection, sql: str, *parameters: Any) -> Any:
    ((value,),) = handle.execute(sql, parameters).fetchall()
    return value


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT MD5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("SELECT 'price 12' REGEXP '[0-9]+'", 1),
        ("SELECT django_date_extract('year', '2026-05-04')", 2026),
        ("SELECT django_datetime_trunc('hour', '2026-05-04 10:11:12', NULL, NULL)",
         "2026-05-04 10:00:00"),
        ("SELECT LPAD('7', 3, '0')", "007"),
        ("SELECT POWER(2, 10)", 1024),
        ("SELECT SIGN('-12.5')", -1),
    ],
)  # fmt: skip
def test_django_s_functions_for_sqlite_are_there(
    handle: apsw.Connection, sql: str, value: object
) -> None:
    assert only_value(handle, sql) == value


def test_a_function_that_fails_says_so_as_the_standard_library_does(
    handle: apsw.Connection,
) -> None:
    with pytest.raises(apsw.SQLError, match="user-defined function raised exception"):
        only_value(handle, "SELECT 'a' REGEXP '('")


def test_a_variance_takes_decimals_which_are_text(handle: apsw.Connection) -> None:
    sql = "SELECT VAR_POP(v) FROM (SELECT '1.0' AS v UNION ALL SELECT '3.0')"
    assert only_value(handle, sql) == 1


def test_a_deviation_of_no_rows_is_null(handle: apsw.Connection) -> None:
    assert only_value(handle, "SELECT STDDEV_SAMP(v) FROM (SELECT 1 AS v) WHERE v > 1") is None


def test_a_sample_of_one_has_no_deviation_and_that_is_an_error(handle: apsw.Connection) -> None:
    with pytest.raises(apsw.SQLError, match="'finalize' method raised error"):
        only_value(handle, "SELECT STDDEV_SAMP(1)")


def test_sums_of_decimals_are_exact_where_doubles_are_not(handle: apsw.Connection) -> None:
    rows = "(SELECT '0.1' AS v UNION ALL SELECT '0.2' UNION ALL SELECT '-0.3')"
    assert only_value(handle, f"SELECT dec_sum(v) FROM {rows}") == "0.0"  # noqa: S608


def test_sums_of_decimals_slide_over_a_window(handle: apsw.Connection) -> None:
    sql = """
        SELECT dec_sum(v) OVER (ORDER BY n ROWS 1 PRECEDING)
        FROM (SELECT 1 AS n, '1.5' AS v UNION ALL SELECT 2, '2.5' UNION ALL SELECT 3, '10')
    """
    assert handle.execute(sql).fetchall() == [("1.5",), ("4.0",), ("12.5",)]


def test_decimal_arithmetic_keeps_38_digits(handle: apsw.Connection) -> None:
    digits = "12345678901234567890123456789.123456789"
    assert only_value(handle, "SELECT dec_add(?, '0.000000001')", digits) == (
        "12345678901234567890123456789.123456790"
    )


def test_decimals_compare_as_numbers(handle: apsw.Connection) -> None:
    sql = (
        "SELECT group_concat(v) FROM (SELECT v FROM (SELECT '10' AS v UNION ALL "
        "SELECT '9.50' UNION ALL SELECT '-3') ORDER BY v COLLATE DECIMAL)"
    )
    assert only_value(handle, sql) == "-3,9.50,10"
    assert only_value(handle, "SELECT '1.50' = '1.5' COLLATE DECIMAL") == 1


def test_nothing_divided_by_zero_is_null(handle: apsw.Connection) -> None:
    assert only_value(handle, "SELECT dec_div('1', '0')") is None


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT dec_of('1E50000000')", "1E+50000000"),
        ("SELECT dec_of('-1E-50000000')", "-1E-50000000"),
        ("SELECT dec_abs('-1E500000')", "1E+500000"),
        ("SELECT dec_floor('1E50000000')", "1E+50000000"),
        ("SELECT '1E50000000' > '9' COLLATE DECIMAL", 1),
        ("SELECT '1E-50000000' > '0' COLLATE DECIMAL", 1),
        ("SELECT 'NaN' = '1' COLLATE DECIMAL", 0),
        ("SELECT dec_mod('1E125', '7')", str(10**125 % 7)),
        ("SELECT dec_mod('1', '0')", None),
        ("SELECT dec_sub('Infinity', 'Infinity')", None),
    ],
)
def test_numbers_far_out_are_not_written_out(
    handle: apsw.Connection, sql: str, value: object
) -> None:
    assert only_value(handle, sql) == value


@pytest.mark.parametrize(
    "call",
    [
        "dec_add('1', '1E50000000')",
        "dec_mul('1E900000', '1E900000')",
        "dec_div('1E900000', '1E-900000')",
        "dec_mod('1E900000', '7')",
        "dec_round('1E200', 2)",
        "dec_round('1', 9000000000000000000)",
        "dec_sum('1E50000000')",
        "dec_avg('1E50000000')",
    ],
)
def test_a_calculation_beyond_all_numbers_is_an_error_of_the_data(
    handle: apsw.Connection, call: str
) -> None:
    with pytest.raises(sqlite3.DataError, match="beyond what the database can hold: 38 digits"):
        only_value(handle, f"SELECT {call}")
