"""Indexes and constraints added, dropped and renamed."""

# ruff: noqa: SLF001 - what Django's own schema editors call is called here
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import OperationalError
from django.db.backends.utils import strip_quotes
from django.db.models import Index as ModelIndex
from django.db.models import Model, UniqueConstraint
from django.db.models.constraints import BaseConstraint

from . import definition
from .catalogue import TableDef
from .editing import BASE, TableEditor


class ConstraintEditor(TableEditor):
    """What a schema editor does to indexes and constraints of tables that exist."""

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

        if self.collect_sql:
            before = self._without_index(self._before(model), index.name)
            self._plan(strip_quotes(model._meta.db_table), definition.settled(before))
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
        if self.collect_sql:
            before = _without_constraint(self._before(model), constraint.name)
            self._plan(strip_quotes(model._meta.db_table), before)
            sql = str(constraint.create_sql(model, self) or sql)
        self._change(f"add constraint {constraint.name}", model, sql, change)

    def remove_constraint(self, model: type[Model], constraint: BaseConstraint) -> None:
        """Drop a constraint; sentinels left over mean nothing."""

        def change(old: TableDef | None) -> TableDef:
            return _without_constraint(self._existing(model, old), constraint.name)

        names = {"table": self.quote_name(model._meta.db_table)}
        names |= {"name": self.quote_name(constraint.name)}
        sql = BASE.sql_delete_constraint % names
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


def _without_constraint(table: TableDef, name: str) -> TableDef:
    return replace(
        table,
        uniques=tuple(unique for unique in table.uniques if unique.name != name),
        checks=tuple(check for check in table.checks if check.name != name),
    )


def _has_constraint(table: TableDef, name: str) -> bool:
    names = [*(unique.name for unique in table.uniques), *(check.name for check in table.checks)]
    return name in names
