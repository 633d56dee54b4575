"""Rows as DynamoDB's items, and back.

What an item holds is read by the type of each attribute, not by the column's: a column whose type
a migration changed reads right although no item was rewritten.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, TypeAlias

from . import keys
from .catalogue import Column, Index, TableDef, Unique, Value
from .row import Row

Attribute: TypeAlias = dict[str, Any]
Item: TypeAlias = dict[str, Attribute]

#: What DynamoDB keeps of a number: significant digits, and the exponents of the first of them.
NUMBER_DIGITS, NUMBER_LOWEST, NUMBER_HIGHEST = 38, -130, 125

_NUMBER = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*", re.A
)
_INTEGERS = range(-(2**63), 2**63)
_LONGEST_INTEGER = 18  # digits and sign that 64 bits hold whatever they are
_EXACT = Context(prec=2000, rounding=ROUND_HALF_EVEN)
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: The value of a generated column that an item lacks, because the column is younger than it.
MISSING: Final[Any] = _Missing()


# --- values as their columns take them -------------------------------------------------------


def coerce(value: Value, column: Column) -> Value:
    """Return what the column makes of a value: SQLite's affinity, and a decimal's places.

    SQLite leaves both to a virtual table. Decimals are plain text without trailing zeros, the
    form that they come back from DynamoDB in.
    """
    if column.kind == "decimal":
        number = _decimal_value(value)
        if number is None:
            return value
        if column.scale is not None:
            number = _EXACT.quantize(number, Decimal(1).scaleb(-column.scale))
        return plain(number)
    return _apply(_affinity(column.type), value)


def key_value(value: Value, column: Column) -> keys.Encodable:
    """Return what stands for a column's value in keys: equal and ordered as the column compares.

    Of a decimal no places are rounded away, so that 1.005 is not found as 1.01.
    """
    if column.kind == "decimal":
        number = _decimal_value(value)
        return value if number is None else number
    value = _apply(_affinity(column.type), value)
    if column.collation and isinstance(value, str):
        collation = column.collation.lower()
        if collation == "nocase":
            return value.translate(_LOWER)
        if collation == "rtrim":
            return value.rstrip(" ")
    return value


def decimal_of(text: str) -> Decimal | None:
    """Return the number that a text is in a decimal column, or None when it is none."""
    found = _NUMBER.fullmatch(text)
    return Decimal(found[1]) if found else None


def plain(number: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal_value(value: Value) -> Decimal | None:
    if isinstance(value, str):
        return decimal_of(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    return Decimal(value) if isinstance(value, int) else None


def _affinity(declared: str) -> str:
    """Return SQLite's affinity of a declared type, by its rules (datatype3.html, 3.1)."""
    name = declared.upper()
    if "INT" in name:
        return "numeric"
    if "CHAR" in name or "CLOB" in name or "TEXT" in name:
        return "text"
    if "BLOB" in name or not name:
        return "blob"
    if "REAL" in name or "FLOA" in name or "DOUB" in name:
        return "real"
    return "numeric"


def _apply(affinity: str, value: Value) -> Value:
    if affinity == "text":
        return _as_text(value)
    if affinity == "blob":
        return value
    if isinstance(value, str):
        value = _from_text(value)
    if affinity == "real":
        return float(value) if isinstance(value, int) else value
    if isinstance(value, float) and value.is_integer() and int(value) in _INTEGERS:
        return int(value)
    return int(value) if isinstance(value, bool) else value


def _as_text(value: Value) -> Value:
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, float):
        return value
    # As SQLite writes it: 5.0, 1.0e+20, Inf.
    text = repr(value).replace("inf", "Inf")
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}e{exponent}" if e else text


def _from_text(text: str) -> int | float | str:
    found = _NUMBER.fullmatch(text)
    if not found:
        return text
    digits = found[1]
    if digits.lstrip("+-").isdigit() and len(digits) < 25 and int(digits) in _INTEGERS:
        return int(digits)
    return float(digits)


# --- attributes ------------------------------------------------------------------------------


