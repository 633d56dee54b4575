"""What a plan does: requests to DynamoDB, merged with what the transaction has written itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

from . import codec, keys
from .catalogue import TableDef, Value
from .merging import Merge, Pages, Place, ReadRows
from .plan import Path, Plan
from .row import Row
from .sort_keys import SortKeys
from .store import KeyRange
from .unit_of_work import TableWrites

if TYPE_CHECKING:
    from .session import Session

MERGED_PAGE = 100  # rows
#: Rows behind the wanted ones that an open-ended read may see before it counts as a scan.
FREE_ROWS = 1000


class Executor:
    """Runs the plans of one table for one connection."""

    def __init__(self, session: Session, table: TableDef, writes: TableWrites) -> None:
        self.session = session
        self.store = session.store
        self.table = table
        self.codec = codec.codec_of(table)
        self.writes = writes
        self._sort_keys: dict[Path, SortKeys] = {}
        self._read: dict[Path, ReadRows] = {}
        if any(column.generated for column in table.columns):
            writes.complete = self._completed
        self._kinds: dict[str, Callable[[Plan, Sequence[Any]], Pages]] = {
            "item": self._item,
            "unique": self._unique,
            "batch": self._batch,
            "range": self._range,
            "hash": self._hash,
            "table": self._table,
        }

    def pages(self, plan: Plan, arguments: Sequence[Any]) -> Pages:
        """Yield the rows of a plan, page by page."""
        return self._kinds[plan.kind](plan, arguments)

    def _completed(self, row: Row) -> Row:
        """Return a row with the generated values that a migration has not filled in yet."""
        if codec.MISSING not in row.values:
            return row
        values = [None if value is codec.MISSING else value for value in row.values]
        complete = self.session.rules(self.table).complete
        return Row(row.key, row.version, complete(values))

    # --- single rows ------------------------------------------------------------------------

    def current(self, key: str) -> Row | None:
        """Return the row as this transaction sees it; one consistent read when it is new to it."""
        writes = self.writes
        if key in writes.overlay:
            return writes.overlay[key]
        if key in writes.seen:
            return writes.seen[key]
        if (self.table.name, key) in self.session.statement.absent:
            return None
        return self._fetch(key)

    def _fetch(self, key: str) -> Row | None:
        statement = self.session.statement
        wanted = [key, *statement.upcoming(self, key)]
        if len(wanted) == 1:
            row = self.store.get(self.session.meter, self.table, key)
            if row is not None:
                return self.writes.note(row)
            statement.absent.add((self.table.name, key))
            return None
        found, _ = self.store.get_many(self.session.meter, [(self.table, one) for one in wanted])
        for one in wanted:
            row = found.get((self.table.name, one))
            if row is None:
                statement.absent.add((self.table.name, one))
            else:
                self.writes.note(row)
        statement.read_ahead(
            self, [self.writes.seen[one] for one in wanted if one in self.writes.seen]
        )
        return self.writes.seen.get(key)

    def _item(self, plan: Plan, arguments: Sequence[Any]) -> Pages:  # noqa: ARG002
        if None in arguments:
            return
        row = self.current(self.codec.encode_key(arguments))
        if row is not None:
            yield [row]

    def _unique(self, plan: Plan, arguments: Sequence[Any]) -> Pages:
        unique = plan.unique
        assert unique is not None  # noqa: S101 (the plan is about one)
        if None in arguments:  # the plan is for "=", and NULL equals nothing
            return
        values = [
            codec.coerce(value, column)
            for value, column in zip(arguments, self.table.columns_of(unique.columns), strict=True)
        ]
        owner = self.owner_of(self.codec.sentinel(unique, values))
        row = self.current(owner) if owner is not None else None
        if row is not None:
            yield [row]

    def owner_of(self, sentinel: str) -> str | None:
        """Return the key of the row that owns a sentinel, as this transaction sees it."""
        if sentinel in self.writes.claims:
            return self.writes.claims[sentinel]
        _, owners = self.store.get_many(self.session.meter, (), [(self.table, sentinel)])
        return owners.get((self.table.name, sentinel))

    def _batch(self, plan: Plan, arguments: Sequence[Any]) -> Pages:  # noqa: ARG002
        # apsw hands an empty IN () over as None
        wanted = [
            self.codec.encode_key([value]) for value in arguments[0] or () if value is not None
        ]
        writes = self.writes
        missing = [key for key in wanted if key not in writes.overlay and key not in writes.seen]
        if len(missing) == 1:
            row = self.store.get(self.session.meter, self.table, missing[0])
            if row is not None:
                writes.note(row)
        elif missing:
            found, _ = self.store.get_many(
                self.session.meter, [(self.table, key) for key in missing]
            )
            for row in found.values():
                writes.note(row)
        rows = [
            row
            for key in sorted(set(wanted))
            if (row := writes.overlay[key] if key in writes.overlay else writes.seen.get(key))
        ]
        if rows:
            yield rows

    # --- ranges -----------------------------------------------------------------------------

    def _range(self, plan: Plan, arguments: Sequence[Any]) -> Pages:
        bound = self._bind(plan, arguments)
        if bound is None:
            return iter(())
        ranges, local_keys = bound
        if not self._holds_guards(plan, arguments):
            return self._unguarded(plan)
        if plan.counted and self.writes.is_clean and self.table.ttl is None:
            return self._counted(plan, arguments, ranges)
        return self._merged(plan, ranges, local_keys)

    def _bind(
        self, plan: Plan, arguments: Sequence[Any]
    ) -> tuple[list[KeyRange], tuple[set[str] | None, str, str | None]] | None:
        """Return the key ranges of a plan with its arguments; None when nothing can match."""
        path = plan.path
        assert path is not None  # noqa: S101 (a range has one)
        sort_keys = self.sort_keys(path)
        rest = list(arguments)
        partitions = self._partitions(plan, path, rest)
        equal = [rest.pop(0) for _ in plan.equal]
        if any(
            value is None and not may_be_null
            for value, (_, may_be_null) in zip(equal, plan.equal, strict=True)
        ):
            return None
        position = len(equal)
        prefix = sort_keys.prefix(equal)
        low: str | None = prefix or None
        high: str | None = prefix + keys.HIGH if prefix else None
        if plan.has_low:
            value = rest.pop(0)
            if value is None:
                return None
            low = prefix + sort_keys.low(position, value)
        elif plan.has_high:
            low = prefix + "1"  # behind the NULLs, which no comparison wants
        if plan.has_high:
            value = rest.pop(0)
            if value is None:
                return None
            high = prefix + sort_keys.high(position, value)
        elif plan.has_low:
            high = prefix + keys.HIGH
        if partitions is None or (low is not None and high is not None and low > high):
            return None  # DynamoDB refuses a range whose end lies before its beginning
        ranges = [
            KeyRange(path.index, partition, low, high, descending=plan.descending)
            for partition in partitions
        ]
        wanted = set(partitions) if path.partition is not None else None
        return ranges, (wanted, low or "", high)

    def _partitions(self, plan: Plan, path: Path, rest: list[Any]) -> list[str] | None:
        if path.partition is None:
            return [str(number) for number in range(path.shards)]
        value = rest.pop(0)
        assert path.index is not None  # noqa: S101 (only an index is partitioned by a column)
        if not plan.many_partitions:
            if value is None and not plan.partition_may_be_null:
                return None
            return [self.codec.partition(path.index, value)]
        values = [one for one in value or () if one is not None]
        return sorted({self.codec.partition(path.index, one) for one in values}) or None

    def _holds_guards(self, plan: Plan, arguments: Sequence[Any]) -> bool:
        """Tell whether the query asks for nothing that a partial index leaves out."""
        if not plan.guarded or plan.path is None:
            return True
        given = arguments[len(arguments) - len(plan.guarded) :]
        return all(
            codec.coerce(value, self.table.columns[place]) in allowed
            for value, (place, allowed) in zip(given, plan.path.guards, strict=True)
        )

    def _unguarded(self, plan: Plan) -> Pages:
        rows = self.whole_table()
        for place, descending in reversed(plan.order):
            column = self.table.columns[place]
            rows = sorted(
                rows,
                key=lambda row: keys.encode(codec.key_value(row.values[place], column)),
                reverse=descending,
            )
        yield rows

    def _counted(self, plan: Plan, arguments: Sequence[Any], ranges: list[KeyRange]) -> Pages:
        """Yield as many rows as DynamoDB counts; all that is read of them is what was asked for."""
        counts = self.store.each(
            [partial(self.store.count, self.session.meter, self.table, one) for one in ranges]
        )
        path = plan.path
        assert path is not None  # noqa: S101 (a range has one)
        known = list(arguments)
        values: list[Value] = [None] * len(self.table.columns)
        places = [path.partition] if path.partition is not None else []
        for place in [*places, *(place for place, _ in plan.equal), *plan.guarded]:
            values[place] = known.pop(0)
        return _copies(Row("", None, tuple(values)), sum(counts))

    def _merged(
        self,
        plan: Plan,
        ranges: list[KeyRange],
        local_keys: tuple[set[str] | None, str, str | None],
    ) -> Pages:
        path = plan.path
        assert path is not None  # noqa: S101 (a range has one)
        first = self._first_page(plan)
        pages = self._remote(path, ranges, plan, first)
        if path.index is not None and not self.session.is_wary:
            self.writes.is_unsure = True
        if path.partition is None and not plan.equal and not (plan.has_low and plan.has_high):
            is_open = plan.has_low or plan.has_high
            pages = self._metered(pages, None if first is None and not is_open else first or 0)
        rows = self._merge(path, pages, local_keys, plan)
        if plan.ordered and (path.index is None or self.sort_keys(path).can_be_cut):
            return self._in_exact_order(path, rows, plan)
        return rows

    def _first_page(self, plan: Plan) -> int | None:
        if plan.limit:
            return plan.limit
        statement = self.session.statement
        return statement.limit if plan.ordered or not statement.is_sorted else None

    def _remote(self, path: Path, ranges: list[KeyRange], plan: Plan, first: int | None) -> Pages:
        if len(ranges) == 1 and path.partition is not None:
            return self.session.statement.ahead.pages(self, path, ranges[0], first)
        meter, store = self.session.meter, self.store
        streams = [iter(store.pages(meter, self.table, one, first)) for one in ranges]
        if len(streams) == 1:
            return streams[0]
        # The first pages of all partitions at once; more only of those that are read on.
        firsts: list[list[Row]] = store.each(
            [partial(next, stream, list[Row]()) for stream in streams]
        )
        if path.partition is not None:
            return chain(firsts, chain.from_iterable(streams))
        rows = heapq.merge(
            *(
                chain(page, chain.from_iterable(stream))
                for page, stream in zip(firsts, streams, strict=True)
            ),
            key=self._sort_key(path),
            reverse=plan.descending,
        )
        return _paged(rows, first)

    def _sort_key(self, path: Path) -> Callable[[Row], str]:
        index = path.index
        if index is None:
            return lambda row: row.key
        return lambda row: self.codec.sort_key(index, row.key, row.values)

    def _merge(
        self,
        path: Path,
        pages: Pages,
        wanted: tuple[set[str] | None, str, str | None],
        plan: Plan,
    ) -> Pages:
        """Let the transaction see the rows as it knows them, its own among them."""
        complete = self.writes.complete
        if complete is not None:
            pages = ([complete(row) for row in page] for page in pages)
        merge = Merge(
            self.writes,
            self._own(path, wanted),
            self._sort_key(path),
            ordered=plan.ordered,
            descending=plan.descending,
            divided=plan.many_partitions,
            movable=path.index is not None,
            reread=self._reread if path.index is not None and self.session.is_wary else None,
        )
        return merge.pages(pages)

    def _own(self, path: Path, wanted: tuple[set[str] | None, str, str | None]) -> list[Place]:
        """Return the places of the rows in a range that the transaction has written or read."""
        partitions, low, high = wanted
        overlay, seen = self.writes.overlay, self.writes.seen
        sort_key, partition = self._sort_key(path), self._partition(path)
        own: list[Place] = []
        for row in overlay.values():
            if row is None or (partitions is not None and partition(row) not in partitions):
                continue
            at = sort_key(row)
            if at >= low and (high is None or at <= high):
                own.append((at, row.key))
        if seen and self.session.in_transaction:
            if path not in self._read:
                self._read[path] = ReadRows(partition, sort_key)
            read = self._read[path].within(seen, partitions, low, high)
            own += [place for place in read if place[1] not in overlay]
        return own

    def _partition(self, path: Path) -> Callable[[Row], str]:
        index, place = path.index, path.partition
        if index is None or place is None:
            return lambda row: ""  # noqa: ARG005 (shards are merged into one)
        return lambda row: self.codec.partition(index, row.values[place])

    def _in_exact_order(self, path: Path, pages: Pages, plan: Plan) -> Pages:
        """Sort from the first cut key on: their order is that of what is left of them."""
        sort_keys = self.sort_keys(path)
        for page in pages:
            if any(map(sort_keys.is_cut, page)):
                rest = [*page, *chain.from_iterable(pages)]
                yield sorted(rest, key=sort_keys.exact, reverse=plan.descending)
                return
            yield page

    def _reread(self, page: list[Row]) -> dict[str, Row]:
        """Return rows that are new to the transaction as the table has them, by their keys."""
        writes = self.writes
        unread = [
            (self.table, row.key)
            for row in page
            if row.key not in writes.overlay and row.key not in writes.seen
        ]
        found, _ = self.store.get_many(self.session.meter, unread)
        complete = writes.complete
        return {key: complete(row) if complete else row for (_, key), row in found.items()}

    def sort_keys(self, path: Path) -> SortKeys:
        """Return the encoder of a path's sort keys, made once."""
        if path not in self._sort_keys:
            self._sort_keys[path] = SortKeys(self.table, path)
        return self._sort_keys[path]

    # --- whole tables -----------------------------------------------------------------------

    def _table(self, plan: Plan, arguments: Sequence[Any]) -> Pages:  # noqa: ARG002
        if plan.counted and self.writes.is_clean and self.table.ttl is None:
            self.session.meter.scan(self.table.name)
            ranges = [KeyRange(None, str(n), None, None) for n in range(self.table.shards)]
            counts = self.store.each(
                [partial(self.store.count, self.session.meter, self.table, one) for one in ranges]
            )
            return _copies(Row("", None, (None,) * len(self.table.columns)), sum(counts))
        return iter([self.whole_table()])

    def whole_table(self) -> list[Row]:
        """Return every row, in order of the key; read once for each statement."""
        cache = self.session.statement.tables
        if self.table.name not in cache:
            path = Path(None, None, self.table.shards, self.table.key_places)
            plan = Plan("range", path, ordered=True)
            ranges = [KeyRange(None, str(n), None, None) for n in range(self.table.shards)]
            pages = self._metered(self._remote(path, ranges, plan, None), None)
            rows = self._merge(path, pages, (None, "", None), plan)
            cache[self.table.name] = list(chain.from_iterable(rows))
        return cache[self.table.name]

    def _metered(self, pages: Pages, first: int | None) -> Pages:
        """Report a scan: at once when everything is wanted, else when it goes on and on.

        `first` is how many rows are wanted; 0 where that is not known.
        """
        scan = self.session.meter.scan(self.table.name) if first is None else None
        read = 0
        for page in pages:
            read += len(page)
            if scan is None and first is not None and read > first * 4 + FREE_ROWS:
                scan = self.session.meter.scan(self.table.name, read - len(page))
            if scan is not None:
                scan.rows += len(page)
            yield page

    def _hash(self, plan: Plan, arguments: Sequence[Any]) -> Pages:
        """Read the table once and answer every look-up of the statement from memory."""
        place = plan.column
        assert place is not None  # noqa: S101 (the plan is about one)
        (value,) = arguments
        if value is None:
            return
        column = self.table.columns[place]
        buckets = self.session.statement.buckets
        name = (self.table.name, place)
        if name not in buckets:
            made: dict[str, list[Row]] = {}
            for row in self.whole_table():
                at = keys.encode(codec.key_value(row.values[place], column))
                made.setdefault(at, []).append(row)
            buckets[name] = made
        rows = buckets[name].get(keys.encode(codec.key_value(value, column)))
        if rows:
            yield rows


def _paged(rows: Iterable[Row], first: int | None) -> Pages:
    """Divide merged rows into pages; one row more than is wanted may cost a request."""
    iterator = iter(rows)
    size = first or MERGED_PAGE
    while page := list(islice(iterator, size)):
        yield page
        size = MERGED_PAGE


def _copies(row: Row, count: int) -> Pages:
    whole, rest = divmod(count, MERGED_PAGE)
    yield from repeat([row] * MERGED_PAGE, whole)
    if rest:
        yield [row] * rest
