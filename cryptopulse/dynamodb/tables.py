"""DynamoDB's own tables: made, changed and dropped, each call waiting until it has happened.

Every function may be called again after having been interrupted: what is already there is left.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import OperationalError

from .catalogue import Index, TableDef
from .errors import Throttled
from .metering import Meter
from .options import Options
from .transport import Refused, Transport

#: DynamoDB takes letters, digits, "_", "-" and "." in the name of a table, 3 to 255 of them.
_ODD = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 255
#: Seconds between two looks at a table that is changing: from the first to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 5.0
#: A global secondary index of a big table takes hours; DynamoDB says itself when it gives up.
_PATIENCE = 24 * 3600.0
_MISSES = 12  # looks at a table that was just made and is not there yet; about 30 seconds


def physical_name(prefix: str, table: str, taken: Collection[str]) -> str:
    """Return a name in DynamoDB for a table, not one of those taken."""
    name = _ODD.sub("_", table)
    if name != table or len(prefix) + len(name) + 6 > _LONGEST:
        digest = hashlib.sha256(table.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST - len(prefix) - 16]}-{digest}"
    first = candidate = f"{prefix}-{name}"
    number = 2
    while candidate in taken:
        candidate, number = f"{first}-{number}", number + 1
    return candidate


_ABOUT_TABLES = frozenset(
    {
        "CreateTable",
        "DeleteTable",
        "DescribeTable",
        "DescribeTimeToLive",
        "ListTables",
        "UpdateTable",
        "UpdateTimeToLive",
    }
)


class NotFound(OperationalError):  # noqa: N818 - named like those of errors.py
    """There is no table of this name in DynamoDB."""


class Busy(OperationalError):  # noqa: N818 - the same
    """The table exists already, or is being changed."""


_MEANINGS = {"ResourceNotFoundException": NotFound, "ResourceInUseException": Busy}


class Tables:
    """What is done to whole tables of one DynamoDB, and to the catalogue's items."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.meter = Meter(options, is_housekeeping=True)

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """Make one request that belongs to no statement; one about tables until it is taken.

        DynamoDB takes few requests a second about tables, and changes a limited number at once.
        """
        if operation not in _ABOUT_TABLES:
            return self._ask(operation, **request)
        pauses = _pauses()
        while True:
            try:
                return self._ask(operation, **request)
            except Throttled:
                _pause(pauses, request.get("TableName", ""))

    def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return Transport.of(self.options).call(self.meter, operation, **request)
        except Refused as error:
            if error.code in _MEANINGS:
                raise _MEANINGS[error.code](str(error)) from error
            raise

    def create(
        self,
        name: str,
        indexes: Iterable[Index] = (),
        ttl: str | None = None,
        *,
        anew: bool = False,
    ) -> None:
        """Create a table with its indexes and wait until it is active.

        `anew` drops a table of this name first: the remains of an interrupted change.
        """
        request = create_request(name, tuple(indexes))
        try:
            self.ask("CreateTable", **request)
        except Busy:
            if anew:
                self.drop(name)
            if anew or self._status(name) in {"DELETING", None}:
                self.wait_until_gone(name)
                self.ask("CreateTable", **request)
        self.wait_until_active(name)
        if ttl:
            self.expire(name)

    def expire(self, name: str) -> None:
        """Let DynamoDB delete the rows whose `@x` has passed."""
        described = self.ask("DescribeTimeToLive", TableName=name)
        status = described.get("TimeToLiveDescription", {}).get("TimeToLiveStatus")
        if status not in {"ENABLED", "ENABLING"}:
            self.ask(
                "UpdateTimeToLive",
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "@x"},
            )

    def keep(self, name: str) -> None:
        """Let DynamoDB delete no rows by itself any more."""
        described = self.ask("DescribeTimeToLive", TableName=name)
        status = described.get("TimeToLiveDescription", {}).get("TimeToLiveStatus")
        if status in {"ENABLED", "ENABLING"}:
            self.ask(
                "UpdateTimeToLive",
                TableName=name,
                TimeToLiveSpecification={"Enabled": False, "AttributeName": "@x"},
            )

    def add_index(self, name: str, index: Index) -> None:
        """Create an index and wait until DynamoDB has filled it."""
        if index.physical not in self._indexes(name):
            self._update(**add_index_request(name, index))
        self.wait_until_active(name)

    def drop_index(self, name: str, physical: str) -> None:
        """Begin to drop an index, if it is there.

        The table takes reads and writes meanwhile; whatever changes it next waits.
        """
        if physical in self._indexes(name):
            update = {"Delete": {"IndexName": physical}}
            self._update(TableName=name, GlobalSecondaryIndexUpdates=[update])

    def _update(self, **request: Any) -> None:
        pauses = _pauses()
        while True:
            try:
                self.ask("UpdateTable", **request)
            except Busy:  # an earlier change is still going on
                _pause(pauses, request["TableName"])
            else:
                return

    def drop(self, name: str, *, wait: bool = True) -> None:
        """Drop a table, if it is there, and wait until it is gone unless told otherwise."""
        pauses = _pauses()
        while True:
            try:
                self.ask("DeleteTable", TableName=name)
            except NotFound:
                return
            except Busy:  # it is still being created or changed
                _pause(pauses, name)
                continue
            break
        if wait:
            self.wait_until_gone(name)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names of all tables that begin with a prefix."""
        request: dict[str, Any] = {}
        while True:
            answer = self.ask("ListTables", **request)
            yield from (name for name in answer["TableNames"] if name.startswith(prefix))
            if not (last := answer.get("LastEvaluatedTableName")):
                return
            request = {"ExclusiveStartTableName": last}

    def wait_until_active(self, name: str) -> None:
        """Wait until a table and all its indexes take reads and writes."""
        pauses, misses = _pauses(), 0
        while True:
            try:
                described = self.ask("DescribeTable", TableName=name)["Table"]
            except NotFound:
                # DescribeTable may be a moment behind CreateTable.
                if (misses := misses + 1) > _MISSES:
                    raise
                _pause(pauses, name)
                continue
            parts = [described, *described.get("GlobalSecondaryIndexes", [])]
            states = {
                part.get("TableStatus") or part.get("IndexStatus", "ACTIVE") for part in parts
            }
            if states == {"ACTIVE"}:
                return
            _pause(pauses, name)

    def wait_until_gone(self, name: str) -> None:
        """Wait until a table that is being deleted no longer exists."""
        pauses = _pauses()
        while self._status(name) is not None:
            _pause(pauses, name)

    def exists(self, name: str) -> bool:
        """Tell whether a table of this name is there, be it only half made or half deleted."""
        return self._status(name) is not None

    def _status(self, name: str) -> str | None:
        try:
            return str(self.ask("DescribeTable", TableName=name)["Table"]["TableStatus"])
        except NotFound:
            return None

    def _indexes(self, name: str) -> set[str]:
        described = self.ask("DescribeTable", TableName=name)["Table"]
        return {
            index["IndexName"]
            for index in described.get("GlobalSecondaryIndexes") or []
            if index.get("IndexStatus") != "DELETING"
        }


def create_request(name: str, indexes: Sequence[Index]) -> dict[str, Any]:
    """Return the CreateTable request of a table with these indexes."""
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": _texts("@s", "@k", *_attributes(indexes)),
        "KeySchema": _key("@s", "@k"),
    }
    if indexes:
        request["GlobalSecondaryIndexes"] = [_definition(index) for index in indexes]
    return request


def add_index_request(name: str, index: Index) -> dict[str, Any]:
    """Return the UpdateTable request that creates an index."""
    return {
        "TableName": name,
        "AttributeDefinitions": _texts("@s", "@k", *_attributes([index])),
        "GlobalSecondaryIndexUpdates": [{"Create": _definition(index)}],
    }


def describe(table: TableDef) -> str:
    """Return one line that says which table DynamoDB would be asked for."""
    indexes = "".join(
        f", index {index.physical} ({', '.join(index.columns)})" for index in table.built_indexes
    )
    return f"CreateTable {table.physical} (@s, @k){indexes}"


def _pauses() -> Iterator[float]:
    pause, deadline = _FIRST_PAUSE, time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.6, _LONGEST_PAUSE)


def _pause(pauses: Iterator[float], name: str) -> None:
    pause = next(pauses, None)
    if pause is None:
        raise OperationalError(f"The DynamoDB table {name} has been changing for a day.")
    time.sleep(pause)


def _attributes(indexes: Iterable[Index]) -> Iterator[str]:
    for index in indexes:
        yield index.partition_attribute
        yield index.sort_attribute


def _texts(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in attributes]


def _key(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _definition(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.physical,
        "KeySchema": _key(index.partition_attribute, index.sort_attribute),
        "Projection": {"ProjectionType": "ALL"},
    }


def requests_for(old: TableDef | None, new: TableDef | None) -> Iterator[str]:
    """Yield, in words, what DynamoDB would be asked for between two definitions."""
    if old is None:
        if new is not None:
            yield describe(new)
    elif new is None:
        yield f"DeleteTable {old.physical}"
    elif old.physical != new.physical:
        yield describe(new)
        yield f"PutItem catalogue: {new.name}"
        yield f"DeleteTable {old.physical}"
    else:
        before = {index.slot: index for index in old.built_indexes}
        after = {index.slot: index for index in new.built_indexes}
        for slot in sorted(after.keys() - before.keys()):
            columns = ", ".join(after[slot].columns)
            yield f"UpdateTable {new.physical}: create index {after[slot].physical} ({columns})"
        yield f"PutItem catalogue: {new.name}"
        for slot in sorted(before.keys() - after.keys()):
            yield f"UpdateTable {new.physical}: delete index {before[slot].physical}"