def to_attribute(value: Value, column: Column) -> Attribute:
    """Return a coerced value as DynamoDB has it.

    A float that is no number to DynamoDB becomes a list of its text, which no column else is.
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"N": value} if column.kind == "decimal" and _fits(value) else {"S": value}
    if isinstance(value, int):
        return {"N": str(int(value))}
    if isinstance(value, float):
        return _float_attribute(value)
    return {"B": bytes(value)}


def _float_attribute(value: float) -> Attribute:
    is_number = (
        not value or NUMBER_LOWEST < math.log10(abs(value)) < NUMBER_HIGHEST
        if math.isfinite(value)
        else False
    )
    return {"N": repr(value)} if is_number else {"L": [{"S": repr(value)}]}


def _fits(text: str) -> bool:
    """Tell whether DynamoDB keeps all of a decimal."""
    number = decimal_of(text)
    if number is None:
        return False
    if not number:
        return True
    digits = text.replace(".", "").replace("-", "").strip("0")
    return len(digits) <= NUMBER_DIGITS and NUMBER_LOWEST <= number.adjusted() <= NUMBER_HIGHEST


def from_attribute(attribute: Attribute | None, column: Column) -> Value:
    """Return the value of an item's attribute, whatever type the column had when it was written."""
    if attribute is None:
        return MISSING if column.generated else column.absent
    (kind, content), *_ = attribute.items()
    if kind == "NULL":
        return column.filler
    if kind == "B":
        return bytes(content)
    if kind == "L":
        return coerce(float(content[0]["S"]), column)
    if kind == "N":
        return _from_number(content, column)
    return content if column.kind == "text" else _unscaled(content, column)


def _from_number(text: str, column: Column) -> Value:
    if column.kind == "decimal" or _affinity(column.type) == "text":
        return plain(Decimal(text)) if "e" in text.lower() else text
    value = _from_text(text)
    return float(value) if column.kind == "real" else _apply("numeric", value)


def _unscaled(text: str, column: Column) -> Value:
    if column.kind != "decimal":
        return coerce(text, column)
    number = decimal_of(text)
    return text if number is None else plain(number)


def item_size(item: Mapping[str, Any]) -> int:
    """Return the bytes that DynamoDB counts for an item."""
    return sum(len(name.encode()) + _size(attribute) for name, attribute in item.items())


def _size(attribute: Mapping[str, Any]) -> int:
    (kind, content), *_ = attribute.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        digits = re.sub(r"[eE].*|\D", "", content).strip("0")
        return (len(digits) + 1) // 2 + 1 + content.startswith("-")
    if kind == "B":
        return len(content)
    if kind == "L":
        return 3 + sum(1 + _size(each) for each in content)
    return 1


# --- rows ------------------------------------------------------------------------------------


def codec_of(table: TableDef) -> ItemCodec:
    """Return the codec of a table, made once."""
    codec: ItemCodec | None = table.__dict__.get("codec")
    if codec is None:
        codec = table.__dict__["codec"] = ItemCodec(table)
    return codec


