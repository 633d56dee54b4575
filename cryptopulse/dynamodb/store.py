"""Rows of a DynamoDB database: every read and write of the engine goes through here."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from . import commit, increments
from .actions import EXISTS, Action, Item, is_expired
from .batches import WRITE_AT_ONCE, delete_items, read_items
from .catalogue import TableDef
from .codec import codec_of
from .metering import Meter
from .options import Options
from .ranges import KeyRange, query_of
from .row import Row
from .sequences import Sequences
from .transport import Transport

if TYPE_CHECKING:
    from .registry import Registry

__all__ = ["EXISTS", "Action", "KeyRange", "Store"]

T = TypeVar("T")

GROWTH = 4  # each page of a query after the first
NO_LIMIT_ABOVE = 3000  # items; DynamoDB ends a page at 1 MB anyway
THREADS = 8


class Store:
    """One database: an endpoint, a region and a prefix. Shared by all threads of the process."""

    _all: dict[tuple[str | None, str, str], Store] = {}
    _guard = threading.Lock()

    def __init__(self, options: Options) -> None:
        self.options = options
        self.transport = Transport.of(options)
        self.catalogue = f"{options.prefix}-catalogue"
        #: Counts what serves no statement: the catalogue and schema changes.
        self.housekeeping = Meter(options, is_housekeeping=True)
        #: Names of the tables that this process has written since they were last emptied.
        self.dirty: set[str] = set()
        self._registry: Registry | None = None
        self.start_afresh()

    def start_afresh(self) -> None:
        """Take new locks and no threads: at the beginning and in the child of a fork."""
        self._lock = threading.RLock()
        self.sequences = Sequences(self.transport, self.catalogue, self.options.sequence_block)
        self._threads: ThreadPoolExecutor | None = None
        self._worker = threading.local()
        if self._registry is not None:
            self._registry.renew_lock()

    @classmethod
    def of(cls, options: Options) -> Store:
        """Return this process's store for the options; a new one once they have changed."""
        key = (options.endpoint, options.region, options.prefix)
        with cls._guard:
            store = cls._all.get(key)
            if store is None or store.options != options:
                store = cls._all[key] = cls(options)
            return store

    @classmethod
    def after_fork(cls) -> None:
        """In the child: threads, locks and held numbers are the parent's."""
        cls._guard = threading.Lock()
        for store in cls._all.values():
            store.start_afresh()

    @property
    def registry(self) -> Registry:
        """The tables of this database."""
        if self._registry is None:
            with self._lock:
                if self._registry is None:
                    from .registry import Registry

                    self._registry = Registry(self)
        return self._registry

    def call(self, meter: Meter, operation: str, **request: Any) -> dict[str, Any]:
        """Make one request of any kind; see `Transport.call`."""
        return self.transport.call(meter, operation, **request)

    # --- reads ------------------------------------------------------------------------------

    def get(self, meter: Meter, table: TableDef, key: str) -> Row | None:
        """Return one row, consistently. 1 request."""
        codec = codec_of(table)
        answer = self.transport.call(
            meter,
            "GetItem",
            TableName=table.physical,
            Key=codec.item_key(key),
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if item is None or (table.ttl is not None and is_expired(item, time.time())):
            return None
        return codec.decode(item)

    def get_many(
        self,
        meter: Meter,
        rows: Iterable[tuple[TableDef, str]],
        sentinels: Iterable[tuple[TableDef, str]] = (),
    ) -> tuple[dict[tuple[str, str], Row], dict[tuple[str, str], str]]:
        """Return the rows and the owners of the sentinels that exist, by (table, key).

        Consistent; 1 request for each 100, duplicates counted once.
        """
        # (physical table, partition, sort key) -> what it is
        wanted: dict[tuple[str, str, str], tuple[TableDef, str, bool]] = {}
        keys: list[tuple[str, Item]] = []
        for pairs, are_rows in ((rows, True), (sentinels, False)):
            for table, name in pairs:
                codec = codec_of(table)
                key = codec.item_key(name) if are_rows else codec.sentinel_key(name)
                place = (table.physical, key["@s"]["S"], key["@k"]["S"])
                if place not in wanted:
                    wanted[place] = (table, name, are_rows)
                    keys.append((table.physical, key))
        found: dict[tuple[str, str], Row] = {}
        owners: dict[tuple[str, str], str] = {}
        now = time.time()
        for physical, item in read_items(self.transport, meter, keys):
            table, name, is_row = wanted[physical, item["@s"]["S"], item["@k"]["S"]]
            if table.ttl is not None and is_expired(item, now):
                continue
            if is_row:
                found[table.name, name] = codec_of(table).decode(item)
            else:
                owners[table.name, name] = item["@o"]["S"]
        return found, owners

    def pages(
        self, meter: Meter, table: TableDef, bounds: KeyRange, first: int | None = None
    ) -> Iterator[list[Row]]:
        """Yield the rows of a range in its order, page by page: 1 request each, made when asked.

        `first` is how many rows will probably do; later pages grow. Consistent on the table,
        eventually consistent on an index. A page may be empty.
        """
        decode = codec_of(table).decode
        request = query_of(table, bounds)
        limit = first
        while True:
            if limit is not None and limit <= NO_LIMIT_ABOVE:
                request["Limit"] = limit
                limit *= GROWTH
            else:
                request.pop("Limit", None)
            answer = self.transport.call(meter, "Query", **request)
            if table.ttl is None:
                yield [decode(item) for item in answer["Items"]]
            else:
                now = time.time()
                yield [decode(item) for item in answer["Items"] if not is_expired(item, now)]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def count(self, meter: Meter, table: TableDef, bounds: KeyRange) -> int:
        """Return the number of rows in a range. 1 request for each MB of rows."""
        request = {**query_of(table, bounds), "Select": "COUNT"}
        if table.ttl is not None:
            request["FilterExpression"] = "attribute_not_exists(#x) OR #x > :now"
            request["ExpressionAttributeNames"]["#x"] = "@x"
            request["ExpressionAttributeValues"][":now"] = {"N": str(int(time.time()))}
        total = 0
        while True:
            answer = self.transport.call(meter, "Query", **request)
            total += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return total
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # --- writes -----------------------------------------------------------------------------

    def commit(self, meter: Meter, actions: Sequence[Action], token: str) -> None:
        """Write all actions or none; see `commit.commit`."""
        self._soil(actions)
        commit.commit(self.transport, meter, actions, token)

    def commit_in_chunks(self, meter: Meter, actions: Sequence[Action], token: str) -> None:
        """Write the actions in several transactions; see `commit.commit_in_chunks`."""
        self._soil(actions)
        commit.commit_in_chunks(self.transport, meter, actions, token)

    def _soil(self, actions: Sequence[Action]) -> None:
        self.dirty.update(
            action.table.name for action in actions if action.operation != "ConditionCheck"
        )

    def add(
        self,
        meter: Meter,
        table: TableDef,
        key: str,
        changes: Mapping[str, int | Decimal],
        *,
        conditions: Sequence[tuple[str, str, int | Decimal]] = (),
        token: str,
    ) -> increments.Outcome:
        """Add numbers to columns of one row in one request; see `increments.add`."""
        self.dirty.add(table.name)
        return increments.add(
            self.transport,
            meter,
            table,
            key,
            changes=changes,
            conditions=conditions,
            token=token,
        )

    def next_ids(self, meter: Meter, table: TableDef, count: int = 1) -> int:
        """Return the first of `count` numbers of the table's sequence. At most 1 request."""
        return self.sequences.take(meter, table, count)

    def raise_sequence(self, table: TableDef, to_at_least: int, meter: Meter | None = None) -> None:
        """Let the table's next number be greater than this one."""
        self.sequences.raise_to(meter or self.housekeeping, table, to_at_least)

    def reset_sequence(self, table: TableDef, meter: Meter | None = None) -> None:
        """Let the table's sequence begin with 1 again."""
        self.sequences.reset(meter or self.housekeeping, table)

    def truncate(self, meter: Meter, table: TableDef) -> None:
        """Delete every row and sentinel of a table. Not atomic, and no conditions are asked."""
        request: dict[str, Any] = {
            "TableName": table.physical,
            "ProjectionExpression": "#s, #k",
            "ExpressionAttributeNames": {"#s": "@s", "#k": "@k"},
            "ConsistentRead": True,
        }
        while True:
            # Not in segments: dynoxide ends a segment early when the key it is to start behind
            # has been deleted. Deleting takes the time anyway.
            answer = self.transport.call(meter, "Scan", **request)
            items = answer["Items"]
            batches = [items[n : n + WRITE_AT_ONCE] for n in range(0, len(items), WRITE_AT_ONCE)]
            delete = partial(delete_items, self.transport, meter, table.physical)
            self.each([partial(delete, batch) for batch in batches])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        self.dirty.discard(table.name)

    # --- threads ----------------------------------------------------------------------------

    def each(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Return the results of all calls in their order, made at the same time where it helps."""
        if len(calls) < 2 or getattr(self._worker, "is_one", False):  # noqa: PLR2004
            return [call() for call in calls]
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    THREADS, "dynamodb", initializer=self._mark_worker
                )
        return [future.result() for future in [self._threads.submit(call) for call in calls]]

    def _mark_worker(self) -> None:
        self._worker.is_one = True  # a worker that waited for workers could wait for ever


os.register_at_fork(after_in_child=Store.after_fork)
