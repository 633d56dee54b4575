"""The work behind a schema change: from a table as it is to the table as it shall be.

Each run may be interrupted anywhere and started again with the same two definitions. Rows are
never rewritten unless their key itself changes; an index's change touches its attributes only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from . import changes
from .catalogue import Column, Index, TableDef, Unique, Value
from .codec import MISSING, codec_of, to_attribute
from .errors import Conflict, Duplicate, Violation
from .row import Row
from .rules import Rules
from .transport import Refused

if TYPE_CHECKING:
    import apsw

    from .store import Store

#: Rows that are changed at the same time.
_WORKERS = 8
_ATTEMPTS = 10  # at one row that others keep changing
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
        if new.ttl and new.ttl != old.ttl:
            self.ddl.expire(new.physical)
        self._announce(old, new)
        for index in work.dropped:
            self.ddl.drop_index(new.physical, index.physical)

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
        filling = Filling(self, new, work)
        with ThreadPoolExecutor(_WORKERS) as pool:
            for items in self._pages(new):
                # SQLite works in this thread; the requests of a page go out together.
                requests = [filling.requests(item) for item in items]
                list(pool.map(filling.settle, requests))
                for again in filling.take_failed():
                    filling.insist(again)

    # --- into another table -----------------------------------------------------------------

    def _copy(self, old: TableDef, new: TableDef) -> None:
        """Copy the rows under their new keys, switch the catalogue, delete the old table."""
        current = self.registry.tables.get(old.name)
        if current is None or current.physical != new.physical:
            self.ddl.create(new.physical, new.built_indexes, new.ttl, anew=True)
            try:
                self._copy_rows(old, new)
            except (Duplicate, Violation):
                self.ddl.drop(new.physical)
                raise
            self._announce(old, new)
        self.ddl.drop(old.physical)
        self.store.reset_sequence(old)

    def _copy_rows(self, old: TableDef, new: TableDef) -> None:
        source = replace(new, physical=old.physical, shards=old.shards)
        rules, codec = Rules(new, self.handle), codec_of(new)
        owners: dict[str, str] = {}
        highest = 0
        batch: list[dict[str, Any]] = []
        for row in self._rows(source):
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


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a change in place has to do."""

    added: tuple[Index, ...]
    dropped: tuple[Index, ...]
    #: Built indexes whose attributes the rows lack, or have outdated: the added ones and more.
    indexes: tuple[Index, ...]
    uniques: tuple[Unique, ...]  # to be claimed by the rows that are there
    #: Columns whose stored NULLs become a value for good, because NULL may be stored again.
    settled: tuple[tuple[Column, Column], ...]
    #: Generated columns that the rows do not have yet. Computed once, as STORED columns are: a
    #: read then costs the same as that of any other column.
    generated: tuple[Column, ...]
    must_check: bool
    expires: bool  # the rows lack their moment of expiry

    @classmethod
    def between(cls, old: TableDef, new: TableDef) -> Work:
        """Return what leads from one definition of a physical table to another."""
        before = {index.slot for index in old.built_indexes}
        after = {index.slot for index in new.built_indexes}
        claimed = {unique.slot for unique in old.uniques}
        known = {column.attribute: column for column in old.columns}
        pairs = [(known.get(column.attribute), column) for column in new.columns]
        filled = {column.name for was, column in pairs if _is_filled(was, column)}
        checks = {(check.name, check.sql) for check in old.checks}
        return cls(
            added=tuple(i for i in new.built_indexes if i.slot not in before),
            dropped=tuple(i for i in old.built_indexes if i.slot not in after),
            indexes=tuple(
                i for i in new.built_indexes if i.slot not in before or _names_any(i, filled)
            ),
            uniques=tuple(u for u in new.uniques if u.slot not in claimed or _names_any(u, filled)),
            settled=tuple(
                (was, column)
                for was, column in pairs
                if was is not None and was.filler is not None and column.filler is None
            ),
            generated=tuple(c for was, c in pairs if c.generated and was is None),
            expires=_attribute(new, new.ttl) not in {None, _attribute(old, old.ttl)},
            must_check=any((check.name, check.sql) not in checks for check in new.checks)
            or any(_is_required_now(was, column) for was, column in pairs),
        )

    @property
    def building(self) -> set[int]:
        """Slots of the indexes that are not complete until the work is done."""
        return {index.slot for index in self.added}

    @property
    def changes_rows(self) -> bool:
        """Tell whether anything has to be written for each row."""
        return bool(self.indexes or self.uniques or self.settled or self.generated or self.expires)

    @property
    def must_verify(self) -> bool:
        """Tell whether rows might not fit."""
        return bool(self.uniques) or self.must_check

    @property
    def concerns_rows(self) -> bool:
        """Tell whether it matters that there are rows."""
        return self.changes_rows or self.must_verify


