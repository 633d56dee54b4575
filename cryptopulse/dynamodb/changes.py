"""From one version of a table's definition to the next; nothing here asks DynamoDB or Django."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from . import codec, keys
from .catalogue import BUILDING, Column, Index, TableDef, Unique, Value
from .definition import HIDDEN, attribute_for, settled

Named = TypeVar("Named", Index, Unique)
#: Strings and quoted names of SQL: a name inside a string is no name.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


# --- columns --------------------------------------------------------------------------------


def with_column(table: TableDef, column: Column, absent: Value) -> TableDef:
    """Return the table with a new last column, which rows already there have `absent` in."""
    taken = [*(known.attribute for known in table.columns), *table.retired]
    column = replace(
        column,
        attribute=attribute_for(column.name, taken),
        absent=column.absent if absent is None else codec.coerce(absent, column),
    )
    return replace(table, columns=(*table.columns, column))


def without_column(table: TableDef, name: str) -> TableDef:
    """Return the table without a column and all that was said of it.

    The primary key's column stays, hidden, until another key is named: the rows need one.
    """
    column = column_of(table, name)
    table = replace(
        table,
        indexes=tuple(i for i in table.indexes if not _speaks_of(i, name)),
        uniques=tuple(u for u in table.uniques if not _speaks_of(u, name)),
        checks=tuple(c for c in table.checks if c.column != name and not mentions(c.sql, name)),
        ttl=None if table.ttl == name else table.ttl,
    )
    if name in table.key:
        return replace(renamed_column(table, name, HIDDEN + name), is_keyless=True)
    return replace(
        table,
        columns=tuple(known for known in table.columns if known.name != name),
        retired=(*table.retired, column.attribute),
        auto=None if table.auto == name else table.auto,
    )


def altered_column(table: TableDef, name: str, wanted: Column, default: Value) -> TableDef:
    """Return the table with another column in the place of one.

    `default` is what rows with NULL get where the column no longer takes NULL.
    """
    old = column_of(table, name)
    absent = None if old.absent is None else codec.coerce(old.absent, wanted)
    column = replace(wanted, attribute=old.attribute, absent=absent)
    if not column.null and default is not None:
        filler = codec.coerce(default, wanted)
        if old.null and absent is None:
            column = replace(column, absent=filler)
        elif old.null:
            column = replace(column, filler=filler)
    if not column.null and not old.null:
        column = replace(column, filler=old.filler)
    table = renamed_column(table, name, column.name)
    columns = (column if known.name == column.name else known for known in table.columns)
    table = replace(table, columns=tuple(columns))
    return table if encoding(old) == encoding(column) else _reencoded(table, column.name)


def renamed_column(table: TableDef, old: str, new: str) -> TableDef:
    """Return the table with a column renamed wherever it is named; its attribute stays."""
    if old == new:
        return table

    def name(known: str) -> str:
        return new if known == old else known

    def sql(text: str | None) -> str | None:
        return None if text is None else renamed_in(text, old, new)

    def names(known: Iterable[str]) -> tuple[str, ...]:
        return tuple(name(one) for one in known)

    return replace(
        table,
        columns=tuple(
            replace(column, name=name(column.name), generated=sql(column.generated))
            for column in table.columns
        ),
        key=names(table.key),
        auto=name(table.auto) if table.auto else None,
        ttl=name(table.ttl) if table.ttl else None,
        indexes=tuple(
            replace(index, columns=names(index.columns), condition=sql(index.condition))
            for index in table.indexes
        ),
        uniques=tuple(
            replace(
                unique,
                columns=names(unique.columns),
                expressions=tuple(renamed_in(text, old, new) for text in unique.expressions),
                condition=sql(unique.condition),
            )
            for unique in table.uniques
        ),
        checks=tuple(
            replace(
                check,
                sql=renamed_in(check.sql, old, new),
                column=name(check.column) if check.column else None,
            )
            for check in table.checks
        ),
    )


def column_of(table: TableDef, name: str) -> Column:
    """Return the column of this name."""
    return table.columns[table.position[name]]


def encoding(column: Column) -> tuple[str, bool, str]:
    """Return what decides how a column's values stand in keys: two alike need no new keys."""
    sample = keys.encode(codec.key_value("1", column))
    return sample, column.kind == "blob", (column.collation or "binary").lower()


