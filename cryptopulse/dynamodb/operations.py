"""SQL for the engine: Django's SQLite operations, and what travels beside the SQL as a hint."""
# ruff: noqa: SLF001 - a model's names are in its _meta

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from django.core.management.color import Style
from django.db import NotSupportedError
from django.db.backends.sqlite3.operations import DatabaseOperations as SQLiteOperations
from django.db.models import AutoField, CompositePrimaryKey, Field, Model
from django.db.models.expressions import Col

from . import chunks
from .catalogue import TableDef
from .scans import allow_scans

_DELETE_ALL = re.compile(r'DELETE FROM "((?:[^"]|"")+)";?')
_RESET = re.compile(r"SELECT dynamodb_reset_sequence\('((?:[^']|'')+)'\);?")
#: SQLite's bound on the parameters of one statement.
MAX_PARAMETERS = 32766


def hint(**values: Any) -> str:
    """Return the comment that tells the engine what the SQL cannot say; for SQL with %s."""
    text = json.dumps(values, separators=(",", ":")).replace("*/", "*\\/").replace("%", "%%")
    return f"/*dynamodb:{text}*/"


class DatabaseOperations(SQLiteOperations):
    """The operations of one connection."""

    connection: Any
    compiler_module = "cryptopulse.dynamodb.compiler"

    # --- statements -------------------------------------------------------------------------

    def for_update_sql(
        self,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Sequence[str] = (),
        no_key: bool = False,  # noqa: ARG002 - a stronger watch than asked for is not wrong
    ) -> str:
        """Return the hint that makes the commit depend on the rows read being unchanged."""
        if nowait or skip_locked:
            raise NotSupportedError(
                "DynamoDB locks no rows, so there is nothing to wait for or to skip: the commit "
                "fails when somebody else has changed a row that was read."
            )
        # Rows of other tables than those named are watched too, which is never wrong.
        watched = f"/*OF {', '.join(of)}*/ ".replace("%", "%%") if of else ""
        return watched + hint(for_update=True)

    def on_conflict_suffix_sql(self, *_: Any) -> str:
        """Return nothing: virtual tables know no ON CONFLICT, the insert compiler hints it."""
        return ""

    def return_insert_columns(self, fields: Sequence[Field[Any, Any]]) -> tuple[str, Sequence[Any]]:
        """Return a comment: the values come from the session, the log shows what was asked."""
        sql, params = super().return_insert_columns(fields)  # type: ignore[misc]
        return (f"/*{sql.replace('*/', '* /')}*/" if sql else ""), params

    def bulk_batch_size(self, fields: Sequence[Any], objs: Sequence[Any]) -> int:
        """Return how many objects one statement takes.

        An outermost bulk_create() gets what one transaction of DynamoDB takes.
        """
        columns = list(
            chain.from_iterable(
                field.fields if isinstance(field, CompositePrimaryKey) else [field]
                for field in fields
            )
        )
        size = MAX_PARAMETERS // len(columns) if columns else len(objs)
        if chunks.is_insert(fields, objs):
            return chunks.batch_size(self.connection, type(objs[0]), size)
        return min(size, 500) if len(columns) == 1 else size

    def explain_query_prefix(self, format: str | None = None, **options: Any) -> str:  # noqa: A002
        """Return what stands before a statement to be explained."""
        prefix: str = super().explain_query_prefix(format, **options)
        return prefix

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:  # noqa: ARG002
        """Return SQL with its parameters for the log. Never asks the database."""
        if not params:
            return sql
        try:
            if isinstance(params, dict):
                return sql % {name: quoted(value) for name, value in params.items()}
            return sql % tuple(quoted(value) for value in params)
        except (TypeError, ValueError, KeyError):
            return f"{sql} -- {params!r}"

    # --- values -----------------------------------------------------------------------------

    def get_decimalfield_converter(self, expression: Any) -> Callable[..., Any]:
        """Return an exact conversion: decimals are text, and only doubles lose digits."""
        from_float = super().get_decimalfield_converter(expression)
        if not isinstance(expression, Col):

            def convert(value: Any, expression: Any, connection: Any) -> Any:
                if isinstance(value, str | int):
                    return Decimal(value)
                return from_float(value, expression, connection)

            return convert
        field = expression.output_field
        unit = Decimal(1).scaleb(-(getattr(field, "decimal_places", None) or 0))
        context = field.context  # type: ignore[attr-defined]

        def convert_column(value: Any, expression: Any, connection: Any) -> Any:
            if isinstance(value, str | int):
                return Decimal(value).quantize(unit, context=context)
            return from_float(value, expression, connection)

        return convert_column

    def conditional_expression_supported_in_where_clause(self, expression: Any) -> bool:
        """Write `WHERE flag = 1` rather than `WHERE flag`, which no index can serve."""
        return not isinstance(expression, Col)

    # --- sequences and flush ----------------------------------------------------------------

    def sequence_reset_sql(self, style: Style, model_list: Sequence[type[Model]]) -> list[str]:
        """Return SQL that lets each sequence go on after the greatest key. 1 read, 1 write each."""
        statements = []
        for model in model_list:
            for field in model._meta.local_fields:
                if isinstance(field, AutoField):
                    table, column = self.quote_name(model._meta.db_table), field.column
                    greatest = (
                        f"{style.SQL_KEYWORD('SELECT')} {style.SQL_FIELD(self.quote_name(column))} "  # type: ignore[arg-type]
                        f"{style.SQL_KEYWORD('FROM')} {style.SQL_TABLE(table)} "
                        f"{style.SQL_KEYWORD('ORDER BY')} 1 {style.SQL_KEYWORD('DESC LIMIT')} 1"
                    )
                    statements.append(
                        f"{style.SQL_KEYWORD('SELECT')} dynamodb_raise_sequence("
                        f"{quoted(model._meta.db_table)}, ({greatest}));"
                    )
                    break  # a model has one at most
        return statements

    def sequence_reset_by_name_sql(
        self, style: Style, sequences: Sequence[dict[str, Any]]
    ) -> list[str]:
        """Return SQL that lets sequences begin with 1 again."""
        return [
            f"{style.SQL_KEYWORD('SELECT')} dynamodb_reset_sequence({quoted(one['table'])});"
            for one in sequences
        ]

    def sql_flush(
        self,
        style: Style,
        tables: Sequence[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        """Return the SQL that empties tables, with those that refer to them if told so."""
        names = self._with_referring(tables) if tables and allow_cascade else tables
        return super().sql_flush(style, names, reset_sequences=reset_sequences)

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        """Empty tables in bulk; not atomic. Inside a transaction the statements run as they are."""
        statements = list(sql_list)
        self.connection.ensure_connection()
        if self.connection.in_atomic_block:
            with self.connection.cursor() as cursor:
                for sql in statements:
                    cursor.execute(sql)
            return
        tables = self._tables
        store = self.connection.store
        with allow_scans("flush"):
            session = self.connection.connection.session
            emptied = [found[1] for sql in statements if (found := _DELETE_ALL.fullmatch(sql))]
            store.each(
                [
                    lambda table=tables[name]: store.truncate(store.housekeeping, table)
                    for name in emptied
                    if name in tables
                ]
            )
            session.reset()
        for sql in statements:
            if (found := _RESET.fullmatch(sql)) and found[1] in tables:
                store.reset_sequence(tables[found[1]])

    @property
    def _tables(self) -> dict[str, TableDef]:
        registry = self.connection.store.registry
        registry.ensure()
        tables: dict[str, TableDef] = registry.tables
        return tables

    def _with_referring(self, tables: Iterable[str]) -> list[str]:
        wanted = dict.fromkeys(tables)
        known = self._tables.values()
        found = True
        while found:
            found = False
            for table in known:
                refers = any(
                    column.references and column.references[0] in wanted for column in table.columns
                )
                if refers and table.name not in wanted:
                    wanted[table.name] = None
                    found = True
        return list(wanted)


def quoted(value: Any) -> str:
    """Return a value as SQL shows it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"X'{bytes(value).hex().upper()}'"
    text = str(value).replace("'", "''")
    return f"'{text}'"
