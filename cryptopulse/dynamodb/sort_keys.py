"""The sort keys of one way into a table, encoded as the stored ones were."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from . import codec, keys
from .catalogue import TableDef, Value
from .plan import Path
from .row import Row

NUMBER_FITS = 100  # bytes of a sort key that hold any number of DynamoDB
LENGTH = re.compile(r"\((\d+)\)")


class SortKeys:
    """Encodes the columns that a path is sorted by, exactly as the stored keys were."""

    def __init__(self, table: TableDef, path: Path) -> None:
        row_codec = codec.codec_of(table)
        limits: list[int] = []
        if path.index is not None:
            columns = len(row_codec.sorted_columns(path.index))
            limits += [row_codec.sort_limit(path.index)] * columns
        limits += [keys.KEY_LIMIT // len(table.key)] * len(table.key)
        self.columns = [table.columns[place] for place in path.sort]
        self.key_at = len(path.sort) - len(table.key)  # the position where the key begins
        self.limits = limits
        self.places = path.sort

    def encode(self, position: int, value: Value) -> str:
        """Return the encoding of one value at its place in the sort key."""
        column = self.columns[position]
        return keys.encode(codec.key_value(value, column), self.limits[position])

    def prefix(self, values: Sequence[Value]) -> str:
        """Return the beginning of the sort keys with these first values."""
        return "".join([self.encode(position, value) for position, value in enumerate(values)])

    def low(self, position: int, value: Value) -> str:
        """Return a bound below which no wanted value lies."""
        number = codec.key_value(value, self.columns[position])
        return keys.lower_bound(number, self.limits[position])

    def high(self, position: int, value: Value) -> str:
        """Return a bound above which no wanted value lies."""
        number = codec.key_value(value, self.columns[position])
        return keys.upper_bound(number, self.limits[position])

    def exact(self, row: Row) -> str:
        """Return a row's sort key with nothing cut off."""
        return "".join(
            [
                keys.encode(codec.key_value(row.values[place], column))
                for place, column in zip(self.places, self.columns, strict=True)
            ]
        )

    @cached_property
    def can_be_cut(self) -> tuple[int, ...]:
        """Positions of the columns whose values may be longer than their share of the key."""
        positions = []
        for position, (column, limit) in enumerate(zip(self.columns, self.limits, strict=True)):
            length = LENGTH.search(column.type)
            is_long_text = (
                column.kind == "text"
                and not column.type.startswith(("date", "time"))
                and (length is None or int(length[1]) * 4 + 50 > limit)
            )
            is_long_number = column.kind == "decimal" and limit < NUMBER_FITS
            if is_long_text or is_long_number or column.kind == "blob":
                positions.append(position)
        return tuple(positions)

    def is_cut(self, row: Row) -> bool:
        """Tell whether a value in a row's sort key was cut. Only long ones are encoded for it."""
        if keys.is_cut(row.key):
            return True
        for position in self.can_be_cut:
            value = row.values[self.places[position]]
            if (
                position < self.key_at
                and isinstance(value, str | bytes)
                # A character takes up to eight bytes: an escape of two, each of four.
                and len(value) * 16 > self.limits[position]
                and keys.is_cut(self.encode(position, value))
            ):
                return True
        return False
