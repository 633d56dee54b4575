"""What the rows of a table lack for its next definition, and how they get it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from . import changes
from .catalogue import Column, Index, TableDef, Unique, Value
from .codec import MISSING, codec_of, to_attribute
from .errors import Conflict, Duplicate
from .row import Row
from .rules import Rules
from .transport import Refused

if TYPE_CHECKING:
    import apsw

    from .tables import Tables

_ATTEMPTS = 10  # at one row that others keep changing


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
    expires: bool  # the rows' moment of expiry is another one, or none

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
            expires=_attribute(new, new.ttl) != _attribute(old, old.ttl),
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

    def __init__(self, ddl: Tables, handle: apsw.Connection, table: TableDef, work: Work) -> None:
        self.table = table
        self.work = work
        self.ddl = ddl
        self.codec = codec_of(table)
        self.rules = Rules(table, handle)
        self.claims = Rules(replace(table, uniques=work.uniques), handle)
        self._failed: list[Filled] = []

    def requests(self, item: dict[str, Any]) -> Filled | None:
        """Return what a stored item needs."""
        row = self.codec.decode(item)
        values = completed(self.rules, row)
        # A sentinel expires with its row.
        is_renewed = self.work.expires and item.get("@x") != self._expiry(values)
        claims = self.rules if is_renewed else self.claims
        sentinels = claims.sentinels(values)
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
        if self.work.expires:
            wanted["@x"] = self._expiry(values)
        for column in self.work.generated:
            value = values[self.table.position[column.name]]
            wanted[column.attribute] = to_attribute(value, column)
        for was, column in self.work.settled:
            if item.get(was.attribute) == {"NULL": True}:
                wanted[was.attribute] = to_attribute(was.filler, column)
        return wanted

    def _expiry(self, values: tuple[Value, ...]) -> dict[str, str] | None:
        moment = self.codec.expires(values)
        return None if moment is None else {"N": str(int(moment))}


_CHANGED = {"ConditionalCheckFailedException", "TransactionCanceledException"}


def requests_for_rows(old: TableDef | None, new: TableDef | None) -> Iterator[str]:
    """Yield, in words, what a change means for the rows that are there."""
    if old is None or new is None:
        return
    if old.physical != new.physical:
        yield "Every row is read and written to the new table; nobody else may write meanwhile."
        return
    work = Work.between(old, new)
    if work.must_verify:
        yield "Every row is read, to see whether it fits."
    if parts := [
        *(f"the attributes of {index.physical}" for index in work.indexes),
        *(f"an item for its value of {unique.name}" for unique in work.uniques),
        *(f"the value of {column.name}" for column in work.generated),
        *(f"the default of {column.name}" for _, column in work.settled),
        *(("its moment of expiry",) if work.expires else ()),
    ]:
        yield f"Every row gets {', '.join(parts)}."


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
