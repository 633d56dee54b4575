"""Django's schema editor: each change becomes the table's next definition, which
`transition.py` then brings about."""

# ruff: noqa: SLF001 - what Django's own schema editors call is called here
from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from django.db import OperationalError
from django.db.backends.base import schema as base_schema
from django.db.backends.sqlite3.schema import DatabaseSchemaEditor as SQLiteSchemaEditor
from django.db.backends.utils import strip_quotes
from django.db.models import CompositePrimaryKey, Model, UniqueConstraint
from django.db.models import Index as ModelIndex
from django.db.models.constraints import BaseConstraint
from django.db.transaction import TransactionManagementError

from . import changes, definition, tables
from .catalogue import TableDef
from .definition import AnyField, name_of
from .errors import Duplicate, Violation
from .journal import Journal, Step
from .options import TableOptions, read_options
from .scans import allow_scans
from .store import Store
from .transition import Transition

#: The types of Django's stubs do not know these.
_RELATED: Any = vars(base_schema)["_related_non_m2m_objects"]
_BASE: Any = base_schema.BaseDatabaseSchemaEditor

logger = logging.getLogger("django.db.backends.schema")

_DROP_TABLE = re.compile(
    r'\s*DROP TABLE (?P<exists>IF EXISTS )?"?(?P<name>(?:[^"]|"")+?)"?(?: CASCADE)?\s*;?\s*',
    re.IGNORECASE,
)
#: A table's next definition, of the one it has. None: there is no such table.
Change = Callable[[TableDef | None], TableDef | None]


