"""What the engine cannot keep, or can only do by reading whole tables, said at start-up.

Errors are refused or would be lost; warnings work and cost. Nothing here asks DynamoDB, and
neither boto3 nor apsw is imported, but for `find_changed_options`, which needs the catalogue.
"""

# ruff: noqa: SLF001 (a model's `_meta` is Django's public API)

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError
from django.db.models import CheckConstraint, Field, Index, Model, UniqueConstraint

from .catalogue import MAX_INDEXES
from .options import Options, TableOptions

if TYPE_CHECKING:
    from .catalogue import TableDef

Models = Sequence[type[Model]]
AnyField: TypeAlias = "Field[Any, Any]"

#: Tables that no model has: the migrations' own.
_TABLES_BESIDES = frozenset({"django_migrations"})


def find(models: Models, options: Options, admins: Mapping[type[Model], Any]) -> Iterator[Any]:
    """Yield what is wrong with these models, their TABLES entries and the lists of their admins."""
    for model in models:
        yield from _constraints(model)
        yield from _columns(model)
        yield from _indexes(model)
        yield from _orderings(model, options.table(model._meta.db_table), admins.get(model))
    yield from _entries(models, options)


def _error(number: int, sentence: str, hint: str, model: type[Model] | None = None) -> Error:
    return Error(sentence, hint=hint, obj=model, id=f"cryptopulse.E{number}")


def _warning(number: int, sentence: str, hint: str, model: type[Model]) -> Warning:
    return Warning(sentence, hint=hint, obj=model, id=f"cryptopulse.W{number}")


# --- Models ---------------------------------------------------------------------------------


def _constraints(model: type[Model]) -> Iterator[CheckMessage]:
    for constraint in model._meta.constraints:
        has_more = any(
            getattr(constraint, name, None) for name in ("deferrable", "include", "opclasses")
        )
        if has_more or not isinstance(constraint, (CheckConstraint, UniqueConstraint)):
            yield _error(
                101,
                f"The constraint {constraint.name} ({type(constraint).__name__}) is not kept on "
                "DynamoDB.",
                "The engine keeps CheckConstraint and UniqueConstraint, also conditional and of "
                "expressions, but neither deferrable ones nor those that include columns.",
                model,
            )


def _columns(model: type[Model]) -> Iterator[CheckMessage]:
    for field in model._meta.local_concrete_fields:
        if (field.column or "").startswith("@"):
            yield _error(
                105,
                f"The column {field.column!r} begins with @, as the engine's own attributes do.",
                "Give the field another db_column.",
                model,
            )


def _indexes(model: type[Model]) -> Iterator[CheckMessage]:
    built = [index for index in model._meta.indexes if not index.expressions]
    for index in model._meta.indexes:
        if index.expressions:
            yield _warning(
                104,
                f"The index {index.name} is of expressions: it is accepted and not built.",
                "A query that needs it reads more than it returns. Store the value in a column, "
                "or in a GeneratedField, and index that.",
                model,
            )
    count = len(built) + sum(_is_implied(field, built) for field in model._meta.local_fields)
    if count > MAX_INDEXES:
        yield _warning(
            102,
            f"It has {count} indexes; DynamoDB builds {MAX_INDEXES} for a table.",
            "Those that foreign keys and db_index imply are left out first: give them "
            "db_index=False, so that you choose.",
            model,
        )


def _is_implied(field: AnyField, declared: Iterable[Index]) -> bool:
    """Tell whether a field brings an index of its own that no declared one stands in for."""
    if not getattr(field, "db_index", False) or field.unique or field.primary_key:
        return False
    return all(index.fields[0] != field.name or index.condition for index in declared)


# --- Orderings ------------------------------------------------------------------------------


def _orderings(model: type[Model], options: TableOptions, admin: Any) -> Iterator[CheckMessage]:
    """Warn of lists of a large table whose order nothing but sorting all of it can make."""
    if options.small or not model._meta.managed or model._meta.proxy:
        return
    orderings = {"Meta.ordering": model._meta.ordering}
    if admin is not None:
        orderings["Its admin's ordering"] = admin.ordering or ()
    for place, ordering in orderings.items():
        if ordering and not _is_served(model, ordering, options):
            yield _warning(
                103,
                f"{place} is {', '.join(map(str, ordering))}: without a filter, the whole table "
                f"{model._meta.db_table} is read and sorted.",
                "Order by the primary key, or by all columns of an index that TABLES names as "
                "`ordered`; or say that the table is `small`.",
                model,
            )


