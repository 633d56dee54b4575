"""What a transaction has read and wants written, until COMMIT makes one request of it.

Every row that is written carries the version at which the transaction first saw it, so that a
commit fails whole when somebody else was faster. Savepoints and failed statements cost no
request: each table keeps a journal that is undone backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal

from . import codec
from .actions import EXISTS, Action
from .catalogue import TableDef, Unique
from .errors import Conflict, Duplicate, Violation
from .row import Row

_MISSING: Any = object()


class TableWrites:
    """One table's part of a unit of work."""

    def __init__(self, table: TableDef) -> None:
        self.table = table
        self.codec = codec.codec_of(table)
        #: Computes what a row lacks of its generated columns, where the table has any.
        self.complete: Callable[[Row], Row] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything: the transaction has ended."""
        #: Row key -> the row as this transaction left it; None where it deleted it.
        self.overlay: dict[str, Row | None] = {}
        #: Row key -> the version that must still be stored; None where no row may be.
        self.base: dict[str, str | None] = {}
        #: Sentinel -> key of the row that shall own it; None where it is given up.
        self.claims: dict[str, str | None] = {}
        #: Sentinel -> key of the row that owned it before, where it was given up.
        self.owners: dict[str, str | None] = {}
        #: Sentinel -> its constraint, for messages.
        self.constraints: dict[str, Unique] = {}
        #: Row key -> the row as first read: repeatable reads, row by row.
        self.seen: dict[str, Row] = {}
        #: Keys and sentinels known to be free (`Session.preload_insert`).
        self.free: set[str] = set()
        #: Keys of rows that must not change until the commit (SELECT ... FOR UPDATE).
        self.locked: set[str] = set()
        #: Whether rows came from an index, which may be behind the table.
        self.is_unsure = False
        #: Keys of such rows that an UPDATE left alone because they are as it wants them.
        self.unsure: set[str] = set()
        #: (table, row key) of rows that must exist at the commit (foreign keys that are checked).
        self.referred: dict[tuple[str, str], None] = {}
        self._journal: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        self._marks: dict[int, int] = {}

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is to be written, so that what is stored is what is seen."""
        return not self.overlay and not self.claims

    # --- journal ----------------------------------------------------------------------------

    def change(self, mapping: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Change one of the mappings so that a savepoint can take it back."""
        self._journal.append((mapping, key, mapping.get(key, _MISSING)))
        mapping[key] = value

    def begin(self) -> None:
        """Start to journal."""
        self._journal.clear()
        self._marks.clear()

    def savepoint(self, level: int) -> None:
        """Remember where a savepoint or statement begins."""
        self._marks[level] = len(self._journal)

    def release(self, level: int) -> None:
        """Forget a savepoint and those inside it."""
        self._marks = {mark: at for mark, at in self._marks.items() if mark < level}

    def rollback_to(self, level: int) -> None:
        """Undo what came after a savepoint.

        A table that joined the transaction after the savepoint has no mark for it: then the
        first mark behind it, or the beginning, is where it joined.
        """
        later = [at for mark, at in self._marks.items() if mark >= level]
        target = self._marks.get(level, min(later, default=0))
        self._undo(target)
        self._marks = {mark: at for mark, at in self._marks.items() if mark <= level}

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Undo what an error leaves half done of one row.

        SQLite has no savepoint around a statement of one row, nor around a row that OR IGNORE
        leaves out.
        """
        begin = len(self._journal)
        try:
            yield
        except Exception:
            self._undo(begin)
            raise

    def _undo(self, target: int) -> None:
        while len(self._journal) > target:
            mapping, key, value = self._journal.pop()
            if value is _MISSING:
                mapping.pop(key, None)
            else:
                mapping[key] = value

    # --- rows -------------------------------------------------------------------------------

    def note(self, row: Row) -> Row:
        """Return the row as this transaction first read it."""
        known = self.seen.get(row.key)
        if known is None:
            known = self.seen[row.key] = row if self.complete is None else self.complete(row)
        return known

    def is_taken(self, key: str) -> bool:
        """Tell whether a row of this key is known to be there."""
        if key in self.overlay:
            return self.overlay[key] is not None
        return key in self.seen

    def held(self) -> Iterator[tuple[str, str | None]]:
        """Yield the rows that the commit relies on, each with its version or None for no row."""
        for key in self.locked:
            if key in self.seen and key not in self.base:
                yield key, self.seen[key].version
        for key, version in self.base.items():
            if version is not None or self.overlay.get(key) is not None:
                yield key, version

    def held_sentinels(self) -> Iterator[tuple[str, str | None]]:
        """Yield the sentinels that the commit relies on, each with its owner or None."""
        for sentinel, owner in self.claims.items():
            before = self.owners.get(sentinel)
            if owner is not None or before is not None:
                yield sentinel, before

    def put(self, row: Row, replaced: Row | None) -> None:
        """Let the row be stored, in place of the one that was read or of none."""
        if row.key not in self.base:
            self.change(self.base, row.key, self._stored_version(row.key, replaced))
        self.change(self.overlay, row.key, row)

    def delete(self, row: Row) -> None:
        """Let the row be deleted."""
        if row.key not in self.base:
            self.change(self.base, row.key, row.version)
        self.change(self.overlay, row.key, None)

    def _stored_version(self, key: str, replaced: Row | None) -> str | None:
        known = replaced or self.seen.get(key)
        return known.version if known else None

    def claim(self, sentinel: str, unique: Unique, key: str) -> None:
        """Let the row of this key own the sentinel."""
        self.constraints[sentinel] = unique
        self.change(self.claims, sentinel, key)

    def give_up(self, sentinel: str, unique: Unique, key: str) -> None:
        """Let the sentinel go, which the row of this key owns.

        Outside a transaction an earlier row of the statement may have claimed it unasked: then
        two rows had the value at once, as in an UPDATE that swaps two values.
        """
        self.constraints[sentinel] = unique
        if self.claims.get(sentinel) not in {None, key}:
            raise self.duplicate(sentinel)
        if sentinel not in self.claims and sentinel not in self.owners:
            self.change(self.owners, sentinel, key)
        self.change(self.claims, sentinel, None)

    def renew(self, sentinel: str, unique: Unique, key: str) -> None:
        """Write a sentinel again that its row keeps: the moment it expires has changed."""
        self.constraints[sentinel] = unique
        if sentinel not in self.claims and sentinel not in self.owners:
            self.change(self.owners, sentinel, key)
        self.change(self.claims, sentinel, key)

    # --- actions ----------------------------------------------------------------------------

    def actions(
        self, token: str, conditions: Callable[[TableDef, tuple[Any, ...]], set[str] | None]
    ) -> Iterator[Action]:
        """Yield what is to be written. `conditions` names the partial indexes that hold a row."""
        conflict = Conflict(
            f"{self.table.name} was changed by somebody else meanwhile; nothing was written."
        )
        for key, row in self.overlay.items():
            version = self.base.get(key)
            if row is not None:
                item = self.codec.encode(key, row.values, token, conditions(self.table, row.values))
                failure = self.duplicate_key() if version is None else conflict
                yield Action("Put", self.table, item, version, failure, group=key)
            else:
                item = self.codec.item_key(key)
                if version is not None:
                    yield Action("Delete", self.table, item, version, conflict, group=key)
                else:  # inserted and deleted again; nobody has asked yet whether it was free
                    taken = self.duplicate_key()
                    yield Action("ConditionCheck", self.table, item, None, taken, group=key)
        yield from self._sentinel_actions(token, conflict)
        for key in self.locked:
            seen = self.seen.get(key)
            if seen is not None and key not in self.overlay:
                item = self.codec.item_key(key)
                yield Action("ConditionCheck", self.table, item, seen.version, conflict, group=key)

    def _sentinel_actions(self, token: str, conflict: Conflict) -> Iterator[Action]:
        for sentinel, owner in self.claims.items():
            before = self.owners.get(sentinel)
            if owner is None and before is None:
                continue
            failure = conflict if before is not None else self.duplicate(sentinel)
            operation: Literal["Put", "Delete"] = "Put"
            if owner is None:
                item = self.codec.sentinel_key(sentinel)
                operation = "Delete"
            else:
                row = self.overlay.get(owner)
                item = self.codec.sentinel_item(
                    sentinel, owner, token, self.codec.expires(row.values) if row else None
                )
            group = str(before) if owner is None else owner
            yield Action(operation, self.table, item, None, failure, group=group, owner=before)

    # --- what can be wrong ------------------------------------------------------------------

    def duplicate_key(self) -> Duplicate:
        """Return the error of a primary key that is taken."""
        names = ", ".join(f"{self.table.name}.{column}" for column in self.table.key)
        return Duplicate(f"UNIQUE constraint failed: {names}")

    def duplicate(self, sentinel: str) -> Duplicate:
        """Return the error of a unique constraint that is taken."""
        unique = self.constraints[sentinel]
        if unique.expressions:
            return Duplicate(f"UNIQUE constraint failed: index '{unique.name}'")
        names = ", ".join(f"{self.table.name}.{column}" for column in unique.columns)
        return Duplicate(f"UNIQUE constraint failed: {names}")


def reference_actions(
    referred: Iterator[tuple[TableDef, str]], written: set[tuple[str, str]]
) -> Iterator[Action]:
    """Yield a check for each row that a foreign key names and this commit does not itself write."""
    for table, key in referred:
        if (table.name, key) not in written:
            item = codec.codec_of(table).item_key(key)
            failure = Violation(f"FOREIGN KEY constraint failed: no such row in {table.name}")
            yield Action("ConditionCheck", table, item, EXISTS, failure, group=key)
