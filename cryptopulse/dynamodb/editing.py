"""The one way in which a schema editor changes a table: journaled, or shown by sqlmigrate."""

# ruff: noqa: SLF001 - what Django's own schema editors call is called here
from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from django.db import OperationalError
from django.db.backends.base import schema as base_schema
from django.db.backends.sqlite3.schema import DatabaseSchemaEditor as SQLiteSchemaEditor
from django.db.backends.utils import strip_quotes
from django.db.models import Model
from django.db.transaction import TransactionManagementError

from . import changes, definition, tables
from .applying import LABEL, Difference, difference
from .catalogue import Index, TableDef, Unique
from .errors import Disturbed, Duplicate, Violation
from .filling import requests_for_rows
from .journal import Journal, Step
from .options import TableOptions, read_options
from .scans import allow_scans
from .store import Store
from .transition import Transition

#: The types of Django's stubs leave out most of it.
BASE: Any = base_schema.BaseDatabaseSchemaEditor

logger = logging.getLogger("django.db.backends.schema")

_DROP_TABLE = re.compile(
    r'\s*DROP TABLE (?P<exists>IF EXISTS )?"?(?P<name>(?:[^"]|"")+?)"?(?: CASCADE)?\s*;?\s*',
    re.IGNORECASE,
)
_CREATE_INDEX = re.compile(
    r'\s*CREATE (?P<unique>UNIQUE )?INDEX (?P<name>"[^"]+") ON (?P<table>"[^"]+") '
    r'\((?P<columns>"[^"]+"(?:, "[^"]+")*)\)\s*;?\s*',
    re.IGNORECASE,
)
_COLUMN = re.compile(r'"([^"]+)"')
#: A table's next definition, of the one it has. None: there is no such table.
Change = Callable[[TableDef | None], TableDef | None]


