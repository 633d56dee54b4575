"""The DatabaseWrapper: Django's SQLite backend over connections of `dbapi.py`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

import apsw
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3 import base as sqlite3
from django.utils.asyncio import async_unsafe

from . import chunks
from .client import DatabaseClient
from .creation import DatabaseCreation
from .dbapi import Connection, Cursor
from .features import DatabaseFeatures
from .introspection import DatabaseIntrospection
from .operations import DatabaseOperations
from .options import Options, read_options
from .pool import pool_of
from .schema import DatabaseSchemaEditor
from .store import Store


class DatabaseWrapper(sqlite3.DatabaseWrapper):
    """One thread's connection to DynamoDB.

    The vendor stays "sqlite", so that every `as_sqlite()` of Django and of others applies.
    """

    display_name = "DynamoDB"
    #: A sequence makes primary keys; AUTOINCREMENT would be SQLite's.
    data_types_suffix: dict[str, str] = {}
    transaction_mode = None

    SchemaEditorClass = DatabaseSchemaEditor
    client_class = DatabaseClient
    creation_class = DatabaseCreation  # type: ignore[assignment] # nothing of SQLite's files
    features_class = DatabaseFeatures
    introspection_class = DatabaseIntrospection
    ops_class = DatabaseOperations

    connection: Any  # a Connection, or None

    @property
    def options(self) -> Options:
        """The checked options of this entry of DATABASES."""
        return read_options(self.settings_dict)

    @property
    def store(self) -> Store:
        """Where the rows are. The test runner changes the prefix, so it is asked each time."""
        return Store.of(self.options)

    def get_connection_params(self) -> dict[str, Any]:
        """Return what get_new_connection() needs: the pool reads the options itself."""
        return {}

    def get_database_version(self) -> tuple[int, ...]:
        """Return the version of the SQLite inside apsw."""
        return tuple(map(int, apsw.sqlite_lib_version().split(".")))

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:  # noqa: ARG002 - Django's
        """Take a connection from the process's pool."""
        connection = pool_of(self.store).connect()
        _wrappers.add(self)
        return connection

    def create_cursor(self, name: str | None = None) -> Cursor:  # noqa: ARG002 - Django's
        """Return a cursor; it converts %s to SQLite's placeholders itself."""
        return Cursor(self.connection)

    @async_unsafe
    def close(self) -> None:
        """Give the connection back to the pool."""
        # Not through the superclass, which keeps databases in memory open.
        BaseDatabaseWrapper.close(self)

    def is_in_memory_db(self) -> bool:
        """Tell that several threads may have connections of their own."""
        return False

    def is_usable(self) -> bool:
        """Tell whether the connection is open; DynamoDB itself has none to lose."""
        return self.connection is not None and self.connection.handle is not None

    # --- constraints ------------------------------------------------------------------------

    def disable_constraint_checking(self) -> bool:
        """Let long units of work go in chunks. Foreign keys are not checked at any time.

        Within an atomic block beyond the caller's own (loaddata has one) nothing changes: what
        somebody else may still roll back stays whole.
        """
        self.ensure_connection()
        session = self.connection.session
        if session.chunked or not chunks.is_outermost(self):
            return False
        session.chunked = True
        return True

    def enable_constraint_checking(self) -> None:
        """Make each unit of work one transaction again."""
        if self.connection is not None:
            self.connection.session.chunked = False

    def check_constraints(self, table_names: Iterable[str] | None = None) -> None:
        """Do nothing: finding a broken foreign key would mean reading whole tables."""


#: Wrappers that had a connection at some time, for the children of this process.
_wrappers: WeakSet[DatabaseWrapper] = WeakSet()


def _disconnect() -> None:
    """Make a forked child's wrappers connect anew: handles are their parent's."""
    for wrapper in _wrappers:
        wrapper.connection = None
        wrapper.closed_in_transaction = wrapper.in_atomic_block


os.register_at_fork(after_in_child=_disconnect)
