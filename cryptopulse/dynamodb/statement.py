"""The statement that is running on a connection, and what it has read so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from .ahead import LookAhead
from .catalogue import TableDef
from .hints import Hints
from .metering import StatementRecord
from .plan import Plan
from .row import Row

if TYPE_CHECKING:
    from .executor import Executor

#: Rows that a join reads ahead in one batch.
READ_AHEAD = 100


class Statement:
    """The statement that is running, and what it has read so far."""

    def __init__(self, hints: Hints, record: StatementRecord | None) -> None:
        self.record = record
        self.is_locking = hints.for_update
        self.is_count = hints.count
        self.upsert = hints.upsert
        self.limit = hints.limit
        self.is_sorted = hints.is_sorted
        self.is_alone = hints.is_alone
        self.rows = hints.rows
        #: Open cursors, outermost first: a join reads ahead what their next rows refer to.
        self.cursors: list[Any] = []
        #: Closed ones that have passed rows which a sorted result may hold (FOR UPDATE).
        self.closed: list[Any] = []
        self.ahead = LookAhead(self.cursors)
        #: Keys that were asked for and are not there: a join asks for the same again and again.
        self.absent: set[tuple[str, str]] = set()
        self.tables: dict[str, list[Row]] = {}
        self.buckets: dict[tuple[str, int], dict[str, list[Row]]] = {}
        self.ids: dict[str, Iterator[int]] = {}
        self._noted: set[tuple[str, Plan]] = set()
        self._ahead: dict[str, list[Row]] = {}

    def lock_result(self) -> None:
        """Lock the rows that the row of the result which is being handed over was made of."""
        for cursor in (*self.cursors, *self.closed):
            cursor.lock()

    def note_plan(self, table: str, plan: Plan) -> None:
        """Tell the statement's record how a table is read; once for each way."""
        if self.record is not None and (table, plan) not in self._noted:
            self._noted.add((table, plan))
            self.record.plans.append(f"{table}: {plan.text}")

    def read_ahead(self, executor: Executor, rows: list[Row]) -> None:
        """Remember the rows that a join fetched in one batch, for the next table of the join."""
        self._ahead[executor.table.name] = rows

    def upcoming(self, executor: Executor, key: str) -> list[str]:
        """Return the keys that a join will ask for after this one, as far as it can be seen."""
        for cursor in self.cursors:
            if cursor.row is None or cursor.executor is executor:
                continue
            place = _joining_place(cursor.table.table, executor.table)
            if place is None or _key_at(executor, cursor.row, place) != key:
                continue
            ahead = cursor.page[cursor.position + 1 :]
            if not ahead:
                ahead = self._ahead.get(cursor.table.table.name, [])
            return _missing(executor, key, ahead, place)
        return []


def _key_at(executor: Executor, row: Row, place: int) -> str | None:
    value = row.values[place]
    return None if value is None else executor.codec.encode_key([value])


def _missing(executor: Executor, key: str, rows: Sequence[Row], place: int) -> list[str]:
    writes = executor.writes
    absent = executor.session.statement.absent
    wanted = dict.fromkeys(_key_at(executor, row, place) for row in rows)
    fresh = (
        other
        for other in wanted
        if other is not None
        and other != key
        and other not in writes.overlay
        and other not in writes.seen
        and (executor.table.name, other) not in absent
    )
    return list(islice(fresh, READ_AHEAD - 1))


def _joining_place(outer: TableDef, inner: TableDef) -> int | None:
    """Return the place of the outer table's column that holds the inner table's primary key."""
    if len(inner.key) != 1:
        return None
    for place, column in enumerate(outer.columns):
        if column.references == (inner.name, inner.key[0]):
            return place
    # Multi-table inheritance and one-to-one links, seen from their parent.
    own = inner.columns[inner.key_places[0]].references
    if own is not None and own[0] == outer.name:
        return outer.position.get(own[1])
    return None
