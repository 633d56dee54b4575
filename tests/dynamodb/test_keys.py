"""Encoded keys: the order of SQLite, no encoding within another, cuts that lose nothing."""

from __future__ import annotations

import math
import sqlite3
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cryptopulse.dynamodb import keys

LIMIT = 100
WHOLE = 68  # bytes that are never cut within this limit

integers = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats(allow_nan=False)
decimals = st.one_of(
    st.decimals(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=18),
    st.integers(-(10**38), 10**38).map(Decimal),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent),
        st.integers(-(10**27), 10**27),
        st.integers(-400, 400),
    ),
)
# Characters that the encoding escapes or cuts by are as frequent as all others together.
texts = st.text(
    st.one_of(
        st.sampled_from("\x00\x01\x02\x03\x04\x05\x06\U0010fffd\U0010fffe\U0010ffff\ue000😀a"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
)
blobs = st.binary(max_size=40)
values = st.one_of(st.none(), integers, doubles, texts, blobs)
Plain = int | float | str | bytes | None


def ranks(items: list[str]) -> list[int]:
    order = {item: rank for rank, item in enumerate(sorted(set(items)), start=1)}
    return [order[item] for item in items]


def ranks_of_sqlite(items: list[Plain]) -> list[int]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (place INTEGER PRIMARY KEY, value)")
    connection.executemany("INSERT INTO t (value) VALUES (?)", [(item,) for item in items])
    found = connection.execute(
        "SELECT rank FROM (SELECT place, dense_rank() OVER (ORDER BY value) AS rank FROM t)"
        " ORDER BY place"
    ).fetchall()
    connection.close()
    return [rank for (rank,) in found]


# --- order -----------------------------------------------------------------------------------


@given(st.lists(values, min_size=2, max_size=12))
@example([9007199254740993, 9007199254740992.0, 9007199254740994.0, 2**63 - 1, float(2**63)])
@example([-(2**63), -float(2**63), -float(2**63) * 2, 5e-324, -5e-324, 1.7e308])
@example([0, 0.0, -0.0, 1, 1.0, True, 10, 9, -9, -10, -1, 0.1, -0.1, math.inf, -math.inf])
@example([None, "", b"", "\x00", "a", "a\x00", "a\x01", "ab", b"\x00", b"\x00\xff", "\U0010ffff"])
@settings(max_examples=400, deadline=None)
def test_any_values_sort_as_sqlite_sorts_them(items: list[Plain]) -> None:
    assert ranks([keys.encode(item) for item in items]) == ranks_of_sqlite(items)


@given(st.one_of(decimals, integers), st.one_of(decimals, integers))
@example(Decimal("1E+999999"), Decimal("1E+9999999"))
@example(Decimal("-1E-999999"), Decimal("-1E-9999999"))
@example(Decimal("1.10"), Decimal("1.1"))
@example(Decimal("-0"), 0)
@settings(max_examples=500, deadline=None)
def test_decimals_and_integers_of_any_size_sort_by_value(
    one: Decimal | int, other: Decimal | int
) -> None:
    a, b = keys.encode(one), keys.encode(other)

    assert (a < b, a == b) == (one < other, one == other)


@given(st.floats(-1e15, 1e15), st.decimals(-(10**15), 10**15, places=4))
@settings(deadline=None)
def test_a_float_stands_among_decimals_as_the_number_it_is_written_as(
    number: float, other: Decimal
) -> None:
    written = Fraction(repr(number))

    assert (keys.encode(number) < keys.encode(other)) == (written < Fraction(other))


def test_not_a_number_is_null_as_in_sqlite() -> None:
    assert keys.encode(math.nan) == keys.encode(Decimal("NaN")) == keys.encode(None)


@given(values, values)
@settings(deadline=None)
def test_python_dynamodb_and_sqlite_agree_on_the_order_of_encodings(
    one: Plain, other: Plain
) -> None:
    # Code points for Python, bytes of UTF-8 for the other two.
    a, b = keys.encode(one), keys.encode(other)

    assert (a < b) == (a.encode() < b.encode())


@given(st.lists(st.tuples(values, values, values), min_size=2, max_size=8))
@settings(deadline=None)
def test_encodings_side_by_side_sort_as_tuples(rows: list[tuple[Plain, ...]]) -> None:
    places = ranks_of_sqlite([value for row in rows for value in row])
    tuples = [tuple(places[at : at + 3]) for at in range(0, len(places), 3)]
    encoded = ["".join(map(keys.encode, row)) for row in rows]

    assert ranks(encoded) == [sorted(set(tuples)).index(each) + 1 for each in tuples]


@given(values, values, st.sampled_from([None, LIMIT]))
@settings(deadline=None)
def test_no_encoding_is_the_beginning_of_another(
    one: Plain, other: Plain, limit: int | None
) -> None:
    a, b = keys.encode(one, limit), keys.encode(other, limit)

    assert a == b or not (a.startswith(b) or b.startswith(a))


@given(values)
@settings(deadline=None)
def test_high_sorts_after_every_encoding_and_after_what_follows_it(value: Plain) -> None:
    encoded = keys.encode(value)

    assert encoded < keys.HIGH
    assert keys.HIGH not in encoded
    assert encoded + keys.encode("\U0010ffff" * 3) < encoded + keys.HIGH


@given(values)
@settings(deadline=None)
def test_an_encoding_is_never_empty_and_has_no_nul(value: Plain) -> None:
    encoded = keys.encode(value)

    assert encoded
    assert "\x00" not in encoded


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, "0"),
        (0, "15"),
        (42, "16a142!"),
        (1000, "16a31!"),
        (-42, "14S857~"),
        (Decimal("0.05"), "16S75!"),
        ("ann", "2ann\x01"),
        ("a\x00", "2a\x02\x03\x01"),
        (b"\xff", "3ff\x01"),
    ],
)
def test_encodings_stay_what_tables_already_hold(value: keys.Encodable, encoded: str) -> None:
    assert keys.encode(value) == encoded