class ItemCodec:
    """What turns the rows of one table into items and keys, and items into rows."""

    def __init__(self, table: TableDef) -> None:
        self.table = table
        #: item -> Row
        self.decode: Callable[[Mapping[str, Any]], Row] = _decoder(table)
        self._key_columns = tuple((place, table.columns[place]) for place in table.key_places)
        self._ttl_place = table.position[table.ttl] if table.ttl else None

    # --- keys ---

    def key_of(self, values: Sequence[Value]) -> str:
        """Return a row's encoded primary key."""
        return keys.encode_all(
            [key_value(values[place], column) for place, column in self._key_columns],
            keys.KEY_LIMIT,
        )

    def key_for(self, key: Sequence[Value]) -> str:
        """Return the encoded primary key of the key columns' values alone."""
        return keys.encode_all(
            [
                key_value(value, column)
                for value, (_, column) in zip(key, self._key_columns, strict=True)
            ],
            keys.KEY_LIMIT,
        )

    def item_key(self, key: str) -> Item:
        """Return the key of a row's item."""
        return {"@s": {"S": keys.shard_of(key, self.table.shards)}, "@k": {"S": key}}

    # --- indexes ---

    def sorted_columns(self, index: Index) -> tuple[str, ...]:
        """Return the columns that an index's sort key begins with."""
        return index.columns if index.shards else index.columns[1:]

    def sort_limit(self, index: Index) -> int:
        """Return the bytes that each column has in an index's sort key; bounds need it too."""
        return keys.SORT_LIMIT // (len(self.sorted_columns(index)) or 1)

    def partition(self, index: Index, value: Value) -> str:
        """Return the partition of an unsharded index that has a value of its first column."""
        (column,) = self.table.columns_of(index.columns[:1])
        return keys.encode(key_value(value, column), keys.PARTITION_LIMIT)

    def sort_prefix(self, index: Index, values: Sequence[Value]) -> str:
        """Return the beginning of the sort keys with these values of its first columns."""
        limit = self.sort_limit(index)
        columns = self.table.columns_of(self.sorted_columns(index)[: len(values)])
        return "".join(
            [
                keys.encode(key_value(value, column), limit)
                for value, column in zip(values, columns, strict=True)
            ]
        )

    def sort_key(self, index: Index, key: str, values: Sequence[Value]) -> str:
        """Return a row's sort key in an index."""
        places = self.table.places(self.sorted_columns(index))
        return self.sort_prefix(index, [values[place] for place in places]) + key

    def index_keys(self, index: Index, key: str, values: Sequence[Value]) -> tuple[str, str]:
        """Return a row's partition and sort key in an index."""
        if index.shards:
            partition = keys.shard_of(key, index.shards)
        else:
            partition = self.partition(index, values[self.table.position[index.columns[0]]])
        return partition, self.sort_key(index, key, values)

    # --- items ---

    def encode(
        self,
        row_key: str,
        values: Sequence[Value],
        version: str,
        conditions: Collection[str] | None = None,
    ) -> Item:
        """Return a row's item; `conditions` names the conditional indexes that it belongs to."""
        item = self.item_key(row_key)
        item["@v"] = {"S": version}
        for column, value in zip(self.table.columns, values, strict=True):
            if value is not None or column.absent is not None:
                item[column.attribute] = to_attribute(value, column)
        for index in self.table.built_indexes:
            if index.condition is None or (conditions and index.name in conditions):
                partition, sort = self.index_keys(index, row_key, values)
                item[index.partition_attribute] = {"S": partition}
                item[index.sort_attribute] = {"S": sort}
        return _expiring(item, self.expires(values))

    def expires(self, values: Sequence[Value]) -> float | None:
        """Return the epoch second, rounded up, from which on a row does not exist."""
        value = None if self._ttl_place is None else values[self._ttl_place]
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return None
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float) and math.isfinite(value):
            return float(math.ceil(value))
        return None

    # --- unique constraints ---

    def sentinel(self, unique: Unique, values: Sequence[Value]) -> str:
        """Return the partition key of the item that claims values of a unique constraint."""
        claimed: Sequence[keys.Encodable] = values
        if unique.columns:
            columns = self.table.columns_of(unique.columns)
            claimed = [
                key_value(value, column) for value, column in zip(values, columns, strict=True)
            ]
        encoded = "".join([keys.encode(value) for value in claimed])
        return f"u{unique.slot}|{keys.cut(encoded, keys.PARTITION_LIMIT)}"

    def sentinel_key(self, sentinel: str) -> Item:
        """Return the key of a sentinel's item."""
        return {"@s": {"S": sentinel}, "@k": {"S": "u"}}

    def sentinel_item(
        self, sentinel: str, owner: str, version: str, expires: float | None = None
    ) -> Item:
        """Return the item by which a row (`owner` is its encoded key) claims a sentinel."""
        item = self.sentinel_key(sentinel)
        item["@o"] = {"S": owner}
        item["@v"] = {"S": version}
        return _expiring(item, expires)


def _expiring(item: Item, expires: float | None) -> Item:
    if expires is not None:
        item["@x"] = {"N": str(int(expires))}
    return item


def _decoder(table: TableDef) -> Callable[[Mapping[str, Any]], Row]:
    columns = table.columns

    def decode(item: Mapping[str, Any]) -> Row:
        values = tuple([from_attribute(item.get(column.attribute), column) for column in columns])
        return Row(item["@k"]["S"], item["@v"]["S"], values)

    return decode
