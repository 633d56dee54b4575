"""What rows hold in columns declared as dates, times and truths: Python's types, not SQLite's.

Django registers these conversions with the standard library, for its raw cursors (PARSE_DECLTYPES).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.dateparse import parse_date, parse_datetime, parse_time

if TYPE_CHECKING:
    from .statement import Statement

SQLRow = tuple[Any, ...]
#: What apsw asks with each row of a cursor.
Conversion = Callable[[Any, SQLRow], SQLRow]

#: In place of a statement's conversion, which is None where there is nothing to convert.
UNKNOWN: Any = object()


class Conversions(dict[str, Conversion | None]):
    """Conversions by the text of a SELECT, for the tables as they are now."""

    MOST = 2_000
    LONGEST = 4_000  # characters

    def keep(self, sql: str, conversion: Conversion | None) -> Conversion | None:
        """Remember a conversion, and return it."""
        if len(self) >= self.MOST:
            self.clear()
        if len(sql) <= self.LONGEST:
            self[sql] = conversion
        return conversion


def _parsed(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(value) if isinstance(value, str) else value


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "bool": lambda value: value == 1,
    "date": _parsed(parse_date),
    "datetime": _parsed(parse_datetime),
    "timestamp": _parsed(parse_datetime),
    "time": _parsed(parse_time),
}


def conversion_of(columns: Sequence[Sequence[str | None]]) -> Conversion | None:
    """Return how to convert the rows of a result with these names and declared types."""
    places = [
        (place, convert)
        for place, (_, declared) in enumerate(columns)
        if declared and (convert := _CONVERT.get(declared.split("(")[0].split(" ")[0].lower()))
    ]
    if not places:
        return None

    def convert_row(_cursor: Any, row: SQLRow) -> SQLRow:
        values = list(row)
        for place, convert in places:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        return tuple(values)

    return convert_row


def locking(statement: Statement, conversion: Conversion | None) -> Conversion:
    """Return a conversion that locks the rows each row of the result was made of.

    It runs while the virtual tables' cursors still stand where SQLite found the row.
    """

    def lock_row(cursor: Any, row: SQLRow) -> SQLRow:
        statement.lock_result()
        return row if conversion is None else conversion(cursor, row)

    return lock_row
