"""One connection's state: its virtual tables, its unit of work, the statement that is running."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from . import codec
from .actions import Action
from .authorizer import own_ddl
from .catalogue import TableDef, Value
from .conversions import Conversions
from .errors import Conflict, PartlyWritten, Violation
from .hints import Hints, hints_of
from .metering import Meter
from .rules import Rules, quoted
from .statement import Statement
from .unit_of_work import reference_actions
from .vtab import Module, VirtualTable

if TYPE_CHECKING:
    from .store import Store

logger = logging.getLogger("cryptopulse.dynamodb")

#: Seconds after a conflict during which index entries are read again from their table.
WARY_SECONDS = 2.0
#: Actions at which a unit of work that may go in chunks is sent.
CHUNK = 90


class Session:
    """What one connection to DynamoDB knows between two statements."""

    def __init__(self, store: Store, handle: apsw.Connection) -> None:
        self.store = store
        self.handle = handle
        self.meter = Meter(store.options)
        self.virtual_tables: dict[str, VirtualTable] = {}
        #: Those that the transaction (outside of one: the statement) has read or written.
        self.touched: set[VirtualTable] = set()
        self.returned: list[tuple[TableDef, tuple[Value, ...]]] = []
        self.in_transaction = False
        #: Names of the open savepoints, outermost first.
        self.savepoints: list[str] = []
        #: What does not fit one transaction may go in several (loading fixtures, bulk deletes).
        self.chunked = False
        self.statement = Statement(Hints(), None)
        #: How the rows of a SELECT are converted, by its text; for the tables as they are now.
        self.conversions = Conversions()
        self._generation: int | None = None
        self._rules: dict[str, Rules] = {}
        self._wary_until = 0.0
        #: Part of the transaction was sent ahead of its COMMIT, in a chunk.
        self._has_sent = False
        #: Tables were made inside a transaction; a rollback takes them away again.
        self._may_lose_tables = False
        # Version 2 has savepoints; from 3 on apsw takes one of few slots of the process.
        module: Any = Module(self)  # apsw's protocol names more methods than version 2 has
        handle.create_module("dynamodb", module, use_bestindex_object=True, iVersion=2)
        store.registry.ensure()
        self.refresh()

    # --- statements -------------------------------------------------------------------------

    def begin_statement(self, sql: str, *, in_transaction: bool) -> None:
        """Start a statement: look whether the catalogue has changed, forget the one before."""
        self.in_transaction = in_transaction
        self.returned = []
        if not in_transaction:
            self._has_sent = False
            self.savepoints.clear()
            self._forget()
        registry = self.store.registry
        registry.refresh_if_due()
        if self._may_lose_tables:
            self._find_lost_tables()
        if self._generation != registry.generation:
            self.refresh()
        if in_transaction and sql.startswith(("SAVEPOINT ", "RELEASE ", "ROLLBACK TO ")):
            self._note_savepoint(sql)
        self.statement = Statement(hints_of(sql), self.meter.begin(sql))

    def end_statement(self) -> None:
        """Close the statement's books; send what may go in chunks once it is enough."""
        if self.chunked and self.in_transaction and not self.savepoints:
            self._send_chunk()
        self.meter.end(self.statement.record)

    def _send_chunk(self) -> None:
        pending = self.pending()
        if pending >= CHUNK:
            logger.info("Writing in chunks, not atomic: %d actions ahead of the COMMIT", pending)
            self.flush()

    def _note_savepoint(self, sql: str) -> None:
        verb, name = sql.split(maxsplit=1)[0], sql.rsplit(maxsplit=1)[-1]
        if verb == "SAVEPOINT":
            self.savepoints.append(name)
        elif name in self.savepoints:
            del self.savepoints[self.savepoints.index(name) + (verb == "ROLLBACK") :]

    @property
    def must_answer_now(self) -> bool:
        """Tell whether a taken key or unique value must be an error of the statement itself.

        Only inside a savepoint can somebody catch it and go on (get_or_create() does). Elsewhere
        it ends the transaction in any case, so the commit's own conditions are enough and an
        INSERT reads nothing.
        """
        return bool(self.savepoints) or self.is_ignoring

    @property
    def is_ignoring(self) -> bool:
        """Tell whether the running statement is INSERT OR IGNORE."""
        return bool(self.handle.vtab_on_conflict() == apsw.SQLITE_IGNORE)

    @property
    def is_wary(self) -> bool:
        """Tell whether index entries may be behind: shortly after a conflict they are checked."""
        return self._wary_until > time.monotonic()

    def next_id(self, table: TableDef) -> int:
        """Return the next number of a table's sequence; one request for all rows of an INSERT."""
        ids = self.statement.ids.get(table.name)
        number = next(ids, None) if ids else None
        if number is None:
            wanted = max(self.statement.rows, 1)
            first = self.store.next_ids(self.meter, table, wanted)
            ids = self.statement.ids[table.name] = iter(range(first, first + wanted))
            number = next(ids)
        return number

    # --- the unit of work -------------------------------------------------------------------

    def rules(self, table: TableDef) -> Rules:
        """Return the constraints of a table, which may be one that is only being made."""
        known = self._rules.get(table.name)
        if known is None or known.table is not table:
            known = self._rules[table.name] = Rules(table, self.handle)
        return known

    def pending(self) -> int:
        """Return how many actions the unit of work has, or nearly so."""
        writes = [table.writes for table in self.touched]
        return sum(len(one.overlay) + len(one.claims) + len(one.locked) for one in writes)

    def flush(self) -> None:
        """Commit what is buffered: one request, all or nothing."""
        token = secrets.token_hex(16)
        try:
            self._check_definitions()
            self._check_unchanged()
            actions = list(self._actions(token))
            if not actions:
                return
            may_chunk = self.chunked or self.store.options.large_transactions == "chunk"
            commit = self.store.commit_in_chunks if may_chunk else self.store.commit
            commit(self.meter, actions, token)
        except Conflict as conflict:
            self._wary_until = time.monotonic() + WARY_SECONDS
            self._forget()
            if self._has_sent:
                raise PartlyWritten(
                    f"{conflict} But what was sent ahead of the COMMIT stays written."
                ) from conflict
            raise
        except BaseException:
            self._forget()
            raise
        self._has_sent = True
        self._forget()

    def _check_definitions(self) -> None:
        """Raise Conflict if a migration has changed a table since the transaction used it."""
        tables = self.store.registry.tables
        for table in self.touched:
            writes = table.writes
            if tables.get(table.table.name) is table.table:
                continue
            if not writes.is_clean or writes.locked:
                self.meter.conflict()
                raise Conflict(
                    f"A migration has changed {table.table.name} meanwhile; nothing was written."
                )

    def _check_unchanged(self) -> None:
        """Raise Conflict if an UPDATE found a row as it wants it, but only because an index is
        behind: the row has changed since, and would stay as it is.
        """
        found = {
            (table.table.name, key): (table.table, table.writes.seen[key].version)
            for table in self.touched
            for key in table.writes.unsure
            if key not in table.writes.overlay and key in table.writes.seen
        }
        if not found:
            return
        rows = [(table, key) for (_, key), (table, _) in found.items()]
        stored, _ = self.store.get_many(self.meter, rows)
        for name, (table, version) in found.items():
            if name not in stored or stored[name].version != version:
                self.meter.conflict()
                raise Conflict(f"{table.name} was changed meanwhile; nothing was written.")

    def check_held(self) -> None:
        """Raise Conflict if what the transaction relies on is no longer as it found it.

        Asked before a duplicate is believed: where rows really were locked, nobody could have
        written meanwhile what the statement met. At most 1 request for 100 rows.
        """
        if not self.in_transaction or self.is_ignoring:
            return
        rows: dict[tuple[str, str], tuple[TableDef, str | None]] = {}
        sentinels: dict[tuple[str, str], tuple[TableDef, str | None]] = {}
        for table in self.touched:
            for key, version in table.writes.held():
                rows[table.table.name, key] = table.table, version
            for sentinel, owner in table.writes.held_sentinels():
                sentinels[table.table.name, sentinel] = table.table, owner
        if not rows and not sentinels:
            return
        found, owners = self.store.get_many(
            self.meter,
            [(table, key) for (_, key), (table, _) in rows.items()],
            [(table, sentinel) for (_, sentinel), (table, _) in sentinels.items()],
        )
        versions = {name: row.version for name, row in found.items()}
        for expected, stored in ((rows, versions), (sentinels, owners)):
            for name, (changed, value) in expected.items():
                # What was to be free and is not is the very duplicate that is being asked about.
                if value is not None and stored.get(name) != value:
                    self._wary_until = time.monotonic() + WARY_SECONDS
                    self.meter.conflict()
                    raise Conflict(f"{changed.name} was changed by somebody else meanwhile.")

    def _actions(self, token: str) -> Iterator[Action]:
        tables = [table for table in self.touched if not table.writes.is_clean]
        if not tables:
            return
        referred: dict[tuple[str, str], None] = {}
        for table in tables:
            referred |= table.writes.referred
        for table in self.touched:
            yield from table.writes.actions(token, self._conditions)
        if referred:
            written = self._present(referred)
            parents = (
                (parent, key)
                for name, key in referred
                if (parent := self.store.registry.tables.get(name)) is not None
            )
            yield from reference_actions(parents, written)

    def _present(self, referred: dict[tuple[str, str], None]) -> set[tuple[str, str]]:
        """Return the rows that this commit itself writes or checks; one it deletes is missed."""
        present = set()
        for table in self.touched:
            name, writes = table.table.name, table.writes
            for key, row in writes.overlay.items():
                if row is None and (name, key) in referred:
                    raise Violation(f"FOREIGN KEY constraint failed: no such row in {name}")
                present.add((name, key))
            present |= {(name, key) for key in writes.locked if key in writes.seen}
        return present

    def _conditions(self, table: TableDef, values: tuple[Value, ...]) -> set[str] | None:
        return self.rules(table).conditions(values)

    def preload_insert(
        self, table_name: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]
    ) -> None:
        """Read in one batch whatever an INSERT of several rows could collide with."""
        table = self.virtual_tables[table_name]
        self.touched.add(table)
        row_keys: dict[str, None] = {}
        sentinels: dict[str, None] = {}
        for row in rows:
            values = self._laid_out(table.table, columns, row)
            if None not in [values[place] for place in table.table.key_places]:
                row_keys[table.executor.codec.key_of(values)] = None
            sentinels |= dict.fromkeys(self.rules(table.table).sentinels(values))
        writes = table.writes
        asked = [
            (table.table, key)
            for key in row_keys
            if key not in writes.overlay and key not in writes.seen
        ]
        wanted = [(table.table, one) for one in sentinels if one not in writes.claims]
        if not asked and not wanted:
            return
        found, owners = self.store.get_many(self.meter, asked, wanted)
        for stored in found.values():
            writes.note(stored)
        owned = [(table.table, owner) for owner in owners.values() if owner not in writes.seen]
        if owned and self.statement.upsert is not None:
            for stored in self.store.get_many(self.meter, owned)[0].values():
                writes.note(stored)
        writes.free |= {key for _, key in asked} - {key for _, key in found}
        writes.free |= {one for _, one in wanted} - {one for _, one in owners}

    def _laid_out(
        self, table: TableDef, columns: Sequence[str], row: Sequence[Value]
    ) -> tuple[Value, ...]:
        values: list[Value] = [None] * len(table.columns)
        for name, value in zip(columns, row, strict=True):
            place = table.position[name]
            values[place] = codec.coerce(value, table.columns[place])
        return tuple(values)

    def _forget(self) -> None:
        while self.touched:
            self.touched.pop().reset()

    def reset(self) -> None:
        """Forget the unit of work: the transaction was rolled back or the connection returned."""
        self._forget()
        self.statement = Statement(Hints(), None)
        self.in_transaction = False
        self.savepoints.clear()

    # --- the catalogue ----------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the virtual tables in line with the catalogue."""
        registry = self.store.registry
        generation: int | None = registry.generation
        tables = registry.tables
        self._may_lose_tables |= self.handle.in_transaction
        self.conversions.clear()
        with own_ddl(self.handle):
            outdated = [
                name
                for name, known in self.virtual_tables.items()
                if tables.get(name) is not known.table
            ]
            # What a statement still reads stays as it is, until a later statement asks again.
            if [name for name in outdated if not self._drop(name)]:
                generation = None
            for name in tables:
                if name not in self.virtual_tables:
                    self.handle.execute(f"CREATE VIRTUAL TABLE {quoted(name)} USING dynamodb")
        self._generation = generation

    def _find_lost_tables(self) -> None:
        """Let the virtual tables that a rollback has taken away be made again."""
        names = {name for (name,) in self.handle.execute("SELECT name FROM sqlite_schema")}
        for name in self.virtual_tables.keys() - names:
            self.touched.discard(self.virtual_tables.pop(name))
            self._generation = None
        self._may_lose_tables = self.handle.in_transaction

    def _drop(self, name: str) -> bool:
        if self.handle.in_transaction and self.virtual_tables[name] in self.touched:
            return False  # what was read and written belongs to this definition; see `flush`
        try:
            self.handle.execute(f"DROP TABLE {quoted(name)}")
        except apsw.LockedError:
            return False
        self.touched.discard(self.virtual_tables.pop(name))
        self._rules.pop(name, None)
        return True
