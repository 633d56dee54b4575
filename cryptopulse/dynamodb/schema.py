"""Django's schema editor: each change becomes the table's next definition, which
`transition.py` then brings about."""

# ruff: noqa: SLF001 - what Django's own schema editors call is called here
from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import OperationalError
from django.db.backends.base import schema as base_schema
from django.db.backends.utils import strip_quotes
from django.db.models import CompositePrimaryKey, Model

from . import changes, definition
from .catalogue import TableDef
from .constraints import ConstraintEditor
from .definition import AnyField, name_of
from .editing import BASE

#: The types of Django's stubs do not know it.
_RELATED: Any = vars(base_schema)["_related_non_m2m_objects"]


class DatabaseSchemaEditor(ConstraintEditor):
    """Creates, changes and drops the tables of models."""

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
        model: type[Model],
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

        if self.collect_sql:
            stored = self.registry.tables.get(before) or self._before(model)
            self._plan(before, replace(stored, name=before))
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
        indexes = definition.field_indexes(self, model, field, self._options(model))
        table = definition.with_indexes(table, indexes)
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
        if (is_other and is_target) or BASE._field_became_primary_key(self, old_field, new_field):
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
            indexes = definition.field_indexes(self, model, new, self._options(model))
            table = definition.with_indexes(table, indexes)
        return table

    def _is_indexed(self, model: type[Model], field: AnyField) -> bool:
        return bool(BASE._field_should_be_indexed(self, model, field))

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
        BASE._alter_many_to_many(self, model, old_field, new_field, strict)

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