def _reencoded(table: TableDef, column: str) -> TableDef:
    """Return the table with new slots for all that has the column's values in keys."""
    slot = table.next_slot
    indexes, uniques = list(table.indexes), list(table.uniques)
    for place, index in enumerate(indexes):
        if _speaks_of(index, column):
            indexes[place], slot = replace(index, slot=slot), slot + 1
    for place, unique in enumerate(uniques):
        if _speaks_of(unique, column):
            uniques[place], slot = replace(unique, slot=slot), slot + 1
    return replace(table, indexes=tuple(indexes), uniques=tuple(uniques), next_slot=slot)


def _speaks_of(part: Index | Unique, column: str) -> bool:
    texts = [part.condition or "", *(part.expressions if isinstance(part, Unique) else ())]
    return column in part.columns or any(mentions(text, column) for text in texts)


# --- keys -----------------------------------------------------------------------------------


def with_key(table: TableDef, key: tuple[str, ...], auto: str | None) -> TableDef:
    """Return the table with another primary key; a hidden one is dropped for it."""
    hidden = [name for name in table.key if name.startswith(HIDDEN) and name not in key]
    table = replace(table, key=key, auto=auto, is_keyless=False)
    for name in hidden:
        table = without_column(table, name)
    return table


def needs_copy(old: TableDef, new: TableDef) -> bool:
    """Tell whether the rows get other keys, so that they must be copied to another table."""

    def identity(table: TableDef) -> list[tuple[str, object]]:
        columns = [column_of(table, name) for name in table.key]
        return [(column.attribute, encoding(column)) for column in columns]

    return identity(old) != identity(new) or old.shards != new.shards


# --- the whole table ------------------------------------------------------------------------


def finished(old: TableDef, new: TableDef) -> TableDef:
    """Return the new definition with `is_built` decided, and a new slot for what is built anew."""
    new = settled(new)
    built = {index.slot for index in old.indexes if index.is_built}
    known = {index.slot for index in old.indexes}
    slot, indexes = new.next_slot, list(new.indexes)
    for place, index in enumerate(indexes):
        if index.is_built and index.slot in known and index.slot not in built:
            indexes[place], slot = replace(index, slot=slot), slot + 1
    return replace(new, indexes=tuple(indexes), next_slot=slot)


def building(new: TableDef, slots: Iterable[int]) -> TableDef:
    """Return the definition with the indexes of these slots written, but not yet read."""
    wanted = set(slots)
    return replace(
        new,
        indexes=tuple(
            replace(index, state=BUILDING) if index.slot in wanted else index
            for index in new.indexes
        ),
    )


# --- SQL ------------------------------------------------------------------------------------


def renamed_in(sql: str, old: str, new: str) -> str:
    """Return SQL with a quoted name replaced, and strings left alone."""
    return _QUOTED.sub(lambda part: _quoted(new) if part[0] == _quoted(old) else part[0], sql)


def mentions(sql: str, column: str) -> bool:
    """Tell whether SQL names a column."""
    return _quoted(column) in _QUOTED.findall(sql)


def names_in(sql: str, table: TableDef) -> list[str]:
    """Return the table's columns that SQL names, in the order of their first mention."""
    found = dict.fromkeys(part[1:-1].replace('""', '"') for part in _QUOTED.findall(sql))
    return [name for name in found if name in table.position]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- what a field implies -------------------------------------------------------------------


def without_implied_index(table: TableDef, column: str) -> TableDef:
    """Return the table without the index that a field's db_index brought."""
    rest = (i for i in table.indexes if not (i.is_implied and i.columns == (column,)))
    return replace(table, indexes=tuple(rest))


def without_implied_unique(table: TableDef, columns: tuple[str, ...]) -> TableDef:
    """Return the table without the constraint that a field's unique brought."""
    rest = (u for u in table.uniques if not (u.is_implied and u.columns == columns))
    return replace(table, uniques=tuple(rest))