class TableEditor(SQLiteSchemaEditor):
    """Not transactional: what is done is done, and a journal lets an interrupted editor be run
    again."""

    def __init__(self, connection: Any, collect_sql: bool = False, atomic: bool = True) -> None:
        super().__init__(connection, collect_sql, atomic)
        self.store = Store.of(read_options(connection.settings_dict))
        self.registry = self.store.registry
        self.journal = Journal(self.registry)
        #: Tables as they would be by now, where SQL is only collected.
        self._planned: dict[str, TableDef | None] = {}
        self._leave = ExitStack()

    def __enter__(self) -> Self:
        # A data migration may need more than one transaction takes.
        if self.connection.disable_constraint_checking():
            self._leave.callback(self.connection.enable_constraint_checking)
        self._leave.enter_context(allow_scans("schema change"))
        BASE.__enter__(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._leave:
            if not self.collect_sql:
                with self.connection.wrap_database_errors:
                    self.journal.close(is_complete=exc_type is None)
            BASE.__exit__(self, exc_type, exc_value, traceback)

    # --- the one way to change a table ------------------------------------------------------

    def _change(self, label: str, model: type[Model] | str, sql: str, change: Change) -> None:
        """Make one change of one table; `label` tells it from others when it is asked for again.

        `sql` is what sqlmigrate shows of it.
        """
        name = strip_quotes(model if isinstance(model, str) else model._meta.db_table)
        if self.collect_sql:
            self._collect(name, model, sql, change)
            return
        if self.connection.in_atomic_block and not self.connection.features.can_rollback_ddl:
            raise TransactionManagementError(
                "A schema change cannot be undone on DynamoDB, so it has no place in a transaction."
            )
        with self.connection.wrap_database_errors:
            self.connection.ensure_connection()
            self.registry.ensure()
            started = time.monotonic()
            if self._make(f"{label} {name}", name, change):
                self._log(sql, time.monotonic() - started)

    # --- options of tables that exist -------------------------------------------------------

    def difference(self, name: str) -> Difference | None:
        """Return what TABLES says otherwise than the catalogue; None where they agree."""
        return difference(self.registry.tables[name], self.store.options.table(name))

    def unfinished(self) -> str | None:
        """Return the table whose `apply_options` was interrupted, if one was.

        Raises OperationalError after an interrupted migration: that has to be run to its end first.
        """
        begun = self.journal.interrupted()
        if begun is None:
            return None
        if not begun.label.startswith(LABEL) or begun.old is None:
            raise OperationalError(
                "A migration was interrupted. Run `manage.py migrate` first, then this again."
            )
        return begun.old.name

    def apply_options(self, name: str) -> None:
        """Bring a table in line with TABLES; another number of shards copies it.

        Raises OperationalError, and leaves the table as it was, if somebody writes it meanwhile.
        """
        if self.unfinished() == name and (begun := self.journal.interrupted()):
            wanted = begun.label.removesuffix(f" {name}")
        elif found := self.difference(name):
            wanted = found.label
        else:
            return

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(name, old)
            found = difference(table, self.store.options.table(name))
            return found.new if found else table

        self._change(wanted, name, f"-- {wanted} {name}", change)

    def _log(self, sql: str, seconds: float) -> None:
        """Show a change where Django shows the SQL of one."""
        logger.debug("%s; (params %r)", sql, None, extra={"params": None, "sql": sql})
        if self.connection.queries_logged:
            self.connection.queries_log.append({"sql": sql, "time": f"{seconds:.3f}"})

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Run a statement; of DDL, what Django itself composes is carried out.

        That is DROP TABLE, and CREATE INDEX over columns. Other DDL SQLite's authorizer refuses.
        """
        text = "" if self.collect_sql else str(sql)
        if found := _DROP_TABLE.fullmatch(text):
            name, may_be_missing = _unquoted(found["name"]), bool(found["exists"])

            def drop(old: TableDef | None) -> None:
                if not may_be_missing:
                    self._existing(name, old)

            self._change("drop", name, text, drop)
        elif found := _CREATE_INDEX.fullmatch(text):
            table, columns = _unquoted(found["table"]), _COLUMN.findall(found["columns"])
            made: dict[str, Any] = {
                "name": _unquoted(found["name"]),
                "slot": 0,
                "columns": tuple(columns),
            }
            is_unique = bool(found["unique"])

            def add(old: TableDef | None) -> TableDef:
                known = self._existing(table, old)
                if is_unique:
                    return definition.with_uniques(known, [Unique(**made, is_implied=True)])
                return definition.with_indexes(known, [Index(**made, is_implied=True)])

            self._change(f"create index {made['name']}", table, text, add)
        else:
            super().execute(sql, params)

    def _make(self, label: str, name: str, change: Change) -> bool:
        """Make a change, or what is left of it; tell whether there was anything to do."""
        known = self.journal.recall(label)
        if known is True:
            return False
        if isinstance(known, Step):
            step = known
        else:
            old = self.registry.tables.get(name)
            new = change(old)
            if new is not None:
                new = self._placed(old, new)
            if new == old:
                self.journal.pass_over(label)
                return False
            step = Step(label, old, new)
            self.journal.begin(step)
        try:
            Transition(self.store, self.connection.connection.handle).run(step.old, step.new)
        except (Duplicate, Violation, Disturbed):
            self.journal.abandon()
            raise
        self.journal.finish()
        return True

    def _placed(self, old: TableDef | None, new: TableDef) -> TableDef:
        """Return a definition with its indexes settled, in another table if the key changes."""
        if old is None:
            return new
        new = changes.finished(old, new)
        if changes.needs_copy(old, new):
            new = replace(new, physical=self._physical(new.name))
        return new

    def _physical(self, name: str) -> str:
        taken = {table.physical for table in self.registry.tables.values()}
        return tables.physical_name(
            self.store.options.prefix, name, {*taken, self.registry.physical}
        )

    def _options(self, model: type[Model]) -> TableOptions:
        return self.store.options.table(strip_quotes(model._meta.db_table))

    def _defined(self, model: type[Model]) -> TableDef:
        name = strip_quotes(model._meta.db_table)
        known = self.registry.tables.get(name) if self.collect_sql else None
        physical = known.physical if known else self._physical(name)
        return definition.table_of(self, model, physical, self._options(model))

    # --- what sqlmigrate shows --------------------------------------------------------------

    def _collect(self, name: str, model: type[Model] | str, sql: str, change: Change) -> None:
        old, new = self._planned_change(name, model, sql, change)
        if old is not None and new is not None:
            new = self._placed(old, new)
        self._planned[name] = new
        if new is not None and new.name != name:
            self._planned[new.name], self._planned[name] = new, None
        self.collected_sql.append(f"{sql};")
        lines = [*tables.requests_for(old, new), *requests_for_rows(old, new)]
        self.collected_sql.extend(f"-- {line}" for line in lines)

    def _planned_change(
        self, name: str, model: type[Model] | str, sql: str, change: Change
    ) -> tuple[TableDef | None, TableDef | None]:
        """Return a table before and after a change that is only shown."""
        if name in self._planned:
            return self._planned[name], change(self._planned[name])
        if sql.startswith("CREATE TABLE"):
            return None, change(None)
        if (stored := self.registry.tables.get(name)) is not None:
            with suppress(OperationalError):  # the migration is not the next one
                return stored, change(stored)
        defined = None if isinstance(model, str) else self._defined(model)
        return defined, change(defined)

    def _plan(self, name: str, table: TableDef) -> None:
        """Say how a table is before the first change that is only shown.

        For changes whose model is already as it will be afterwards.
        """
        if self.collect_sql:
            self._planned.setdefault(name, table)

    def _before(self, model: type[Model]) -> TableDef:
        """Return the table as it is stored, else as the model has it."""
        stored = self.registry.tables.get(strip_quotes(model._meta.db_table))
        return stored or self._defined(model)

    def _existing(self, model: type[Model] | str, table: TableDef | None) -> TableDef:
        if table is None:
            name = model if isinstance(model, str) else model._meta.db_table
            raise OperationalError(f"no such table: {strip_quotes(name)}")
        return table


def _unquoted(name: str) -> str:
    return strip_quotes(name).replace('""', '"')
