"""What the catalogue knows of each table, in Django's words; costs no request."""

from __future__ import annotations

import re
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.introspection import TableInfo
from django.db.backends.sqlite3.introspection import (
    DatabaseIntrospection as SQLiteIntrospection,
)
from django.db.backends.sqlite3.introspection import (
    FieldInfo,
    get_field_size,
)
from django.db.models import Index as ModelIndex

from . import changes
from .catalogue import Index, TableDef, Unique
from .definition import HIDDEN
from .options import read_options
from .store import Store

#: A quoted column, with or without an order.
_PLAIN = re.compile(r'"([^"]+)"(?:\s+(?:ASC|DESC))?')
_NOTHING = {
    "columns": [],
    "primary_key": False,
    "unique": False,
    "foreign_key": None,
    "check": False,
    "index": False,
}


class DatabaseIntrospection(SQLiteIntrospection):
    """Reads the catalogue as this process knows it."""

    def _tables(self) -> dict[str, TableDef]:
        registry = Store.of(read_options(self.connection.settings_dict)).registry
        with self.connection.wrap_database_errors:
            registry.refresh_if_due()
        return registry.tables

    def _table(self, name: str) -> TableDef:
        found = self._tables()
        if name not in found:
            found = {known.lower(): table for known, table in found.items()}
            name = name.lower()
        if name not in found:
            raise DatabaseError(f"Table {name} does not exist.")
        return found[name]

    def get_table_list(self, cursor: Any) -> list[TableInfo]:  # noqa: ARG002 - Django's signature
        """Return all tables."""
        return [TableInfo(name, "t") for name in sorted(self._tables())]

    def get_table_description(self, cursor: Any, table_name: str) -> list[FieldInfo]:  # noqa: ARG002
        """Return a table's columns."""
        table = self._table(table_name)
        return [
            FieldInfo(
                column.name,
                column.type,  # type: ignore[arg-type]
                get_field_size(column.type),
                None,
                None,
                None,
                column.null,
                column.db_default,
                column.collation,
                table.key == (column.name,) and not table.is_keyless,
                column.is_json,
            )
            for column in table.columns
            if not column.name.startswith(HIDDEN)
        ]

    def get_sequences(
        self,
        cursor: Any,  # noqa: ARG002
        table_name: str,
        table_fields: Any = (),  # noqa: ARG002
    ) -> list[Any]:
        """Return the column that a sequence fills, if there is one."""
        table = self._table(table_name)
        return [{"table": table_name, "column": table.auto}] if table.auto else []

    def get_relations(self, cursor: Any, table_name: str) -> dict[str, tuple[str, str]]:  # noqa: ARG002
        """Return column -> (column, table) that its foreign key names."""
        return {
            column.name: (column.references[1], column.references[0])
            for column in self._table(table_name).columns
            if column.references and column.is_constrained
        }

    def get_primary_key_columns(self, cursor: Any, table_name: str) -> list[str]:  # noqa: ARG002
        """Return the primary key's columns."""
        return [] if (table := self._table(table_name)).is_keyless else list(table.key)

    def get_constraints(self, cursor: Any, table_name: str) -> dict[str, Any]:
        """Return keys, unique constraints, checks, foreign keys and indexes by name."""
        table = self._table(table_name)
        found: dict[str, dict[str, Any]] = {
            check.name: {**_NOTHING, "columns": changes.names_in(check.sql, table), "check": True}
            for check in table.checks
        }
        for unique in table.uniques:
            found[unique.name] = _unique(unique)
        for index in table.indexes:
            found[index.name] = _index(index)
        if key := self.get_primary_key_columns(cursor, table_name):
            found["__primary__"] = {**_NOTHING, "columns": key, "primary_key": True}
        relations = self.get_relations(cursor, table_name)
        if not self.connection.features.supports_foreign_keys:
            relations = {}  # declared, so that inspectdb knows them, but no constraints
        for number, (column, (to_column, to_table)) in enumerate(relations.items()):
            relation = {"columns": [column], "foreign_key": (to_table, to_column)}
            found[f"fk_{number}"] = {**_NOTHING, **relation}
        return found


def _unique(unique: Unique) -> dict[str, Any]:
    found = {**_NOTHING, "columns": _columns(unique), "unique": True}
    if unique.expressions or unique.condition:
        # Django's SQLite backend has these as indexes.
        orders = ["ASC"] * len(unique.columns)
        found |= {"index": True, "type": ModelIndex.suffix, "orders": orders}
    return found


def _index(index: Index) -> dict[str, Any]:
    descending = index.descending or (False,) * len(index.columns)
    return {
        **_NOTHING,
        "columns": _columns(index),
        "index": True,
        "type": ModelIndex.suffix,
        "orders": ["DESC" if is_descending else "ASC" for is_descending in descending],
    }


def _columns(part: Index | Unique) -> list[str | None]:
    """Return the columns; None for an expression that is more than a column."""
    plain = [_PLAIN.fullmatch(sql) for sql in part.expressions]
    return [*part.columns, *(found[1] if found else None for found in plain)]