# --- cuts ------------------------------------------------------------------------------------

# Long values that differ late, or not at all.
stems = st.sampled_from(
    ["", *["y" * size for size in range(64, 76)], "\x00" * 36, "\U0010ffff" * 14, "é" * 34]
)
long_texts = st.builds(lambda stem, tail: stem + tail, stems, texts)
cut_values = st.one_of(
    long_texts,
    long_texts.map(str.encode),
    decimals,
    texts,
    integers.map(lambda n: Decimal(10) ** 80 + n),
)


@given(cut_values)
@settings(deadline=None)
def test_a_cut_encoding_keeps_to_its_limit_and_says_that_it_is_cut(value: keys.Encodable) -> None:
    whole, encoded = keys.encode(value), keys.encode(value, LIMIT)

    assert len(encoded.encode()) <= LIMIT
    assert keys.is_cut(encoded) == (encoded != whole) == (len(whole.encode()) > WHOLE)
    assert not keys.is_cut(whole)


@given(cut_values, cut_values)
@example("y" * 200, "y" * 199 + "z")
@example(b"y" * 200, "y" * 200)
@settings(deadline=None)
def test_cut_encodings_stay_distinct(one: keys.Encodable, other: keys.Encodable) -> None:
    assert (keys.encode(one, LIMIT) == keys.encode(other, LIMIT)) == (
        keys.encode(one) == keys.encode(other)
    )


@given(cut_values, cut_values, st.sampled_from([LIMIT, 60, None]), texts)
@example("\x00" * 60, "\x00" * 59 + "\x01", LIMIT, "")
@example("y" * 73 + "a" * 9, "y" * 73 + "😀" * 9, LIMIT, "")
@example("y" * 70 + "a" * 9, "y" * 70 + "\U0010ffff" * 9, LIMIT, "")
@settings(max_examples=500, deadline=None)
def test_bounds_never_leave_out_a_row_that_lies_within(
    bound: keys.Encodable, value: keys.Encodable, limit: int | None, following: str
) -> None:
    stored = keys.encode(value, limit) + keys.encode(following)

    if keys.encode(value) >= keys.encode(bound):
        assert stored >= keys.lower_bound(bound, limit)
    if keys.encode(value) <= keys.encode(bound):
        assert stored <= keys.upper_bound(bound, limit)


@given(cut_values, cut_values)
@example("y" * 66 + "z", "y" * 67 + "a" * 40)
@settings(max_examples=500, deadline=None)
def test_the_order_is_wrong_only_between_encodings_that_are_both_cut(
    one: keys.Encodable, other: keys.Encodable
) -> None:
    a, b = keys.encode(one, LIMIT), keys.encode(other, LIMIT)

    if not (keys.is_cut(a) and keys.is_cut(b)):
        assert (a < b) == (keys.encode(one) < keys.encode(other))


@pytest.mark.parametrize("columns", range(1, 13))
def test_numbers_and_moments_are_whole_in_an_index_of_many_columns(columns: int) -> None:
    limit = keys.SORT_LIMIT // columns

    for value in (-(2**63), 2**63 - 1, -1.7976931348623157e-300, "2026-11-20 12:00:00.123456"):
        assert keys.encode(value, limit) == keys.encode(value)


def test_bounds_of_short_values_leave_out_what_lies_beyond() -> None:
    assert keys.encode(4) < keys.lower_bound(5) <= keys.encode(5) <= keys.upper_bound(5)
    assert keys.upper_bound(5) < keys.encode(6)


@given(st.lists(cut_values, min_size=1, max_size=5))
@settings(deadline=None)
def test_a_composite_key_keeps_to_its_limit(parts: list[keys.Encodable]) -> None:
    assert len(keys.encode_all(parts, keys.KEY_LIMIT).encode()) <= keys.KEY_LIMIT


@given(st.lists(long_texts, min_size=2, max_size=3), st.lists(long_texts, min_size=2, max_size=3))
@settings(deadline=None)
def test_composite_keys_are_equal_only_where_their_values_are(
    one: list[str], other: list[str]
) -> None:
    a, b = keys.encode_all(one, 150), keys.encode_all(other, 150)

    assert (a == b) == (one == other)


# --- shards ----------------------------------------------------------------------------------


def test_a_shard_is_a_number_below_the_number_of_shards_and_stays() -> None:
    found = [keys.shard_of(keys.encode(number), 16) for number in range(1000)]

    assert set(found) == {str(number) for number in range(16)}
    assert keys.shard_of("16a142!", 16) == "2"
    assert keys.shard_of("16a142!", 1) == "0"
