"""Django's SQL compilers, with exact decimals and what the engine does besides SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models.constants import OnConflict
from django.db.models.fields.tuple_lookups import TupleIn
from django.db.models.lookups import In
from django.db.models.sql import compiler

from . import chunks, fast_update
from .definition import name_of
from .exact import Compiled, Handler, handler_for
from .explain import readable
from .operations import hint

_COLUMN = r'"[^"]+"\."[^"]+"'
_VALUES = r"\(%s(?:, %s)*\)"
_TERM = rf"\(*{_COLUMN} (?:(?:=|<|<=|>|>=) %s|IN {_VALUES}|BETWEEN %s AND %s|IS (?:NOT )?NULL)\)*"
#: Nothing but a conjunction of comparisons of columns of one table with constants: SQLite hands
#: every one of these to the virtual table, so that no condition is left that only SQLite knows.
_PLAIN_COUNT = re.compile(
    rf'SELECT COUNT\(\*\) AS "[^"]+" FROM "[^"]+"(?: WHERE {_TERM}(?: AND {_TERM})*)?'  # noqa: S608
)
_UNSEEN: Any = object()


def plain_in(node: TupleIn) -> In[Any]:
    """Return `id IN (1, 2)` for the tuples of one that prefetch_related() looks for.

    Django writes them as `id = 1 OR id = 2`, which is an item at a time and not a batch.
    """
    return In(next(iter(node.lhs)), [values[0] for values in node.rhs])


class ExactDecimals:
    """Compiles whatever touches a decimal without going through a double."""

    connection: Any
    _handlers: dict[type, Handler | None] = {}

    def compile(self, node: Any) -> Compiled:
        """Return an expression's SQL and parameters."""
        kind = type(node)
        if kind is TupleIn and len(node.lhs) == 1 and node.rhs_is_direct_value():
            node = plain_in(node)
            kind = In
        handler = self._handlers.get(kind, _UNSEEN)
        if handler is _UNSEEN:
            handler = self._handlers[kind] = handler_for(kind)
        if handler is not None:
            compiled = handler(self, node)
            if compiled is not None:
                return compiled  # type: ignore[no-any-return]
        return super().compile(node)  # type: ignore[misc, no-any-return]


class SQLCompiler(ExactDecimals, compiler.SQLCompiler):  # type: ignore[misc]
    """SELECT."""

    def as_sql(self, with_limits: bool = True, with_col_aliases: bool = False) -> Any:
        """Return SQL; one that only counts rows of one table says so."""
        sql, params = super().as_sql(with_limits, with_col_aliases)
        if sql.startswith("SELECT COUNT(*) AS ") and is_plain_count(sql):
            sql += hint(count=True)
        return sql, params

    def explain_query(self) -> Iterator[str]:
        """Yield the access path of each table, one line each."""
        yield from readable(self.execute_sql())


def is_plain_count(sql: str) -> bool:
    """Tell whether a statement counts rows that conditions on columns alone decide."""
    return _PLAIN_COUNT.fullmatch(sql) is not None and sql.count("(") == sql.count(")")


class SQLInsertCompiler(ExactDecimals, compiler.SQLInsertCompiler):  # type: ignore[misc]
    """INSERT, which returns what the session has seen inserted."""

    def as_sql(self) -> list[tuple[str, tuple[Any, ...]]]:  # type: ignore[override]
        """Return the statements, with hints for several rows and for updates on conflict."""
        self._columns: list[str] = []
        statements = super().as_sql()
        hints: dict[str, Any] = {}
        if len(self.query.objs) > 1:
            hints["rows"] = len(self.query.objs)
        query: Any = self.query
        if query.on_conflict == OnConflict.UPDATE:
            hints["upsert"] = {
                "update": columns_of(query.update_fields),
                "target": columns_of(query.unique_fields),
            }
        if not hints:
            return statements
        return [(f"{sql} {hint(**hints)}", params) for sql, params in statements]

    def assemble_as_sql(self, fields: Any, value_rows: Any) -> Any:
        """Keep the values that are plain, to look up in one batch what they could collide with."""
        self._columns = [name_of(field) for field in fields if field is not None]
        self._value_rows = value_rows
        return super().assemble_as_sql(fields, value_rows)

    def execute_sql(self, returning_fields: Sequence[Any] | None = None) -> list[Any]:  # type: ignore[override]
        """Insert, and return the wanted fields of each row that was inserted or updated."""
        self.returning_fields = returning_fields
        table = self.query.get_meta().db_table
        with self.connection.cursor() as cursor:
            for sql, params in self.as_sql():
                chunks.make_room(self.connection, table, len(self.query.objs))
                if len(self.query.objs) > 1:
                    self._look_ahead(table, sql)
                cursor.execute(sql, params)
            if not returning_fields:
                return []
            rows: Any = [
                [values[definition.position[name_of(field)]] for field in returning_fields]
                for definition, values in cursor.returned
            ]
        converters = self.get_converters([field.get_col(table) for field in returning_fields])
        if converters:
            rows = self.apply_converters(rows, converters)
        return [tuple(row) for row in rows]

    def _look_ahead(self, table: str, sql: str) -> None:
        rows = self._value_rows
        if not (self.connection.in_atomic_block and self._columns and rows):
            return
        if any(hasattr(value, "as_sql") for row in rows for value in row):
            return
        session = self.connection.connection.session
        if self.query.on_conflict is None and not session.savepoints:  # type: ignore[attr-defined]
            return  # nobody can catch a duplicate and go on: the commit itself will tell
        # The hints of the statement belong to what is read for it.
        session.begin_statement(sql.replace("%%", "%"), in_transaction=True)
        try:
            session.preload_insert(table, self._columns, rows)
        finally:
            session.end_statement()


def columns_of(fields: Sequence[Any]) -> list[str]:
    """Return the columns of fields, those of a composite primary key included."""
    return [
        name_of(part)
        for field in fields
        for part in (field.fields if field.column is None else [field])
    ]


class SQLDeleteCompiler(ExactDecimals, compiler.SQLDeleteCompiler):  # type: ignore[misc]
    """DELETE."""


class SQLUpdateCompiler(ExactDecimals, compiler.SQLUpdateCompiler):  # type: ignore[misc]
    """UPDATE, in one request where it only adds numbers to one row."""

    def execute_sql(self, result_type: Any) -> Any:  # type: ignore[override]
        """Run the update and return the number of rows."""
        plan = None if self.connection.in_atomic_block else fast_update.plan_of(self)
        if plan is None:
            return super().execute_sql(result_type)
        with fast_update.cursor(self.connection, plan) as cursor:
            sql, params = self.as_sql()
            cursor.execute(sql, params)
            return cursor.rowcount


class SQLAggregateCompiler(ExactDecimals, compiler.SQLAggregateCompiler):  # type: ignore[misc]
    """Aggregates over a subquery."""
