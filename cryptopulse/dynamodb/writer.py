"""INSERT, UPDATE and DELETE of one row: its rules, its unique values, its place in the overlay."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from . import codec
from .catalogue import TableDef, Unique, Value
from .errors import Duplicate, Violation
from .row import Row
from .unit_of_work import TableWrites

if TYPE_CHECKING:
    from .executor import Executor
    from .hints import Upsert
    from .rules import Rules
    from .session import Session

MAX_AUTO_ATTEMPTS = 3


class Writer:
    """Writes the rows of one table for one connection."""

    def __init__(
        self, session: Session, table: TableDef, writes: TableWrites, executor: Executor
    ) -> None:
        self.session = session
        self.store = session.store
        self.table = table
        self.codec = codec.codec_of(table)
        self.writes = writes
        self.executor = executor
        options = self.store.options.table(table.name)
        self._auto = table.position[table.auto] if table.auto else None
        self._checked = [
            place
            for place, column in enumerate(table.columns)
            if column.references and column.name in options.check_references
        ]

    @cached_property
    def rules(self) -> Rules:
        """The table's constraints."""
        return self.session.rules(self.table)

    # --- INSERT -----------------------------------------------------------------------------

    def insert(self, fields: Sequence[Value]) -> Row | None:
        """Insert a row and return it; None when INSERT OR IGNORE leaves it out."""
        statement = self.session.statement
        ignoring = self.session.is_ignoring
        try:
            with self.writes.whole():
                values, is_numbered = self._complete(fields)
                if statement.upsert is not None:
                    return self._upsert(values, statement.upsert)
                return self._insert(values, is_numbered=is_numbered, eager=ignoring)
        except (Duplicate, Violation):
            # SQLite would swallow the code, but the exception would still be raised.
            if ignoring:
                return None
            raise

    def _complete(self, fields: Sequence[Value]) -> tuple[tuple[Value, ...], bool]:
        """Return the row with its number from the sequence, defaults and generated values."""
        is_numbered = self._auto is not None and fields[self._auto] is None
        if is_numbered and self._auto is not None:
            fields = list(fields)
            fields[self._auto] = self.session.next_id(self.table)
        values = self.rules.complete(fields)
        self.rules.check(values)
        return values, is_numbered

    def _insert(self, values: tuple[Value, ...], *, is_numbered: bool, eager: bool) -> Row:
        row = Row(self.codec.key_of(values), None, values)
        sentinels = self.rules.sentinels(values)
        if eager or self.session.must_answer_now:
            # A statement's own error, as get_or_create() needs it, costs a look beforehand.
            self._look_up([] if is_numbered else [row.key], sentinels)
        elif self._is_bold and not is_numbered:
            self._look_up([row.key], {})
        if self.writes.is_taken(row.key):
            self.session.check_held()
            raise self.writes.duplicate_key()
        for sentinel, unique in sentinels.items():
            self._refuse_taken(sentinel, unique)
            self.writes.claim(sentinel, unique, row.key)
        self._refer(values, None)
        self.writes.put(row, None)
        self.session.returned.append((self.table, values))
        return row

    @property
    def _is_bold(self) -> bool:
        """Tell whether a key that is given, where a sequence would give one, is likely taken.

        Then the INSERT itself says so, not the COMMIT, for 1 read.
        """
        session = self.session
        return self._auto is not None and session.in_transaction and not session.chunked

    def _look_up(self, row_keys: Iterable[str], sentinels: dict[str, Unique]) -> None:
        """Ask in one batch whether keys and unique values are taken, where that is not known."""
        writes = self.writes
        free = writes.free
        asked_keys = [
            (self.table, key)
            for key in row_keys
            if key not in writes.overlay and key not in writes.seen and key not in free
        ]
        asked = [
            (self.table, sentinel)
            for sentinel in sentinels
            if sentinel not in writes.claims and sentinel not in free
        ]
        if not asked and not asked_keys:
            return
        found, owners = self.store.get_many(self.session.meter, asked_keys, asked)
        for row in found.values():
            writes.note(row)
        for _, sentinel in owners:
            writes.constraints[sentinel] = sentinels[sentinel]
            self.session.check_held()
            raise writes.duplicate(sentinel)

    def _refuse_taken(self, sentinel: str, unique: Unique) -> None:
        if self.writes.claims.get(sentinel) is not None:
            self.writes.constraints[sentinel] = unique
            raise self.writes.duplicate(sentinel)

    # --- INSERT that updates what is there --------------------------------------------------

    def _upsert(self, values: tuple[Value, ...], upsert: Upsert) -> Row:
        existing = self._existing(values, upsert.target)
        if existing is None:
            return self._insert(values, is_numbered=False, eager=True)
        merged = list(existing.values)
        for name in upsert.update:
            place = self.table.position[name]
            merged[place] = values[place]
        self.update(existing, merged)
        row = self.executor.current(existing.key) or existing
        self.session.returned.append((self.table, row.values))
        return row

    def _existing(self, values: tuple[Value, ...], target: Sequence[str]) -> Row | None:
        if not target or set(target) == set(self.table.key):
            key = self.codec.key_of(values)
            is_free = key in self.writes.free and key not in self.writes.overlay
            return None if is_free else self.executor.current(key)
        for unique in self.table.uniques:
            if unique.is_plain and set(unique.columns) == set(target):
                wanted = [values[place] for place in self.table.places(unique.columns)]
                if None in wanted:
                    return None
                sentinel = self.codec.sentinel(unique, wanted)
                if sentinel in self.writes.free and sentinel not in self.writes.claims:
                    return None
                owner = self.executor.owner_of(sentinel)
                return None if owner is None else self.executor.current(owner)
        raise sqlite3.OperationalError(
            "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint of "
            f"{self.table.name}."
        )

    # --- UPDATE and DELETE ------------------------------------------------------------------

    def update(self, row: Row, fields: Sequence[Value]) -> None:
        """Change a row to these values."""
        with self.writes.whole():
            self._update(row, fields)

    def _update(self, row: Row, fields: Sequence[Value]) -> None:
        values = self.rules.complete(fields)
        self.rules.check(values)
        key = self.codec.key_of(values)
        if key != row.key:
            self.delete(row)
            self._insert(values, is_numbered=False, eager=False)
            self.session.returned.pop()
            return
        if values == row.values:
            # Nothing to write, but what was decided on the row's values must still hold.
            if self.writes.is_unsure:
                self.writes.unsure.add(key)
            if self.session.in_transaction and key not in self.writes.overlay:
                self.writes.note(row)
                self.writes.locked.add(key)
            return
        self._move_sentinels(row, values)
        self._refer(values, row.values)
        self.writes.put(Row(key, None, values), row)

    def _move_sentinels(self, row: Row, values: tuple[Value, ...]) -> None:
        if not self.table.uniques:
            return
        old, new = self.rules.sentinels(row.values), self.rules.sentinels(values)
        claimed = {sentinel: new[sentinel] for sentinel in new.keys() - old.keys()}
        if claimed:
            if self.session.must_answer_now:
                self._look_up((), claimed)
            for sentinel, unique in claimed.items():
                self._refuse_taken(sentinel, unique)
        for sentinel in old.keys() - new.keys():
            self.writes.give_up(sentinel, old[sentinel], row.key)
        for sentinel, unique in claimed.items():
            self.writes.claim(sentinel, unique, row.key)
        if self.codec.expires(values) != self.codec.expires(row.values):
            for sentinel in old.keys() & new.keys():
                self.writes.renew(sentinel, new[sentinel], row.key)

    def delete(self, row: Row) -> None:
        """Delete a row and give up its unique values."""
        for sentinel, unique in self.rules.sentinels(row.values).items():
            self.writes.give_up(sentinel, unique, row.key)
        self.writes.delete(row)

    def _refer(self, values: tuple[Value, ...], old: tuple[Value, ...] | None) -> None:
        """Let the commit check that the rows exist which checked foreign keys name."""
        for place in self._checked:
            value = values[place]
            if value is None or (old is not None and old[place] == value):
                continue
            name, _ = self.table.columns[place].references or ("", "")
            parent = self.store.registry.tables.get(name)
            if parent is not None:
                key = codec.codec_of(parent).encode_key([value])
                self.writes.change(self.writes.referred, (name, key), None)