def _is_served(model: type[Model], ordering: Sequence[Any], options: TableOptions) -> bool:
    """Tell whether rows come in this order from the table itself or from an ordered index."""
    keys = [field.name for field in model._meta.pk_fields]
    ordered = [
        index.fields
        for index in model._meta.indexes
        if index.name in options.ordered and not index.condition
    ]
    paths = [keys, *([*fields, *keys] for fields in ordered)]
    wanted = [_parsed(model, entry) for entry in ordering]
    names = [name for name, _ in wanted]
    if None in names or len({descending for _, descending in wanted}) != 1:
        return False
    # What follows a whole path, which ends in the key, orders nothing any more.
    return any(names[: len(path)] == path[: len(names)] for path in paths)


def _parsed(model: type[Model], entry: Any) -> tuple[str | None, bool]:
    """Return the field that an entry of an ordering names, and whether it descends."""
    if not isinstance(entry, str):
        expression = getattr(entry, "expression", entry)
        name = getattr(expression, "name", "")
        return _field_name(model, name), bool(getattr(entry, "descending", False))
    return _field_name(model, entry.removeprefix("-")), entry.startswith("-")


def _field_name(model: type[Model], name: str) -> str | None:
    if name == "pk":
        return model._meta.pk_fields[0].name
    for field in model._meta.concrete_fields:
        # A foreign key's own name means the ordering of what it points to.
        if name == field.attname or (name == field.name and not field.is_relation):
            return field.name
    return None


# --- TABLES ---------------------------------------------------------------------------------


def _entries(models: Models, options: Options) -> Iterator[CheckMessage]:
    by_table = {model._meta.db_table: model for model in models}
    for table, entry in options.tables.items():
        model = by_table.get(table)
        if model is not None:
            yield from _entry(model, entry)
        elif table not in _TABLES_BESIDES:
            yield _error(
                106,
                f"TABLES names {table!r}, and no installed model has that table.",
                "Mend the name (a model's db_table), or leave the entry out.",
            )


def _entry(model: type[Model], entry: TableOptions) -> Iterator[CheckMessage]:
    table = model._meta.db_table
    columns = {field.column or "" for field in model._meta.local_concrete_fields}
    for column in filter(None, (entry.ttl, *entry.check_references)):
        if column not in columns:
            yield _error(
                107,
                f"TABLES[{table!r}] names the column {column!r}, which the table does not have.",
                f"It has {', '.join(sorted(columns))}.",
                model,
            )
    indexes = {index.name for index in model._meta.indexes}
    implied = {field.column for field in model._meta.local_fields if _is_implied(field, ())}
    for name in (*entry.ordered, *(name for name in entry.unbuilt if name not in implied)):
        if name not in indexes:
            yield _error(
                107,
                f"TABLES[{table!r}] names the index {name!r}, which the model does not have.",
                f"Its Meta.indexes are {', '.join(sorted(indexes)) or 'none'}.",
                model,
            )


# --- What is stored -------------------------------------------------------------------------


def find_changed_options(options: Options) -> Iterator[CheckMessage]:
    """Yield tables that are stored otherwise than TABLES says. Asks DynamoDB."""
    from .store import Store

    registry = Store.of(options).registry
    try:
        registry.ensure()
    except (DatabaseError, sqlite3.Error):
        return  # whoever needs the database will say so better
    for table in registry.tables.values():
        yield from changed_options(table, options)


def changed_options(table: TableDef, options: Options) -> Iterator[CheckMessage]:
    """Yield what to do about a table that was made with other options. The stored ones hold."""
    from .applying import difference

    found = difference(table, options.table(table.name))
    if found is None:
        return
    command = f"manage.py dynamodb_apply_options {table.name}"
    if found.must_copy:
        yield _error(
            108,
            f"TABLES says {found.new.shards} shards for {table.name!r}, and its rows lie in "
            f"{table.shards}: a row's shard is part of its key, so what is stored holds.",
            f"Leave it at {table.shards}, or stop what writes the table and copy it: {command}",
        )
    elif what := "; ".join(found.sentences()):
        yield Warning(
            f"{table.name!r} is not stored as TABLES says ({what}); what is stored holds.",
            hint=f"Change it in place, at any time: {command}",
            id="cryptopulse.W109",
        )