def _attribute(table: TableDef, column: str | None) -> str | None:
    return changes.column_of(table, column).attribute if column else None


def _is_filled(was: Column | None, column: Column) -> bool:
    """Tell whether rows that had NULL now have another value."""
    if was is None or column.null:
        return False
    return (was.absent, was.filler) != (column.absent, column.filler) and was.null


def _is_required_now(was: Column | None, column: Column) -> bool:
    if column.null or column.generated:
        return False
    return was is None or was.null


def _names_any(part: Index | Unique, columns: set[str]) -> bool:
    texts = [part.condition or "", *(part.expressions if isinstance(part, Unique) else ())]
    return any(
        name in part.columns or any(changes.mentions(text, name) for text in texts)
        for name in columns
    )


@dataclass(frozen=True)
class Filled:
    """What one row needs: its key and version, and the requests that bring it about."""

    key: str
    operation: str
    request: dict[str, Any]
    uniques: tuple[Unique, ...]


class Filling:
    """Writes what rows lack, each only if nobody has changed it since it was read."""

    def __init__(self, transition: Transition, table: TableDef, work: Work) -> None:
        self.table = table
        self.work = work
        self.ddl = transition.ddl
        self.codec = codec_of(table)
        self.rules = Rules(table, transition.handle)
        self.claims = Rules(replace(table, uniques=work.uniques), transition.handle)
        self._failed: list[Filled] = []

    def requests(self, item: dict[str, Any]) -> Filled | None:
        """Return what a stored item needs."""
        row = self.codec.decode(item)
        values = completed(self.rules, row)
        sentinels = self.claims.sentinels(values) if self.work.uniques else {}
        update = self._update(item, row, values)
        if update is None and not sentinels:
            return None
        uniques = tuple(sentinels.values())
        if not sentinels:
            return Filled(row.key, "UpdateItem", update or {}, uniques)
        actions = [{"Update": update} if update else {"ConditionCheck": self._guard(row)}]
        actions += [{"Put": self._claim(row, values, sentinel)} for sentinel in sentinels]
        request = {"TransactItems": actions, "ClientRequestToken": token_hex(16)}
        return Filled(row.key, "TransactWriteItems", request, uniques)

    def settle(self, filled: Filled | None) -> None:
        """Make a row's request; one that somebody else changed meanwhile is kept for later."""
        if filled is None:
            return
        try:
            self.ddl.ask(filled.operation, **filled.request)
        except Refused as error:
            if error.code not in _CHANGED:
                raise
            self._failed.append(filled)

    def take_failed(self) -> list[Filled]:
        """Return and forget the rows that were not written."""
        failed, self._failed = self._failed, []
        return failed

    def insist(self, filled: Filled) -> None:
        """Read a row again and write what it needs now, until it holds still."""
        for attempt in range(_ATTEMPTS):
            answer = self.ddl.ask(
                "GetItem",
                TableName=self.table.physical,
                Key=self.codec.item_key(filled.key),
                ConsistentRead=True,
            )
            if "Item" not in answer or (again := self.requests(answer["Item"])) is None:
                return
            self.settle(again)
            if not self.take_failed():
                return
            filled = again
            time.sleep(0.02 * attempt)
        if filled.uniques:
            raise taken(self.table, filled.uniques[0])
        raise Conflict(f"A row of {self.table.name} is being changed all the time.")

    def _guard(self, row: Row) -> dict[str, Any]:
        return {
            "TableName": self.table.physical,
            "Key": self.codec.item_key(row.key),
            "ConditionExpression": "#v = :v",
            "ExpressionAttributeNames": {"#v": "@v"},
            "ExpressionAttributeValues": {":v": {"S": row.version}},
        }

    def _claim(self, row: Row, values: tuple[Value, ...], sentinel: str) -> dict[str, Any]:
        expires = self.codec.expires(values)
        return {
            "TableName": self.table.physical,
            "Item": self.codec.sentinel_item(sentinel, row.key, row.version or "", expires),
            "ConditionExpression": "attribute_not_exists(#k) OR #o = :o OR #x <= :now",
            "ExpressionAttributeNames": {"#k": "@k", "#o": "@o", "#x": "@x"},
            "ExpressionAttributeValues": {
                ":o": {"S": row.key},
                ":now": {"N": str(int(time.time()))},
            },
        }

    def _update(
        self, item: dict[str, Any], row: Row, values: tuple[Value, ...]
    ) -> dict[str, Any] | None:
        wanted = self._attributes(item, row, values)
        changed = {name: value for name, value in wanted.items() if item.get(name) != value}
        if not changed:
            return None
        request = self._guard(row)
        names, given = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        parts: dict[str, list[str]] = {"SET": [], "REMOVE": []}
        for number, (name, value) in enumerate(changed.items()):
            names[f"#{number}"] = name
            if value is None:
                parts["REMOVE"].append(f"#{number}")
            else:
                parts["SET"].append(f"#{number} = :{number}")
                given[f":{number}"] = value
        clauses = [f"{verb} {', '.join(list_)}" for verb, list_ in parts.items() if list_]
        return {**request, "UpdateExpression": " ".join(clauses)}

    def _attributes(
        self, item: dict[str, Any], row: Row, values: tuple[Value, ...]
    ) -> dict[str, Any]:
        """Return the attributes as they should be; None for one that should not be there."""
        wanted: dict[str, Any] = {}
        conditions = self.rules.conditions(values) or set()
        for index in self.work.indexes:
            names = index.partition_attribute, index.sort_attribute
            if index.condition is None or index.name in conditions:
                texts = self.codec.index_keys(index, row.key, values)
                wanted |= {name: {"S": text} for name, text in zip(names, texts, strict=True)}
            else:
                wanted |= dict.fromkeys(names)
        if self.work.expires and (moment := self.codec.expires(values)) is not None:
            wanted["@x"] = {"N": str(int(moment))}
        for column in self.work.generated:
            value = values[self.table.position[column.name]]
            wanted[column.attribute] = to_attribute(value, column)
        for was, column in self.work.settled:
            if item.get(was.attribute) == {"NULL": True}:
                wanted[was.attribute] = to_attribute(was.filler, column)
        return wanted


_CHANGED = {"ConditionalCheckFailedException", "TransactionCanceledException"}


def completed(rules: Rules, row: Row) -> tuple[Value, ...]:
    """Return a row's values with the generated ones computed."""
    return rules.complete([None if value is MISSING else value for value in row.values])


def named(table: TableDef, columns: Sequence[str]) -> str:
    """Return columns as SQLite names them in its messages."""
    return ", ".join(f"{table.name}.{column}" for column in columns)


def taken(table: TableDef, unique: Unique) -> Duplicate:
    """Return the error of two rows with the same values."""
    what = named(table, unique.columns) if unique.columns else f"index '{unique.name}'"
    return Duplicate(f"UNIQUE constraint failed: {what}")


def _has_expired(item: dict[str, Any], now: float) -> bool:
    return "@x" in item and float(item["@x"]["N"]) <= now
