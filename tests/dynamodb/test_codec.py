"""Rows as items and back: exact, whatever the column's type was when the item was written."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptopulse.dynamodb.catalogue import Column, Index, TableDef, Unique, Value
from cryptopulse.dynamodb.codec import (
    MISSING,
    codec_of,
    coerce,
    from_attribute,
    item_size,
    key_value,
    to_attribute,
)
from cryptopulse.dynamodb.keys import encode, is_cut


def column(name: str, declared: str, **others: Any) -> Column:
    others = {"null": True, "attribute": f"a-{name}", **others}
    return Column(name=name, type=declared, **others)


def table(*columns: Column, **others: Any) -> TableDef:
    others = {"key": ("id",), **others}
    return TableDef(name="thing", physical="test-thing", columns=columns, **others)


ID = column("id", "integer", null=False)
TYPES = ["integer", "bool", "real", "decimal", "BLOB", "varchar(30)", "text", "datetime"]

number_texts = st.one_of(
    st.decimals(allow_nan=False).map(str),
    st.floats().map(repr),
    st.sampled_from(["5", " 5 ", "5.", "+.5", "1e3", "0x1", "1_0", "9223372036854775808", "٣", ""]),
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    texts,
    number_texts,
    st.binary(),
)


# --- what a column makes of a value ----------------------------------------------------------


@given(values, st.sampled_from([declared for declared in TYPES if declared != "decimal"]))
@settings(max_examples=500, deadline=None)
def test_a_column_stores_what_sqlites_would(value: Value, declared: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t (value {declared})")
    connection.execute("INSERT INTO t VALUES (?)", [value])
    ((expected,),) = connection.execute("SELECT value FROM t")
    connection.close()

    stored = coerce(value, column("value", declared))

    assert type(stored) is type(expected)
    if isinstance(value, float) and isinstance(stored, str):
        # SQLite's digits depend on its version.
        written, error = Decimal(str(expected)), Decimal("1e-14")
        assert Decimal(stored) == pytest.approx(written, rel=error, abs=Decimal("1e-300"))
    elif isinstance(value, str) and isinstance(stored, float):
        assert stored == pytest.approx(expected, rel=1e-15)
    else:
        assert stored == expected


@pytest.mark.parametrize(
    ("value", "scale", "stored"),
    [
        ("1.50", 2, "1.5"),
        ("2.00", 2, "2"),
        ("1.005", 2, "1"),
        ("1.015", 2, "1.02"),
        ("-0.001", 2, "0"),
        (7, 2, "7"),
        (0.1, 2, "0.1"),
        ("1E+3", 2, "1000"),
        ("12345678901234567890123456789012345678.5", 1, "12345678901234567890123456789012345678.5"),
        ("1.23456789", None, "1.23456789"),
        ("Infinity", 2, "Infinity"),
        (-math.inf, 2, "-Infinity"),
        ("1E+999999", 2, "1E+999999"),
        ("many", 2, "many"),
        ("1_0", 2, "1_0"),
        (b"1", 2, b"1"),
        (None, 2, None),
    ],
)
def test_a_decimal_is_rounded_to_its_places_and_written_plainly(
    value: Value, scale: int | None, stored: Value
) -> None:
    assert coerce(value, column("price", "decimal", scale=scale)) == stored


def test_a_key_holds_a_decimal_as_a_number_without_rounding_it() -> None:
    price = column("price", "decimal", scale=2)

    assert key_value("1.005", price) == Decimal("1.005")
    assert key_value(5, price) == key_value("5.00", price) == key_value(5.0, price) == 5
    assert key_value("many", price) == "many"


def test_a_key_holds_text_as_its_collation_compares_it() -> None:
    assert key_value("Ann ÄE", column("name", "text", collation="NOCASE")) == "ann Äe"
    assert key_value("Ann  ", column("name", "text", collation="rtrim")) == "Ann"
    assert key_value("Ann  ", column("name", "text")) == "Ann  "


# --- round trips -----------------------------------------------------------------------------


def as_sent(number: str) -> str:
    return number


def without_zeros(number: str) -> str:
    return format(Decimal(number).normalize(CONTEXT), "f")


def with_exponent(number: str) -> str:
    return str(Decimal(number).normalize(CONTEXT))


CONTEXT = Context(prec=38)
#: How servers write a number that they were given.
notations = st.sampled_from([as_sent, without_zeros, with_exponent])


def round_trip(
    of: TableDef, *row: Value, notation: Callable[[str], str] = as_sent
) -> tuple[Value, ...]:
    codec = codec_of(of)
    item = codec.encode(codec.key_of(row), row, "v1")
    for attribute in item.values():
        if "N" in attribute:
            attribute["N"] = notation(attribute["N"])
    return codec.decode(item).values


@given(st.lists(values, min_size=len(TYPES), max_size=len(TYPES)), st.booleans(), notations)
@settings(max_examples=500, deadline=None)
def test_a_row_comes_back_exactly_as_its_columns_stored_it(
    row: list[Value], null: bool, notation: Callable[[str], str]
) -> None:
    columns = [column(f"c{at}", each, null=null) for at, each in enumerate(TYPES)]
    things = table(ID, *columns)
    stored = tuple(coerce(value, each) for value, each in zip(row, columns, strict=True))

    found = round_trip(things, 1, *stored, notation=notation)

    assert found == (1, *stored)
    assert [type(value) for value in found] == [int, *(type(value) for value in stored)]


@given(st.decimals(allow_nan=False), notations)
@settings(deadline=None)
def test_a_decimal_of_any_size_comes_back_exactly(
    number: Decimal, notation: Callable[[str], str]
) -> None:
    price = column("price", "decimal")
    stored = coerce(str(number), price)

    assert Decimal(str(round_trip(table(ID, price), 1, stored, notation=notation)[1])) == number


@pytest.mark.parametrize(
    ("value", "declared", "attribute"),
    [
        (5, "integer", {"N": "5"}),
        (True, "bool", {"N": "1"}),
        (1.5, "real", {"N": "1.5"}),
        (math.inf, "real", {"L": [{"S": "inf"}]}),
        (1e300, "real", {"L": [{"S": "1e+300"}]}),
        (1e-300, "real", {"L": [{"S": "1e-300"}]}),
        ("1.5", "decimal", {"N": "1.5"}),
        ("-" + "9" * 38, "decimal", {"N": "-" + "9" * 38}),
        ("9" * 39, "decimal", {"S": "9" * 39}),
        ("1" + "0" * 125, "decimal", {"N": "1" + "0" * 125}),
        ("1" + "0" * 126, "decimal", {"S": "1" + "0" * 126}),
        ("Infinity", "decimal", {"S": "Infinity"}),
        ("many", "integer", {"S": "many"}),
        ("", "text", {"S": ""}),
        (b"", "BLOB", {"B": b""}),
        (1.0, "BLOB", {"L": [{"S": "1.0"}]}),
        (None, "text", {"NULL": True}),
    ],
)
def test_values_have_these_types_in_dynamodb(
    value: Value, declared: str, attribute: dict[str, Any]
) -> None:
    assert to_attribute(value, column("value", declared)) == attribute


@pytest.mark.parametrize("returned", ["1E+20", "100000000000000000000", "1e20"])
def test_a_decimal_is_plain_however_dynamodb_writes_it(returned: str) -> None:
    things = table(ID, column("price", "decimal"))
    item = codec_of(things).encode("16a01!", (1, "1"), "v1") | {"a-price": {"N": returned}}

    assert codec_of(things).decode(item).values[1] == "1" + "0" * 20


def test_an_integer_beyond_64_bits_is_a_float_as_in_sqlite() -> None:
    things = table(ID, column("number", "integer"))
    item = codec_of(things).encode("16a01!", (1, 1), "v1")

    for returned, expected in {
        "9223372036854775807": 2**63 - 1,
        "-9223372036854775808": -(2**63),
        "9223372036854775808": float(2**63),
        "1E+30": 1e30,
    }.items():
        found = codec_of(things).decode(item | {"a-number": {"N": returned}}).values[1]
        assert (found, type(found)) == (expected, type(expected))


# --- columns that migrations changed ---------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "before", "after", "read"),
    [
        (12, "integer", "varchar(10)", "12"),
        ("12", "varchar(10)", "integer", 12),
        ("twelve", "varchar(10)", "integer", "twelve"),
        (12, "integer", "real", 12.0),
        (12.0, "real", "integer", 12),
        (12.5, "real", "integer", 12.5),
        (12, "integer", "decimal", "12"),
        ("12.5", "decimal", "real", 12.5),
        ("12.5", "decimal", "integer", 12.5),
        ("1" * 30, "decimal", "integer", float("1" * 30)),
        ("1.50", "varchar(10)", "decimal", "1.5"),
        ("1.5", "decimal", "text", "1.5"),
        (1e300, "real", "text", "1.0e+300"),
        ("note", "text", "BLOB", "note"),
        (b"note", "BLOB", "text", b"note"),
        (1, "bool", "varchar(5)", "1"),
    ],
)
def test_a_column_whose_type_changed_reads_as_the_new_type(
    value: Value, before: str, after: str, read: Value
) -> None:
    old, new = table(ID, column("value", before)), table(ID, column("value", after))
    item = codec_of(old).encode("16a01!", (1, value), "v1")

    found = codec_of(new).decode(item).values[1]

    assert (found, type(found)) == (read, type(read))
    if before != "BLOB":
        assert codec_of(old).decode(item).values[1] == value


@given(values, st.sampled_from(TYPES), st.sampled_from(TYPES), st.booleans())
@settings(deadline=None)
def test_the_written_decoder_reads_as_the_patient_one_does(
    value: Value, before: str, after: str, null: bool
) -> None:
    old, new = column("value", before, null=null), column("value", after, null=null)
    attribute = to_attribute(coerce(value, old), old)
    item = {"@k": {"S": "k"}, "@v": {"S": "v"}, "a-value": attribute, "a-id": {"N": "1"}}

    assert codec_of(table(ID, new)).decode(item).values[1] == from_attribute(attribute, new)


def test_a_row_older_than_a_column_has_the_columns_default() -> None:
    item = codec_of(table(ID)).encode("16a01!", (1,), "v1")
    young = table(ID, column("a", "text", absent="new"), column("b", "integer", absent=7))

    assert codec_of(young).decode(item).values == (1, "new", 7)


def test_null_is_left_out_unless_leaving_it_out_means_something_else() -> None:
    things = table(ID, column("a", "text"), column("b", "text", absent="new"))
    item = codec_of(things).encode("16a01!", (1, None, None), "v1")

    assert "a-a" not in item
    assert item["a-b"] == {"NULL": True}
    assert codec_of(things).decode(item).values == (1, None, None)


def test_a_stored_null_reads_as_the_filler_of_a_column_that_takes_none() -> None:
    before = table(ID, column("a", "text", absent="old"))
    after = table(ID, column("a", "text", null=False, absent="old", filler="filled"))
    item = codec_of(before).encode("16a01!", (1, None), "v1")

    assert codec_of(after).decode(item).values == (1, "filled")


def test_a_generated_column_younger_than_the_row_is_missing() -> None:
    item = codec_of(table(ID)).encode("16a01!", (1,), "v1")
    young = table(ID, column("twice", "integer", generated="id * 2"))

    assert codec_of(young).decode(item).values == (1, MISSING)


# --- keys ------------------------------------------------------------------------------------


def test_the_decoded_row_knows_its_key_and_version() -> None:
    codec = codec_of(table(ID, shards=16))
    row = codec.decode(codec.encode(codec.key_of((42,)), (42,), "v7"))

    assert (row.key, row.version, row.values) == ("16a142!", "v7", (42,))
    assert codec.item_key(row.key) == {"@s": {"S": "2"}, "@k": {"S": "16a142!"}}


def test_a_key_is_the_same_however_its_value_is_written() -> None:
    codec = codec_of(table(column("id", "decimal"), column("b", "integer"), key=("id", "b")))

    assert codec.key_of(("1.50", 7)) == codec.key_of(("1.5", "7")) == codec.encode_key((1.5, 7.0))


def test_an_index_sorts_by_its_other_columns_and_then_by_the_key() -> None:
    by_coin = Index(name="by_coin", columns=("coin", "at"), slot=3)
    things = table(ID, column("coin", "text"), column("at", "datetime"), indexes=(by_coin,))
    codec = codec_of(things)
    row = (42, "btc", "2026-11-20")

    item = codec.encode(codec.key_of(row), row, "v1")

    assert item["@3p"] == {"S": encode("btc")} == {"S": codec.partition(by_coin, "btc")}
    assert item["@3s"] == {"S": encode("2026-11-20") + encode(42)}
    assert item["@3s"]["S"].startswith(codec.sort_prefix(by_coin, ["2026-11-20"]))


def test_a_sharded_index_sorts_by_all_its_columns() -> None:
    by_price = Index(name="by_price", columns=("price",), slot=1, shards=16)
    codec = codec_of(table(ID, column("price", "decimal", scale=2), indexes=(by_price,)))

    assert codec.index_keys(by_price, "16a142!", (42, "1.5")) == (
        "2",
        encode(Decimal("1.5")) + "16a142!",
    )


def test_a_conditional_index_has_only_the_rows_for_which_the_condition_holds() -> None:
    due = Index(name="due", columns=("a",), slot=1, condition='"a" > 1')
    codec = codec_of(table(ID, column("a", "integer"), indexes=(due,)))

    assert "@1p" in codec.encode("16a01!", (1, 2), "v1", {"due"})
    assert "@1p" not in codec.encode("16a01!", (1, 2), "v1", set())
    assert "@1s" not in codec.encode("16a01!", (1, 2), "v1")


def test_an_index_that_is_not_built_leaves_no_attributes() -> None:
    lower = Index(name="lower", columns=("a",), slot=1, is_built=False)

    assert "@1p" not in codec_of(table(ID, column("a", "text"), indexes=(lower,))).encode(
        "16a01!", (1, "x"), "v1"
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=400), st.text(min_size=400))
@settings(max_examples=20, deadline=None)
def test_keys_of_long_text_keep_to_dynamodbs_limits(one: str, other: str) -> None:
    other = other.encode(errors="ignore").decode()
    index = Index(name="i", columns=("a", "b", "id"), slot=1)
    columns = (column("id", "text"), column("a", "text"), column("b", "text"))
    codec = codec_of(table(*columns, indexes=(index,)))
    row = (one * 3, one * 9, other)

    key = codec.key_of(row)
    partition, sort = codec.index_keys(index, key, row)

    assert is_cut(key)
    assert len(partition.encode()) <= 2048
    assert len(sort.encode()) <= 1024


# --- time to live ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "value", "moment"),
    [
        ("datetime", "2026-11-20 12:00:00", 1795176000.0),
        ("datetime", "2026-11-20 12:00:00.000001", 1795176001.0),
        ("datetime", "2026-11-20T14:00:00+02:00", 1795176000.0),
        ("date", "2026-11-20", 1795132800.0),
        ("bigint", 1795176000, 1795176000.0),
        ("real", 1795176000.5, 1795176001.0),
        ("datetime", None, None),
        ("datetime", "soon", None),
        ("real", math.inf, None),
    ],
)
def test_a_row_expires_at_the_moment_in_its_column(
    declared: str, value: Value, moment: float | None
) -> None:
    codec = codec_of(table(ID, column("until", declared), ttl="until"))
    item = codec.encode("16a01!", (1, value), "v1")

    assert codec.expires((1, value)) == moment
    assert item.get("@x") == (None if moment is None else {"N": str(int(moment))})


def test_a_table_without_a_time_to_live_has_rows_that_stay() -> None:
    assert codec_of(table(ID)).expires((1,)) is None


# --- unique constraints ----------------------------------------------------------------------


def test_a_sentinel_names_its_constraint_and_the_values_it_claims() -> None:
    codec = codec_of(table(ID, column("name", "text"), column("price", "decimal")))
    unique = Unique(name="u", slot=4, columns=("name", "price"))

    sentinel = codec.sentinel(unique, ["ann", "1.50"])

    assert sentinel == "u4|" + encode("ann") + encode(Decimal("1.5"))
    assert sentinel == codec.sentinel(unique, ["ann", "1.5"])
    assert codec.sentinel_key(sentinel) == {"@s": {"S": sentinel}, "@k": {"S": "u"}}
    assert codec.sentinel_item(sentinel, "16a142!", "v1", 7.0) == {
        **codec.sentinel_key(sentinel),
        "@o": {"S": "16a142!"},
        "@v": {"S": "v1"},
        "@x": {"N": "7"},
    }


def test_a_sentinel_of_expressions_takes_their_values_as_they_are() -> None:
    unique = Unique(name="u", slot=4, expressions=("lower(name)",))

    assert codec_of(table(ID)).sentinel(unique, ["ann"]) == "u4|2ann\x01"


def test_sentinels_of_long_values_stay_short_and_distinct() -> None:
    codec = codec_of(table(ID, column("name", "text")))
    unique = Unique(name="u", slot=4, columns=("name",))
    one, other = (codec.sentinel(unique, ["é" * 3000 + end]) for end in "ab")

    assert one != other
    assert len(one.encode()) <= 2048


# --- size, and one codec for a table -----------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"ab": {"S": "é"}}, 4),
        ({"a": {"N": "100"}}, 3),
        ({"a": {"N": "-12.5"}}, 5),
        ({"a": {"NULL": True}}, 2),
        ({"a": {"B": b"abc"}}, 4),
        ({"a": {"L": [{"S": "inf"}]}}, 8),
        ({"a": {"S": ""}, "b": {"S": "x"}}, 3),
    ],
)
def test_the_size_of_an_item_is_what_dynamodb_counts(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


def test_a_table_has_one_codec_and_a_changed_table_another() -> None:
    things = table(ID)

    assert codec_of(things) is codec_of(things)
    assert codec_of(replace(things, shards=2)) is not codec_of(things)
    assert TableDef.from_json(things.to_json()) == things
