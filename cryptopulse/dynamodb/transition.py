"""The work behind a schema change: from a table as it is to the table as it shall be.

Each run may be interrupted anywhere and started again with the same two definitions. Rows are
never rewritten unless their key itself changes; an index's change touches its attributes only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from . import changes
from .catalogue import TableDef, Value
from .codec import codec_of
from .errors import Disturbed, Duplicate, Violation
from .filling import Filling, Work, completed, named, taken
from .row import Row
from .rules import Rules
from .sweeping import sweep

if TYPE_CHECKING:
    import apsw

    from .store import Store

logger = logging.getLogger("cryptopulse.dynamodb")

#: Rows that are changed at the same time.
_WORKERS = 8
_BATCH = 25  # items in a BatchWriteItem


class Transition:
    """Carries changes out on one store; SQL is evaluated by a connection's SQLite."""

    def __init__(self, store: Store, handle: apsw.Connection) -> None:
        self.store = store
        self.registry = store.registry
        self.ddl = store.registry.ddl
        self.handle = handle

    def run(self, old: TableDef | None, new: TableDef | None) -> None:
        """Bring a table from `old` to `new`. None: there is none before, or none after.

        Raises Duplicate or Violation when rows do not fit; then everything is as it was.
        """
        if old is None:
            if new is not None:
                self._create(new)
        elif new is None:
            self._drop(old)
        elif old.physical != new.physical:
            self._copy(old, new)
        else:
            self._alter(old, new)

    # --- whole tables -----------------------------------------------------------------------

    def _create(self, table: TableDef) -> None:
        if self.registry.tables.get(table.name) == table:
            return
        self.ddl.create(table.physical, table.built_indexes, table.ttl, anew=True)
        self.registry.save(table)

    def _drop(self, table: TableDef) -> None:
        if table.name in self.registry.tables:
            self.registry.remove(table.name)
        self.ddl.drop(table.physical)
        self.store.reset_sequence(table)

    def _announce(self, old: TableDef, new: TableDef) -> None:
        """Let every process know a definition."""
        if old.name != new.name and old.name in self.registry.tables:
            self.registry.rename(old.name, new)
        elif self.registry.tables.get(new.name) != new:
            self.registry.save(new)

    def _wait_until_known(self) -> None:
        # Until then another process may write rows by the old definition.
        time.sleep(self.store.options.catalogue_ttl)

    # --- in place ---------------------------------------------------------------------------

    def _alter(self, old: TableDef, new: TableDef) -> None:
        work = Work.between(old, new)
        if old.ttl and not new.ttl:
            self.ddl.keep(new.physical)
        if work.concerns_rows and self._has_rows(old):
            self._verify(old, new, work)
            if work.changes_rows:
                self._announce(old, changes.building(new, work.building))
                self._wait_until_known()
                try:
                    self._fill(new, work)
                except (Duplicate, Violation):
                    self._announce(new, old)
                    raise
        elif work.added:
            self._announce(old, changes.building(new, work.building))
        for index in work.added:
            self.ddl.add_index(new.physical, index)
        if new.ttl and new.ttl != old.ttl:
            self.ddl.expire(new.physical)
        self._announce(old, new)
        for index in work.dropped:
            self.ddl.drop_index(new.physical, index.physical)
        left = {unique.slot for unique in old.uniques} - {unique.slot for unique in new.uniques}
        if left:
            sweep(self.store, new, left)

    def _has_rows(self, table: TableDef) -> bool:
        return any(True for _ in self._items(table, limit=1))

    def _verify(self, old: TableDef, new: TableDef, work: Work) -> None:
        """Raise unless all rows fit the new definition; reads them all, writes nothing."""
        if not work.must_verify:
            return
        known = {check.name for check in old.checks}
        checks = tuple(check for check in new.checks if check.name not in known)
        narrow = replace(new, checks=checks, uniques=work.uniques)
        rules = Rules(narrow, self.handle)
        owners: dict[str, str] = {}
        for row in self._rows(new):
            values = completed(rules, row)
            if work.must_check:
                rules.check(values)
            for sentinel, unique in rules.sentinels(values).items():
                if owners.setdefault(sentinel, row.key) != row.key:
                    raise taken(new, unique)

    def _fill(self, new: TableDef, work: Work) -> None:
        """Write index attributes, sentinels and fillers of all rows, several at a time."""
        filling = Filling(self.ddl, self.handle, new, work)
        with ThreadPoolExecutor(_WORKERS) as pool:
            for items in self._pages(new):
                # SQLite works in this thread; the requests of a page go out together.
                requests = [filling.requests(item) for item in items]
                list(pool.map(filling.settle, requests))
                for again in filling.take_failed():
                    filling.insist(again)

    # --- into another table -----------------------------------------------------------------

    def _copy(self, old: TableDef, new: TableDef) -> None:
        """Copy the rows under their new keys, switch the catalogue, delete the old table.

        The one change during which nobody else may write the table. Raises Disturbed,
        and leaves everything as it was, if somebody did.
        """
        current = self.registry.tables.get(old.name)
        versions: dict[str, str | None] | None = None
        if current is None or current.physical != new.physical:
            self.ddl.create(new.physical, new.built_indexes, new.ttl, anew=True)
            try:
                versions = self._copy_rows(old, new)
                self._refuse_written(old, versions)
            except (Duplicate, Violation, Disturbed):
                self.ddl.drop(new.physical)
                raise
            self._announce(old, new)
        self._wait_until_known()
        if versions is not None and (written := self._written(old, versions)):
            logger.error(
                "%d rows of %s were written to the old table while processes learned of the new "
                "one. They are lost to it; the old table %s is kept.",
                written,
                new.name,
                old.physical,
            )
            return
        self.ddl.drop(old.physical)
        self.store.reset_sequence(old)

    def _refuse_written(self, old: TableDef, versions: dict[str, str | None]) -> None:
        if written := self._written(old, versions):
            raise Disturbed(
                f"{written} rows of {old.name} were written while it was copied; it is as it was. "
                "Stop what writes it and do this again."
            )

    def _written(self, old: TableDef, versions: dict[str, str | None]) -> int:
        """Return how many rows are not as they were copied: changed, new or gone."""
        found = {row.key: row.version for row in self._rows(old)}
        gone = sum(1 for key in versions.keys() - found.keys() if not old.ttl)
        return gone + sum(
            key not in versions or versions[key] != version for key, version in found.items()
        )

    def _copy_rows(self, old: TableDef, new: TableDef) -> dict[str, str | None]:
        """Copy all rows; return the version at which each was copied."""
        source = replace(new, physical=old.physical, shards=old.shards)
        rules, codec = Rules(new, self.handle), codec_of(new)
        owners: dict[str, str] = {}
        highest = self._last_number(old) if new.auto and new.auto == old.auto else 0
        versions: dict[str, str | None] = {}
        batch: list[dict[str, Any]] = []
        for row in self._rows(source):
            versions[row.key] = row.version
            values = self._with_id(new, completed(rules, row))
            rules.check(values)
            key = codec.key_of(values)
            if owners.setdefault(key, row.key) != row.key:
                raise Duplicate(f"UNIQUE constraint failed: {named(new, new.key)}")
            version = row.version or token_hex(8)
            batch.append(codec.encode(key, values, version, rules.conditions(values)))
            for sentinel, unique in rules.sentinels(values).items():
                if owners.setdefault(sentinel, key) != key:
                    raise taken(new, unique)
                expires = codec.expires(values)
                batch.append(codec.sentinel_item(sentinel, key, version, expires))
            if new.auto and isinstance(number := values[new.position[new.auto]], int):
                highest = max(highest, number)
            while len(batch) >= _BATCH:
                self._put(new, batch[:_BATCH])
                batch = batch[_BATCH:]
        if batch:
            self._put(new, batch)
        if highest:
            self.store.raise_sequence(new, highest)
        return versions

    def _last_number(self, table: TableDef) -> int:
        item = self.registry.read(f"sequence:{table.physical}", "-")
        return int(item.get("n", {"N": "0"})["N"])

    def _with_id(self, table: TableDef, values: tuple[Value, ...]) -> tuple[Value, ...]:
        if table.auto is None or values[table.position[table.auto]] is not None:
            return values
        place = table.position[table.auto]
        number = self.store.next_ids(self.ddl.meter, table, 1)
        return (*values[:place], number, *values[place + 1 :])

    def _put(self, table: TableDef, items: Sequence[dict[str, Any]]) -> None:
        wanted = {table.physical: [{"PutRequest": {"Item": item}} for item in items]}
        pause = 0.05
        while wanted:
            answer = self.ddl.ask("BatchWriteItem", RequestItems=wanted)
            wanted = answer.get("UnprocessedItems") or {}
            if wanted:
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    # --- reading ----------------------------------------------------------------------------

    def _rows(self, table: TableDef) -> Iterator[Row]:
        decode = codec_of(table).decode
        return (decode(item) for item in self._items(table))

    def _items(self, table: TableDef, limit: int | None = None) -> Iterator[dict[str, Any]]:
        return (item for page in self._pages(table, limit) for item in page)

    def _pages(self, table: TableDef, limit: int | None = None) -> Iterator[list[dict[str, Any]]]:
        """Yield the stored items of all shards, without those that have expired."""
        for shard in range(table.shards):
            request: dict[str, Any] = {
                "TableName": table.physical,
                "KeyConditionExpression": "#s = :s",
                "ExpressionAttributeNames": {"#s": "@s"},
                "ExpressionAttributeValues": {":s": {"S": str(shard)}},
                "ConsistentRead": True,
            }
            if limit:
                request["Limit"] = limit
            while True:
                answer = self.ddl.ask("Query", **request)
                now = time.time()
                yield [item for item in answer["Items"] if not _has_expired(item, now)]
                if not (last := answer.get("LastEvaluatedKey")):
                    break
                request["ExclusiveStartKey"] = last


def _has_expired(item: dict[str, Any], now: float) -> bool:
    return "@x" in item and float(item["@x"]["N"]) <= now
