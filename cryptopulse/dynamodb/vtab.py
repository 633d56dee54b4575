"""The virtual tables: what SQLite calls while it plans, reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import apsw

from .catalogue import TableDef, Value
from .errors import Violation
from .executor import Executor
from .planner import Planner
from .row import Row
from .unit_of_work import TableWrites
from .writer import Writer

if TYPE_CHECKING:
    from .session import Session


class Module:
    """Makes SQLite's virtual tables of a session's catalogue."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def Create(
        self, handle: apsw.Connection, module: str, database: str, name: str, *arguments: str
    ) -> tuple[str, VirtualTable]:
        """Return how SQLite shall see the table, and the table."""
        handle.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        table = VirtualTable(self.session, self.session.store.registry.tables[name])
        self.session.virtual_tables[name] = table
        return table.table.declaration, table

    Connect = Create


class VirtualTable:
    """One table on one connection."""

    def __init__(self, session: Session, table: TableDef) -> None:
        self.session = session
        self.table = table
        self.writes = TableWrites(table)
        self.executor = Executor(session, table, self.writes)
        self.writer = Writer(session, table, self.writes, self.executor)
        self.planner = Planner(table, small=session.store.options.table(table.name).small)
        self._keys: dict[int, str] = {}  # rowid -> key, where the key is no integer
        self._key_place = table.key_places[0] if table.has_integer_key else None

    # --- planning and reading ---------------------------------------------------------------

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        """Choose how to read the table."""
        statement = self.session.statement
        return self.planner.best_index(info, counting=statement.is_count, alone=statement.is_alone)

    def Open(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self)

    def rowid(self, row: Row) -> int:
        """Return the number by which SQLite tells the row from others."""
        if self._key_place is not None:
            value = row.values[self._key_place]
            if isinstance(value, int):
                return value
        digest = blake2b(row.key.encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "big") >> 1
        while self._keys.setdefault(number, row.key) != row.key:
            number += 1
        return number

    def row_of(self, rowid: int) -> Row | None:
        """Return the row that SQLite names by its number."""
        key = self._keys.get(rowid)
        if key is None:
            key = self.writer.codec.encode_key([rowid])
        return self.executor.current(key)

    # --- writing ----------------------------------------------------------------------------

    def UpdateInsertRow(self, rowid: int | None, fields: Sequence[Value]) -> int:
        """INSERT."""
        self.session.touched.add(self)
        row = self.writer.insert(fields)
        return 0 if row is None else self.rowid(row)

    def UpdateChangeRow(self, rowid: int, new_rowid: int, fields: Sequence[Value]) -> None:
        """UPDATE."""
        row = self.row_of(rowid)
        if row is not None:
            self.writer.update(row, fields)

    def UpdateDeleteRow(self, rowid: int) -> None:
        """DELETE."""
        row = self.row_of(rowid)
        if row is not None:
            self.writer.delete(row)

    # --- transactions -----------------------------------------------------------------------

    def Begin(self) -> None:
        """Start of the first statement that writes."""
        self.writes.begin()

    def Sync(self) -> None:
        """COMMIT: the first table that is asked commits for all."""
        self.session.flush()

    def Commit(self) -> None:
        """Forget what the transaction read."""
        self.reset()

    def Rollback(self) -> None:
        """Forget what the transaction read and would have written."""
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.writes.reset()
        self._keys.clear()

    def Savepoint(self, level: int) -> None:
        """Begin a savepoint, or a statement that can be undone."""
        self.writes.savepoint(level)

    def Release(self, level: int) -> None:
        """Keep what came after a savepoint."""
        self.writes.release(level)

    def RollbackTo(self, level: int) -> None:
        """Undo what came after a savepoint."""
        self.writes.rollback_to(level)

    def Rename(self, name: str) -> None:
        """Refuse: tables are renamed in the catalogue."""
        message = f"{self.table.name} can only be renamed by a migration."
        raise Violation(message)

    def Disconnect(self) -> None:
        """Let go of nothing: there is nothing local."""

    Destroy = Disconnect


class Cursor:
    """Walks over the rows of a plan. `Column` is the row's own tuple access: the hottest call."""

    __slots__ = ("Column", "_pages", "executor", "page", "passed", "position", "row", "session",
                 "statement", "table")  # fmt: skip

    def __init__(self, table: VirtualTable) -> None:
        self.table = table
        self.session = table.session
        self.executor = table.executor
        self.statement = table.session.statement
        self.statement.cursors.append(self)
        self.page: list[Row] = []
        self.position = -1
        self.row: Row | None = None
        #: Keys of the rows that were passed since the last one of the result, if rows are locked.
        self.passed: list[str] = []
        self._pages: Iterator[list[Row]] = iter(())

    def Filter(self, number: int, text: str, arguments: Sequence[Any]) -> None:
        """Start a plan."""
        plan = self.table.planner.plans[number]
        self.statement.note_plan(self.table.table.name, plan)
        if plan.spread is not None:
            arguments = [arguments[position] for position in plan.spread]
        self.session.touched.add(self.table)
        self._pages = self.executor.pages(plan, arguments)
        self.page, self.position = [], -1
        self.Next()

    def Next(self) -> None:
        """Go to the next row."""
        self.position += 1
        if self.position >= len(self.page):
            page: list[Row] | None = []
            # Another statement may have made the session forget the table since.
            self.session.touched.add(self.table)
            while page is not None and not page:
                page = next(self._pages, None)
            if page is None:
                self.row = None
                return
            self.page, self.position = page, 0
        row = self.row = self.page[self.position]
        self.Column = row.values.__getitem__
        if self.statement.is_locking:
            self.passed.append(row.key)

    def lock(self) -> None:
        """Lock the row that the result's row was made of.

        At its end the cursor stands at none: the result was sorted, and any row may be in it.
        """
        locked = self.table.writes.locked
        if self.row is None:
            locked.update(self.passed)
        else:
            locked.add(self.row.key)
        self.passed.clear()

    def Eof(self) -> bool:
        """Tell whether there are no more rows."""
        return self.row is None

    def Rowid(self) -> int:
        """Return the current row's number."""
        assert self.row is not None  # noqa: S101 (SQLite asks Eof first)
        return self.table.rowid(self.row)

    def Close(self) -> None:
        """Forget the pages."""
        self._pages, self.page, self.row = iter(()), [], None
        if self in self.statement.cursors:
            self.statement.cursors.remove(self)
            if self.passed:
                self.statement.closed.append(self)
