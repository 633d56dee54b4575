"""Rows as DynamoDB's items, and back.

What an item holds is read by the type of each attribute, not by the column's: a column whose type
a migration changed reads right although no item was rewritten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from . import keys
from .affinity import coerce, decimal_of, key_value
from .attributes import (
    MISSING,
    Item,
    from_attribute,
    integer_or_float,
    item_size,
    to_attribute,
    without_exponent,
)
from .catalogue import Column, Index, Kind, TableDef, Unique, Value
from .row import Row

__all__ = [
    "MISSING",
    "Item",
    "ItemCodec",
    "codec_of",
    "coerce",
    "decimal_of",
    "from_attribute",
    "item_size",
    "key_value",
    "to_attribute",
]

# --- reading rows ----------------------------------------------------------------------------

#: Python for the value of an attribute that has the type of its column.
_READERS: Final[Mapping[Kind, str]] = {
    "text": '{}["S"]',
    "blob": '{}["B"]',
    "real": 'float({}["N"])',
    # 18 digits and a sign are an integer of 64 bits, whatever they are.
    "integer": '(int(n) if len(n := {}["N"]) < 19 else wide(n))',
    "decimal": '(n if "E" not in (n := {}["N"]) and "e" not in n else plain(n))',
}


def decoder(table: TableDef) -> Callable[[Mapping[str, Any]], Row]:
    """Return a function from an item to its row, written for this table.

    Every row read passes through it. Spelling the columns out takes 0.6 µs a row of six columns,
    a closure for each column 1.1, asking each column what it is 4.3. An item that is not as its
    columns have it (an older type, a stored NULL) raises, and is read the slow way.
    """

    def decode_any(item: Mapping[str, Any]) -> Row:
        values = [from_attribute(item.get(column.attribute), column) for column in table.columns]
        return Row(item["@k"]["S"], item["@v"]["S"], tuple(values))

    source = f"""
def decode(item):
    get = item.get
    try:
        return Row(item["@k"]["S"], item["@v"]["S"], ({_values_source(table.columns)}))
    except (KeyError, ValueError):
        return decode_any(item)
"""
    names: dict[str, Any] = {
        "Row": Row,
        "decode_any": decode_any,
        "absent": [from_attribute(None, column) for column in table.columns],
        "wide": integer_or_float,
        "plain": without_exponent,
    }
    # Nothing but the names of attributes goes into the source, and those as literals.
    exec(source, names)  # noqa: S102
    decode: Callable[[Mapping[str, Any]], Row] = names["decode"]
    return decode


def _values_source(columns: Iterable[Column]) -> str:
    parts = []
    for place, column in enumerate(columns):
        reader = _READERS[column.kind]
        if column.null or column.absent is not None or column.generated:
            present = f"(a := get({column.attribute!r})) is not None"
            parts.append(f"{reader.format('a')} if {present} else absent[{place}], ")
        else:
            parts.append(f"{reader.format(f'item[{column.attribute!r}]')}, ")
    return "".join(parts)


# --- one table -------------------------------------------------------------------------------


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
        self.decode = decoder(table)
        self._key_columns = tuple(table.columns[place] for place in table.key_places)
        self._ttl_place = table.position[table.ttl] if table.ttl else None

    # --- keys ---

    def key_of(self, values: Sequence[Value]) -> str:
        """Return the encoded primary key of a row."""
        return self.encode_key([values[place] for place in self.table.key_places])

    def encode_key(self, key: Iterable[Value]) -> str:
        """Return the encoded primary key that has these values."""
        pairs = zip(key, self._key_columns, strict=True)
        return keys.encode_all([key_value(*pair) for pair in pairs], keys.KEY_LIMIT)

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
        """Return the partition of an unsharded index with a value of its first column."""
        column = self.table.columns[self.table.position[index.columns[0]]]
        return keys.encode(key_value(value, column), keys.PARTITION_LIMIT)

    def sort_prefix(self, index: Index, values: Sequence[Value]) -> str:
        """Return the beginning of the sort keys with these values of the first sorted columns."""
        limit = self.sort_limit(index)
        columns = self.table.columns_of(self.sorted_columns(index)[: len(values)])
        pairs = zip(values, columns, strict=True)
        return "".join([keys.encode(key_value(*pair), limit) for pair in pairs])

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
            pairs = zip(values, self.table.columns_of(unique.columns), strict=True)
            claimed = [key_value(*pair) for pair in pairs]
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