class DatabaseSchemaEditor(SQLiteSchemaEditor):
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
        self.connection.disable_constraint_checking()
        self._leave.enter_context(allow_scans("schema change"))
        _BASE.__enter__(self)
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
            _BASE.__exit__(self, exc_type, exc_value, traceback)
            self.connection.enable_constraint_checking()

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

    def _log(self, sql: str, seconds: float) -> None:
        """Show a change where Django shows the SQL of one."""
        logger.debug("%s; (params %r)", sql, None, extra={"params": None, "sql": sql})
        if self.connection.queries_logged:
            self.connection.queries_log.append({"sql": sql, "time": f"{seconds:.3f}"})

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Run a statement; DROP TABLE is carried out, other DDL SQLite's authorizer refuses."""
        if not self.collect_sql and (found := _DROP_TABLE.fullmatch(str(sql))):
            name = found["name"].replace('""', '"')

            def change(old: TableDef | None) -> None:
                if not found["exists"]:
                    self._existing(name, old)

            self._change("drop", name, str(sql), change)
            return
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
                return False
            step = Step(label, old, new)
            self.journal.begin(step)
        try:
            Transition(self.store, self.connection.connection.handle).run(step.old, step.new)
        except (Duplicate, Violation):
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
        physical = self._physical(strip_quotes(model._meta.db_table))
        return definition.table_of(self, model, physical, self._options(model))

    def _collect(self, name: str, model: type[Model] | str, sql: str, change: Change) -> None:
        old = self._planned.get(name)
        if old is None and name not in self._planned and not isinstance(model, str):
            old = self._defined(model) if not sql.startswith("CREATE TABLE") else None
        new = change(old)
        if old is not None and new is not None:
            new = changes.finished(old, new)
        self._planned[name] = new
        if new is not None and new.name != name:
            self._planned[new.name], self._planned[name] = new, None
        self.collected_sql.append(f"{sql};")
        self.collected_sql.extend(f"-- {line}" for line in tables.requests_for(old, new))

    # --- models -----------------------------------------------------------------------------

    def create_model(self, model: type[Model]) -> None:
        """Create a model's table and those of its many-to-many fields."""

        def change(old: TableDef | None) -> TableDef:
            if old is not None:
                raise OperationalError(f"table {self.quote_name(old.name)} already exists")
            return self._defined(model)

        self._change("create", model, self._create_sql(model), change)
        for field in model._meta.local_many_to_many:
            self._make_through(field)

    def delete_model(self, model: type[Model], handle_autom2m: bool = True) -> None:
        """Drop a model's table and those of its many-to-many fields."""
        if handle_autom2m:
            for field in model._meta.local_many_to_many:
                self._drop_through(field)

        def change(old: TableDef | None) -> None:
            self._existing(model, old)

        sql = self.sql_delete_table % {"table": self.quote_name(model._meta.db_table)}
        self._change("delete", model, sql, change)

    def alter_db_table(
        self,
        model: type[Model],  # noqa: ARG002 - Django's signature
        old_db_table: str,
        new_db_table: str,
    ) -> None:
        """Rename a table; the one in DynamoDB keeps its name."""
        before, after = strip_quotes(old_db_table), strip_quotes(new_db_table)
        if before.lower() == after.lower():
            return  # SQLite takes both for the same

        def change(old: TableDef | None) -> TableDef:
            if not self.collect_sql and after in self.registry.tables:
                raise OperationalError(f"there is already another table or index: {after}")
            return replace(self._existing(before, old), name=after)

        names = {"old_table": self.quote_name(before), "new_table": self.quote_name(after)}
        self._change(f"rename to {after}", old_db_table, self.sql_rename_table % names, change)
        self._repoint((before, None), (after, None))

    def _make_through(self, field: Any) -> None:
        if field.remote_field.through._meta.auto_created:
            self.create_model(field.remote_field.through)

    def _drop_through(self, field: Any) -> None:
        if field.remote_field.through._meta.auto_created:
            self.delete_model(field.remote_field.through)

    def alter_db_table_comment(self, *_: object) -> None:
        """DynamoDB keeps no comments."""

    def alter_db_tablespace(self, *_: object) -> None:
        """DynamoDB has no tablespaces."""

    def _existing(self, model: type[Model] | str, table: TableDef | None) -> TableDef:
        if table is None:
            name = model if isinstance(model, str) else model._meta.db_table
            raise OperationalError(f"no such table: {strip_quotes(name)}")
        return table

    def _repoint(self, before: tuple[str, str | None], after: tuple[str, str | None]) -> None:
        """Let foreign keys name a table or column by its new name."""
        if self.collect_sql:
            return

        def moved(known: tuple[str, str] | None) -> tuple[str, str] | None:
            if known is None or known[0] != before[0] or before[1] not in {None, known[1]}:
                return known
            return after[0], after[1] or known[1]

        for table in list(self.registry.tables.values()):
            columns = tuple(replace(c, references=moved(c.references)) for c in table.columns)
            if columns != table.columns:
                self.registry.save(replace(table, columns=columns))

    # --- fields -----------------------------------------------------------------------------

    def add_field(self, model: type[Model], field: AnyField) -> None:
        """Add a column; rows that are there read its default until they are written again."""
        if field.many_to_many:
            self._make_through(field)
            return
        if isinstance(field, CompositePrimaryKey):
            key = definition.columns_of(model, field.field_names)
            self._change_key(model, key)
            return
        if definition.type_of(self, field) is None:
            return

        def change(old: TableDef | None) -> TableDef:
            return self._with_field(model, self._existing(model, old), field)

        names = {"table": self.quote_name(model._meta.db_table)}
        names |= {"column": self.quote_name(str(field.column))}
        names |= {"definition": str(self.column_sql(model, field)[0])}
        self._change(f"add {name_of(field)}", model, self.sql_create_column % names, change)

    def _with_field(self, model: type[Model], table: TableDef, field: AnyField) -> TableDef:
        if name_of(field) in table.position:
            raise OperationalError(f"duplicate column name: {name_of(field)}")
        absent = None if self.collect_sql else definition.default_of(self, field)
        table = changes.with_column(table, definition.column_of(self, field), absent)
        if name_of(field) == self.store.options.table(table.name).ttl:
            table = replace(table, ttl=name_of(field))
        table = self._with_implied(model, table, field)
        if field.primary_key:
            auto = name_of(field) if definition.is_auto(field) else None
            table = changes.with_key(table, (name_of(field),), auto)
        return table

    def _with_implied(self, model: type[Model], table: TableDef, field: AnyField) -> TableDef:
        table = definition.with_uniques(table, definition.field_uniques(self, model, field))
        table = definition.with_indexes(table, definition.field_indexes(self, model, field))
        checks = definition.field_checks(self, model, field)
        return replace(table, checks=(*table.checks, *checks))

    def _change_key(self, model: type[Model], key: tuple[str, ...]) -> None:
        def change(old: TableDef | None) -> TableDef:
            return changes.with_key(self._existing(model, old), key, None)

        table = self.quote_name(model._meta.db_table)
        columns = ", ".join(self.quote_name(column) for column in key)
        sql = f"ALTER TABLE {table} ADD PRIMARY KEY ({columns})"
        self._change(f"key {key}", model, sql, change)

    def remove_field(self, model: type[Model], field: AnyField) -> None:
        """Remove a column; items keep their attribute, which no other column will ever use."""
        if field.many_to_many:
            self._drop_through(field)
            return
        if definition.type_of(self, field) is None:
            return

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            if name_of(field) not in table.position:
                raise OperationalError(f'no such column: "{name_of(field)}"')
            return changes.without_column(table, name_of(field))

        names = {"table": self.quote_name(model._meta.db_table)}
        names |= {"column": self.quote_name(str(field.column))}
        self._change(f"remove {name_of(field)}", model, self.sql_delete_column % names, change)

    def _alter_field(  # noqa: PLR0917 - Django's signature
        self,
        model: type[Model],
        old_field: AnyField,
        new_field: AnyField,
        old_type: str,
        new_type: str,
        old_db_params: dict[str, Any],
        new_db_params: dict[str, Any],
        strict: bool = False,  # noqa: ARG002 - the same
    ) -> None:
        def change(old: TableDef | None) -> TableDef:
            return self._with_altered(model, self._existing(model, old), old_field, new_field)

        label = f"alter {name_of(old_field)} {old_type} to {name_of(new_field)} {new_type}"
        label += f" {self.column_sql(model, new_field)[0]}"
        self._change(label, model, self._alter_sql(model, old_field, new_field), change)
        table = strip_quotes(model._meta.db_table)
        if name_of(old_field) != name_of(new_field):
            self._repoint((table, name_of(old_field)), (table, name_of(new_field)))
        is_other = (old_type, old_db_params.get("collation")) != (
            new_type,
            new_db_params.get("collation"),
        )
        is_target = (old_field.primary_key and new_field.primary_key) or (
            old_field.unique and new_field.unique
        )
        if (is_other and is_target) or _BASE._field_became_primary_key(self, old_field, new_field):
            self._follow(old_field, new_field)

    def _with_altered(
        self, model: type[Model], table: TableDef, old: AnyField, new: AnyField
    ) -> TableDef:
        if name_of(old) not in table.position:
            raise OperationalError(f'no such column: "{name_of(old)}"')
        default = None
        if not self.collect_sql and old.null and not new.null:
            default = definition.default_of(self, new)
        column = definition.column_of(self, new)
        table = changes.altered_column(table, name_of(old), column, default)
        table = self._with_changed_implied(model, table, old, new)
        if new.primary_key:
            auto = name_of(new) if definition.is_auto(new) else None
            table = changes.with_key(table, (name_of(new),), auto)
        elif table.auto == name_of(new):
            table = replace(table, auto=None)
        if old.primary_key and not new.primary_key and table.key == (name_of(new),):
            table = replace(table, is_keyless=True)
        return table

    def _with_changed_implied(
        self, model: type[Model], table: TableDef, old: AnyField, new: AnyField
    ) -> TableDef:
        """Return the table with what the new field implies instead of what the old one did."""
        was_indexed = self._is_indexed(model, old)
        had_unique = old.unique and not old.primary_key
        has_unique = new.unique and not new.primary_key
        if was_indexed and not self._is_indexed(model, new):
            table = changes.without_implied_index(table, name_of(new))
        if had_unique and not has_unique:
            table = changes.without_implied_unique(table, (name_of(new),))
        checks = [check for check in table.checks if check.column != name_of(new)]
        table = replace(table, checks=(*checks, *definition.field_checks(self, model, new)))
        if has_unique and not had_unique:
            table = definition.with_uniques(table, definition.field_uniques(self, model, new))
        if self._is_indexed(model, new) and not was_indexed:
            table = definition.with_indexes(table, definition.field_indexes(self, model, new))
        return table

    def _is_indexed(self, model: type[Model], field: AnyField) -> bool:
        return bool(_BASE._field_should_be_indexed(self, model, field))

    def _follow(self, old_field: AnyField, new_field: AnyField) -> None:
        """Give foreign keys to a field that changed its type the new type."""
        for _, relation in _RELATED(old_field, new_field):
            field = relation.field

            def change(old: TableDef | None, field: AnyField = field) -> TableDef | None:
                if old is None or name_of(field) not in old.position:
                    return old
                known = changes.column_of(old, name_of(field))
                column = replace(definition.column_of(self, field), null=known.null)
                return changes.altered_column(old, name_of(field), column, None)

            model = relation.related_model
            sql = self._alter_sql(model, field, field)
            self._change(f"follow {name_of(field)} {name_of(new_field)}", model, sql, change)

    def _alter_many_to_many(
        self, model: type[Model], old_field: AnyField, new_field: AnyField, strict: bool
    ) -> None:
        _BASE._alter_many_to_many(self, model, old_field, new_field, strict)

    # --- indexes ----------------------------------------------------------------------------

    def add_index(self, model: type[Model], index: ModelIndex) -> None:
        """Add an index and fill it."""

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            if any(known.name == index.name for known in table.indexes):
                raise OperationalError(f"index {index.name} already exists")
            options = self._options(model)
            return definition.with_indexes(
                table, [definition.index_of(self, model, index, options)]
            )

        sql = str(index.create_sql(model, self))
        self._change(f"add index {index.name}", model, sql, change)

    def remove_index(self, model: type[Model], index: ModelIndex) -> None:
        """Drop an index."""

        def change(old: TableDef | None) -> TableDef:
            return self._without_index(self._existing(model, old), index.name)

        sql = f"DROP INDEX {self.quote_name(index.name)}"
        self._change(f"remove index {index.name}", model, sql, change)

    def rename_index(
        self, model: type[Model], old_index: ModelIndex, new_index: ModelIndex
    ) -> None:
        """Rename an index in the catalogue; the one in DynamoDB has a number only."""

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            self._without_index(table, old_index.name)  # it must be there
            return replace(
                table,
                indexes=tuple(
                    replace(known, name=new_index.name) if known.name == old_index.name else known
                    for known in table.indexes
                ),
            )

        names = f"{self.quote_name(old_index.name)} RENAME TO {self.quote_name(new_index.name)}"
        label = f"rename index {old_index.name} {new_index.name}"
        self._change(label, model, f"ALTER INDEX {names}", change)

    def _without_index(self, table: TableDef, name: str) -> TableDef:
        rest = tuple(index for index in table.indexes if index.name != name)
        if rest == table.indexes and not self.collect_sql:
            raise OperationalError(f"no such index: {name}")
        return replace(table, indexes=rest)

    # --- constraints ------------------------------------------------------------------------

    def add_constraint(self, model: type[Model], constraint: BaseConstraint) -> None:
        """Add a constraint, which the rows that are there must satisfy."""

        if isinstance(constraint, UniqueConstraint):
            # Before anything is asked of the catalogue, as Django's own editors compile it.
            definition.unique_constraint(self, model, constraint)

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            if not self.collect_sql and _has_constraint(table, constraint.name):
                raise OperationalError(f"constraint {constraint.name} already exists")
            return definition.with_constraint(self, table, model, constraint)

        name = self.quote_name(constraint.name)
        sql = f"ALTER TABLE {self.quote_name(model._meta.db_table)} ADD CONSTRAINT {name}"
        self._change(f"add constraint {constraint.name}", model, sql, change)

    def remove_constraint(self, model: type[Model], constraint: BaseConstraint) -> None:
        """Drop a constraint; sentinels left over mean nothing."""

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            return replace(
                table,
                uniques=tuple(u for u in table.uniques if u.name != constraint.name),
                checks=tuple(c for c in table.checks if c.name != constraint.name),
            )

        names = {"table": self.quote_name(model._meta.db_table)}
        names |= {"name": self.quote_name(constraint.name)}
        sql = _BASE.sql_delete_constraint % names
        self._change(f"remove constraint {constraint.name}", model, sql, change)

    def alter_unique_together(
        self,
        model: type[Model],
        old_unique_together: Iterable[Sequence[str]],
        new_unique_together: Iterable[Sequence[str]],
    ) -> None:
        """Add and drop the constraints that differ."""
        olds = {tuple(names) for names in old_unique_together}
        news = {tuple(names) for names in new_unique_together}

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            for names in sorted(olds - news):
                columns = definition.columns_of(model, names)
                table = self._without_together(model, table, columns)
            added = [definition.together(self, model, names) for names in sorted(news - olds)]
            return definition.with_uniques(table, added)

        if olds != news:
            table = self.quote_name(model._meta.db_table)
            sql = f"ALTER TABLE {table} ALTER UNIQUE {sorted(olds)} TO {sorted(news)}"
            self._change(f"unique {sorted(olds)} {sorted(news)}", model, sql, change)

    def _without_together(
        self, model: type[Model], table: TableDef, columns: tuple[str, ...]
    ) -> TableDef:
        own = {constraint.name for constraint in model._meta.constraints}
        found = [u for u in table.uniques if u.columns == columns and u.name not in own]
        found = [u for u in found if u.is_implied][:1] or found
        if len(found) != 1:
            if self.collect_sql:
                return table
            raise ValueError(
                f"Found wrong number ({len(found)}) of constraints for "
                f"{model._meta.db_table}({', '.join(columns)})"
            )
        return replace(table, uniques=tuple(u for u in table.uniques if u != found[0]))

    def alter_index_together(
        self,
        model: type[Model],
        old_index_together: Iterable[Sequence[str]],
        new_index_together: Iterable[Sequence[str]],
    ) -> None:
        """Add and drop the indexes that differ: old migrations still have them."""
        olds = {tuple(names) for names in old_index_together}
        news = {tuple(names) for names in new_index_together}

        def change(old: TableDef | None) -> TableDef:
            table = self._existing(model, old)
            for names in sorted(olds - news):
                columns = definition.columns_of(model, names)
                known = definition.implied_index(self, model, columns, "_idx")
                table = self._without_index(table, known.name)
            added = [
                definition.implied_index(self, model, definition.columns_of(model, names), "_idx")
                for names in sorted(news - olds)
            ]
            return definition.with_indexes(table, added)

        if olds != news:
            table = self.quote_name(model._meta.db_table)
            sql = f"ALTER TABLE {table} ALTER INDEX {sorted(olds)} TO {sorted(news)}"
            self._change(f"index {sorted(olds)} {sorted(news)}", model, sql, change)

    # --- what sqlmigrate shows --------------------------------------------------------------

    def _create_sql(self, model: type[Model]) -> str:
        kept, self.deferred_sql = self.deferred_sql, []
        try:
            sql, _ = self.table_sql(model)
        finally:
            self.deferred_sql = kept
        return sql

    def _alter_sql(self, model: type[Model], old: AnyField, new: AnyField) -> str:
        return (
            f"ALTER TABLE {self.quote_name(model._meta.db_table)} "
            f"CHANGE {self.quote_name(str(old.column))} {self.quote_name(str(new.column))} "
            f"{self.column_sql(model, new)[0]}"
        )


def _has_constraint(table: TableDef, name: str) -> bool:
    names = [*(unique.name for unique in table.uniques), *(check.name for check in table.checks)]
    return name in names
