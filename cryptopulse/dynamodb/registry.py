"""The catalogue as this process knows it: read once, asked for changes now and then."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import apsw
from django.db import OperationalError

from .catalogue import TableDef
from .errors import Outdated
from .functions import register
from .tables import NotFound, Tables

if TYPE_CHECKING:
    from .store import Store

_TABLE, _GENERATION = "table", "generation"
#: Version of the catalogue's documents. To be raised when an older engine would misread them.
FORMAT = 1


class Registry:
    """All tables of one prefix, by name. `tables` is replaced, never changed, so it can be read
    by any thread; `generation` grows with every change seen."""

    def __init__(self, store: Store) -> None:
        self.tables: dict[str, TableDef] = {}
        self.generation = 0
        self.ddl = Tables(store.options)
        self._lock = threading.RLock()
        self._stored: int | None = None  # the catalogue's own number; None: not read yet
        self._asked = 0.0

    @property
    def physical(self) -> str:
        """Name of the table that holds the catalogue."""
        return f"{self.ddl.options.prefix}-catalogue"

    # --- reading ----------------------------------------------------------------------------

    def ensure(self) -> None:
        """Read the catalogue once, creating its table where there is none."""
        if self._stored is not None:
            return
        with self._lock:
            if self._stored is not None:
                return
            try:
                self._load()
            except NotFound:
                self.ddl.create(self.physical)
                self._load()

    def refresh_if_due(self) -> None:
        """Ask whether the catalogue has changed, once in `catalogue_ttl` seconds; one GetItem."""
        if self._stored is None:
            self.ensure()
            return
        ttl = self.ddl.options.catalogue_ttl
        if not ttl or time.monotonic() < self._asked + ttl:
            return
        # One thread asks; the others go on with what is known.
        if self._lock.acquire(blocking=False):
            try:
                self.refresh()
            finally:
                self._lock.release()

    def refresh(self) -> None:
        """Ask whether the catalogue has changed, and read it again if so."""
        with self._lock:
            self.ensure()
            self._asked = time.monotonic()
            try:
                is_outdated = self._read_generation() != self._stored
            except NotFound as error:
                raise NotFound(
                    f"The catalogue {self.physical} was deleted while this process was using it. "
                    "Restore it from a backup, or start anew with `manage.py migrate`."
                ) from error
            if is_outdated:
                self._load()

    def renew_lock(self) -> None:
        """In the child of a fork: a thread of the parent may have held the lock."""
        self._lock = threading.RLock()

    def forget(self) -> None:
        """Read everything again at the next occasion: the tables were wiped."""
        with self._lock:
            self.tables = {}
            self._stored = None
            self.generation += 1

    def wipe(self) -> None:
        """Drop every table of the prefix, known or not, the catalogue's included."""
        with self._lock:
            names = list(self.ddl.names(f"{self.ddl.options.prefix}-"))
            for name in names:
                self.ddl.drop(name, wait=False)
            for name in names:
                self.ddl.wait_until_gone(name)
            self.forget()

    def _load(self) -> None:
        # The number first: a change in between is then seen once more, not missed.
        stored = self._read_generation()
        found = {}
        request: dict[str, Any] = {
            "TableName": self.physical,
            "KeyConditionExpression": "#s = :s",
            "ExpressionAttributeNames": {"#s": "@s"},
            "ExpressionAttributeValues": {":s": {"S": _TABLE}},
            "ConsistentRead": True,
        }
        while True:
            answer = self.ddl.ask("Query", **request)
            for item in answer["Items"]:
                table = table_from_text(item["document"]["S"])
                # What has not changed stays the same object: nobody has to do anything about it.
                known = self.tables.get(table.name)
                found[table.name] = known if known == table and known is not None else table
            if not (last := answer.get("LastEvaluatedKey")):
                break
            request["ExclusiveStartKey"] = last
        self.tables = found
        self._stored, self._asked = stored, time.monotonic()
        self.generation += 1

    def _read_generation(self) -> int:
        item = self.read(_GENERATION, "-")
        written = int(item.get("format", {"N": "1"})["N"])
        if written > FORMAT:
            raise Outdated(
                f"The catalogue {self.physical} has format {written}, and this version of the "
                f"program reads {FORMAT}: a newer one has written it. Run that one."
            )
        return int(item.get("n", {"N": "0"})["N"])

    # --- writing ----------------------------------------------------------------------------

    def save(self, table: TableDef) -> None:
        """Store a table's definition; SQLite must be able to read it."""
        validate(table)
        with self._lock:
            self.write(_TABLE, table.name, document={"S": table_to_text(table)})
            self._changed({**self.tables, table.name: table})

    def remove(self, name: str) -> None:
        """Forget a table's definition."""
        with self._lock:
            self.delete(_TABLE, name)
            self._changed({key: table for key, table in self.tables.items() if key != name})

    def rename(self, name: str, table: TableDef) -> None:
        """Store a definition under its new name instead of the old one, in one transaction."""
        validate(table)
        item = {**_key(_TABLE, table.name), "document": {"S": table_to_text(table)}}
        with self._lock:
            self.ddl.ask(
                "TransactWriteItems",
                TransactItems=[
                    {"Delete": {"TableName": self.physical, "Key": _key(_TABLE, name)}},
                    {"Put": {"TableName": self.physical, "Item": item}},
                ],
            )
            rest = {key: known for key, known in self.tables.items() if key != name}
            self._changed({**rest, table.name: table})

    def _changed(self, found: dict[str, TableDef]) -> None:
        answer = self.ddl.ask(
            "UpdateItem",
            TableName=self.physical,
            Key=_key(_GENERATION, "-"),
            UpdateExpression="SET #f = :f ADD n :one",
            ExpressionAttributeNames={"#f": "format"},
            ExpressionAttributeValues={":one": {"N": "1"}, ":f": {"N": str(FORMAT)}},
            ReturnValues="UPDATED_NEW",
        )
        stored = int(answer["Attributes"]["n"]["N"])
        if self._stored is not None and stored != self._stored + 1:
            self._load()  # somebody else changed something as well
            return
        self.tables, self._stored = found, stored
        self.generation += 1

    # --- single items -----------------------------------------------------------------------

    def read(self, part: str, key: str) -> dict[str, Any]:
        """Return one item of the catalogue's table, or nothing of it."""
        answer = self.ddl.ask(
            "GetItem", TableName=self.physical, Key=_key(part, key), ConsistentRead=True
        )
        item: dict[str, Any] = answer.get("Item") or {}
        return item

    def write(self, part: str, key: str, **attributes: dict[str, Any]) -> None:
        """Store one item in the catalogue's table."""
        self.ddl.ask("PutItem", TableName=self.physical, Item={**_key(part, key), **attributes})

    def delete(self, part: str, key: str) -> None:
        """Delete one item of the catalogue's table, if it is there."""
        self.ddl.ask("DeleteItem", TableName=self.physical, Key=_key(part, key))


