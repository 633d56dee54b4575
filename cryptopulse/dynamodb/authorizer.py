"""Refuses SQL that would change SQLite's own schema, which holds nothing but virtual tables.

Without it a `CREATE TABLE` of a `RunSQL` migration would succeed, in the memory of one
connection, and be gone with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

#: What SQLite asks leave for -> how a person calls it.
REFUSED = {
    apsw.SQLITE_CREATE_TABLE: "CREATE TABLE",
    apsw.SQLITE_CREATE_TEMP_TABLE: "CREATE TEMPORARY TABLE",
    apsw.SQLITE_CREATE_INDEX: "CREATE INDEX",
    apsw.SQLITE_CREATE_TEMP_INDEX: "CREATE INDEX",
    apsw.SQLITE_CREATE_VIEW: "CREATE VIEW",
    apsw.SQLITE_CREATE_TEMP_VIEW: "CREATE TEMPORARY VIEW",
    apsw.SQLITE_CREATE_TRIGGER: "CREATE TRIGGER",
    apsw.SQLITE_CREATE_TEMP_TRIGGER: "CREATE TEMPORARY TRIGGER",
    apsw.SQLITE_CREATE_VTABLE: "CREATE VIRTUAL TABLE",
    apsw.SQLITE_DROP_TABLE: "DROP TABLE",
    apsw.SQLITE_DROP_TEMP_TABLE: "DROP TABLE",
    apsw.SQLITE_DROP_INDEX: "DROP INDEX",
    apsw.SQLITE_DROP_TEMP_INDEX: "DROP INDEX",
    apsw.SQLITE_DROP_VIEW: "DROP VIEW",
    apsw.SQLITE_DROP_TEMP_VIEW: "DROP VIEW",
    apsw.SQLITE_DROP_TRIGGER: "DROP TRIGGER",
    apsw.SQLITE_DROP_TEMP_TRIGGER: "DROP TRIGGER",
    apsw.SQLITE_DROP_VTABLE: "DROP TABLE",
    apsw.SQLITE_ALTER_TABLE: "ALTER TABLE",
    apsw.SQLITE_REINDEX: "REINDEX",
    apsw.SQLITE_ANALYZE: "ANALYZE",
    apsw.SQLITE_ATTACH: "ATTACH",
    apsw.SQLITE_DETACH: "DETACH",
}
#: Pragmas whose argument names what to tell of; any other's argument is a new value.
READING_PRAGMAS = frozenset(
    {
        "foreign_key_check",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "table_info",
        "table_list",
        "table_xinfo",
    }
)


def install(handle: apsw.Connection) -> None:
    """Make a connection refuse data definition and the setting of pragmas."""
    handle.authorizer = _authorize


@contextmanager
def own_ddl(handle: apsw.Connection) -> Iterator[None]:
    """Allow data definition inside the block: the engine's own virtual tables."""
    installed, handle.authorizer = handle.authorizer, None
    try:
        yield
    finally:
        handle.authorizer = installed


def _authorize(
    operation: int,
    subject: str | None,
    argument: str | None,
    _database: str | None,
    _trigger: str | None,
) -> int:
    name = REFUSED.get(operation)
    if name is None and operation == apsw.SQLITE_PRAGMA:
        is_read = argument is None or str(subject).lower() in READING_PRAGMAS
        name = None if is_read else f"PRAGMA {subject} = {argument}"
    if name is not None:
        raise sqlite3.NotSupportedError(
            f"{name} is not possible on DynamoDB; schema changes go through Django migrations."
        )
    return apsw.SQLITE_OK
