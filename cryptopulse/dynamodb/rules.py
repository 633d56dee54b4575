"""What a row must satisfy, evaluated by SQLite itself.

SQLite enforces nothing on a virtual table, so the engine asks it: the SQL of CHECK constraints,
generated columns, index conditions and unique expressions runs over one row of parameters that
compare as the table's columns do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import apsw

from . import codec
from .catalogue import Column, TableDef, Unique, Value
from .errors import Violation

#: Types whose NUMERIC affinity in SQLite would turn the text we store into a number.
UNCAST = ("date", "time", "char(32)")


class Rules:
    """The constraints of one table, over one connection's functions and collations."""

    def __init__(self, table: TableDef, handle: apsw.Connection) -> None:
        self.table = table
        self.handle = handle
        self.codec = codec.codec_of(table)
        self._generated = [
            (place, column.generated)
            for place, column in enumerate(table.columns)
            if column.generated is not None
        ]
        self._defaults = [
            (place, column)
            for place, column in enumerate(table.columns)
            if column.db_default is not None
        ]
        self._required = [
            (place, column.name)
            for place, column in enumerate(table.columns)
            if not column.null and column.generated is None
        ]
        self._conditional = [index for index in table.built_indexes if index.condition]

    # --- values -----------------------------------------------------------------------------

    def complete(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """Return the row as it will be stored: coerced, with defaults and generated values.

        A virtual table cannot tell a column left out from one given as NULL; a NULL in a column
        that takes none and has a database default means that it was left out.
        """
        row = [
            codec.coerce(value, column)
            for value, column in zip(values, self.table.columns, strict=True)
        ]
        for place, column in self._defaults:
            if row[place] is None and not column.null:
                (given,) = self._select([str(column.db_default)], row)
                row[place] = codec.coerce(given, column)
        for place, sql in self._generated:
            (computed,) = self._select([sql], row)
            row[place] = codec.coerce(computed, self.table.columns[place])
        return tuple(row)

    def check(self, values: tuple[Value, ...]) -> None:
        """Raise Violation for the first NOT NULL or CHECK constraint that does not hold."""
        for place, name in self._required:
            if values[place] is None:
                raise Violation(f"NOT NULL constraint failed: {self.table.name}.{name}")
        if not self.table.checks:
            return
        results = self._select([check.sql for check in self.table.checks], values)
        for check, holds in zip(self.table.checks, results, strict=True):
            if holds is not None and not _is_true(holds):  # NULL passes, as in SQL
                raise Violation(f"CHECK constraint failed: {check.name}")

    # --- indexes and unique constraints -----------------------------------------------------

    def conditions(self, values: tuple[Value, ...]) -> set[str] | None:
        """Return the names of the conditional indexes that hold the row; None: there are none."""
        if not self._conditional:
            return None
        results = self._select([str(index.condition) for index in self._conditional], values)
        return {
            index.name
            for index, holds in zip(self._conditional, results, strict=True)
            if _is_true(holds)
        }

    def sentinels(self, values: tuple[Value, ...]) -> dict[str, Unique]:
        """Return the sentinels that the row owns, each with its constraint."""
        return dict(self._sentinels(values)) if self.table.uniques else {}

    def _sentinels(self, values: tuple[Value, ...]) -> Iterator[tuple[str, Unique]]:
        for unique in self.table.uniques:
            if unique.is_plain or unique.columns:
                parts: Sequence[Value] = [values[place] for place in self._places[unique.slot]]
            else:
                parts = self._select(unique.expressions, values)
            if unique.nulls_distinct and None in parts:
                continue
            if unique.condition is not None:
                (holds,) = self._select([unique.condition], values)
                if not _is_true(holds):
                    continue
            yield self.codec.sentinel(unique, parts), unique

    @cached_property
    def _places(self) -> dict[int, tuple[int, ...]]:
        return {unique.slot: self.table.places(unique.columns) for unique in self.table.uniques}

    # --- SQL over one row -------------------------------------------------------------------

    @cached_property
    def _source(self) -> str:
        columns = ", ".join(
            f"{_parameter(number, column)} AS {quoted(column.name)}"
            for number, column in enumerate(self.table.columns, 1)
        )
        return f"FROM (SELECT {columns}) AS {quoted(self.table.name)}"

    def _select(self, expressions: Sequence[str], values: Sequence[Value]) -> tuple[Value, ...]:
        wanted = ", ".join(f"({expression})" for expression in expressions)
        cursor = self.handle.execute(f"SELECT {wanted} {self._source}", tuple(values))
        try:
            row: tuple[Value, ...] = next(cursor)
        finally:
            cursor.close(True)
        return row


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _parameter(number: int, column: Column) -> str:
    """Return a parameter that compares as the column does."""
    if column.kind == "decimal":
        return f"?{number} COLLATE DECIMAL"
    if column.kind in {"integer", "real"}:
        return f"CAST(?{number} AS {column.kind})"
    text = f"?{number}" if column.type.startswith(UNCAST) else f"CAST(?{number} AS {column.kind})"
    return f"{text} COLLATE {column.collation}" if column.collation else text


def _is_true(value: Value) -> bool:
    return value not in (None, 0, 0.0, "0", "")