def _key(part: str, key: str) -> dict[str, Any]:
    return {"@s": {"S": part}, "@k": {"S": key}}


# --- JSON -----------------------------------------------------------------------------------


def table_to_text(table: TableDef) -> str:
    """Return a table as JSON text, bytes included."""
    return json.dumps(table.to_json(), default=_bytes_to_json, separators=(",", ":"))


def table_from_text(text: str) -> TableDef:
    """Return the table that JSON text describes."""
    return TableDef.from_json(json.loads(text, object_hook=_bytes_from_json))


def _bytes_to_json(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError(f"{value!r} has no place in a table's definition.")


def _bytes_from_json(document: dict[str, Any]) -> Any:
    return bytes.fromhex(document["bytes"]) if set(document) == {"bytes"} else document


# --- validation -----------------------------------------------------------------------------


def validate(table: TableDef) -> None:
    """Refuse a definition that SQLite cannot read: it would break every connection."""
    handle = apsw.Connection(":memory:")
    try:
        register(handle)
        # Else SQLite takes a column that is not there, being in quotes, for a string.
        handle.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        name = '"' + table.name.replace('"', '""') + '"'
        try:
            # A real table, so that SQLite refuses what no virtual one would have checked.
            handle.execute(table.declaration.replace("TABLE x", f"TABLE {name}", 1))
        except apsw.Error as error:
            raise OperationalError(str(error)) from error
        for sql in _expressions(table):
            _compile(handle, name, sql)
    finally:
        handle.close()


_ORDER = re.compile(r"\s+(ASC|DESC)$", re.IGNORECASE)


def _expressions(table: TableDef) -> list[str]:
    parts: list[str | None] = [check.sql for check in table.checks]
    for index in table.indexes:
        parts += [index.condition, *(_ORDER.sub("", sql) for sql in index.expressions)]
    for unique in table.uniques:
        parts += [unique.condition, *unique.expressions]
    parts += [column.generated for column in table.columns]
    return [sql for sql in parts if sql]


def _compile(handle: apsw.Connection, table: str, sql: str) -> None:
    try:
        # An index takes only what gives the same for the same row. Bare, a string would be taken
        # for a column.
        handle.execute(f"CREATE INDEX i ON {table} (({sql}) IS NULL)")
        handle.execute("DROP INDEX i")
    except apsw.Error as error:
        raise OperationalError(f"{error}: {sql}") from error
