"""What a model's state says about its table, in the catalogue's words.

Functions take the schema editor first, as `Index.create_sql` does in Django, because SQL is
compiled for its connection. Slots and attribute names are given here for a table of its own;
`changes.py` finds their place in a table that exists.
"""

# ruff: noqa: SLF001 - what Django's own schema editors call is called here
from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from django.db import NotSupportedError
from django.db.backends.ddl_references import Expressions
from django.db.backends.utils import strip_quotes
from django.db.models import (
    CheckConstraint,
    CompositePrimaryKey,
    Field,
    Model,
    UniqueConstraint,
)
from django.db.models import (
    Index as ModelIndex,
)
from django.db.models.constraints import BaseConstraint
from django.db.models.expressions import ExpressionList
from django.db.models.indexes import IndexExpression
from django.db.models.sql import Query

from .catalogue import MAX_INDEXES, Check, Column, Index, TableDef, Unique, Value
from .options import TableOptions

#: The types of Django's stubs lack most of what schema editors, indexes and constraints share.
Editor: TypeAlias = Any
AnyField: TypeAlias = "Field[Any, Any]"
AUTO_FIELDS = {"AutoField", "BigAutoField", "SmallAutoField"}
#: Stands in for a primary key's column that was removed before another key was named.
HIDDEN = "__key_"
_UNPLACED = 0  # the slot of an index or constraint that has not got one yet


# --- tables ---------------------------------------------------------------------------------


def table_of(editor: Editor, model: type[Model], physical: str, options: TableOptions) -> TableDef:
    """Return the table that a model's state asks for."""
    meta = model._meta
    fields = [field for field in meta.local_concrete_fields if type_of(editor, field)]
    auto = [name_of(field) for field in fields if is_auto(field)]
    table = TableDef(
        name=strip_quotes(meta.db_table),
        physical=physical,
        columns=tuple(column_of(editor, field) for field in fields),
        key=key_of(meta.pk),
        auto=auto[0] if auto else None,
        shards=options.shards,
        # The column may come with a later migration.
        ttl=options.ttl if any(field.column == options.ttl for field in fields) else None,
        checks=tuple(check for field in fields for check in field_checks(editor, model, field)),
    )
    for field in fields:
        table = with_uniques(table, field_uniques(editor, model, field))
        table = with_indexes(table, field_indexes(editor, model, field, options))
    for names in meta.unique_together:
        table = with_uniques(table, [together(editor, model, names)])
    for constraint in meta.constraints:
        table = with_constraint(editor, table, model, constraint)
    for index in meta.indexes:
        table = with_indexes(table, [index_of(editor, model, index, options)])
    return settled(table)


def key_of(pk: AnyField) -> tuple[str, ...]:
    """Return the columns of a primary key."""
    if isinstance(pk, CompositePrimaryKey):
        return tuple(strip_quotes(column) for column in pk.columns)
    return (name_of(pk),)


def with_uniques(table: TableDef, uniques: Iterable[Unique]) -> TableDef:
    """Return the table with more unique constraints, each under a slot of its own."""
    for unique in uniques:
        placed = replace(unique, slot=table.next_slot)
        table = replace(table, uniques=(*table.uniques, placed), next_slot=table.next_slot + 1)
    return table


def with_indexes(table: TableDef, indexes: Iterable[Index]) -> TableDef:
    """Return the table with more indexes, each under a slot of its own."""
    for index in indexes:
        placed = replace(index, slot=table.next_slot)
        table = replace(table, indexes=(*table.indexes, placed), next_slot=table.next_slot + 1)
    return table


def with_constraint(
    editor: Editor, table: TableDef, model: type[Model], constraint: BaseConstraint
) -> TableDef:
    """Return the table with a constraint of the model's Meta."""
    if isinstance(constraint, UniqueConstraint):
        return with_uniques(table, unique_constraint(editor, model, constraint))
    if isinstance(constraint, CheckConstraint):
        sql = constraint._get_check_sql(model, editor)  # type: ignore[attr-defined]
        return replace(table, checks=(*table.checks, Check(name=constraint.name, sql=sql)))
    raise NotSupportedError(
        f"DynamoDB has nothing to keep {type(constraint).__name__} {constraint.name!r} with."
    )


def settled(table: TableDef) -> TableDef:
    """Return the table with `is_built` decided for each index.

    What a foreign key or db_index implies is left out where a declared index begins with the
    same column; so are what TABLES names as unbuilt and what exceeds the 20 indexes that
    DynamoDB allows a table, the implied ones first.
    """
    built: set[int] = set()
    for index in sorted(table.indexes, key=lambda index: (index.is_implied, index.slot)):
        if index.columns and index.is_wanted and not _is_covered(index, table, built):
            built.add(index.slot)
        if len(built) == MAX_INDEXES:
            break
    indexes = tuple(replace(index, is_built=index.slot in built) for index in table.indexes)
    return replace(table, indexes=indexes)


def _is_covered(index: Index, table: TableDef, built: set[int]) -> bool:
    return index.is_implied and any(
        other.slot in built
        and other.columns[: len(index.columns)] == index.columns
        and other.condition is None
        and not other.shards
        for other in table.indexes
    )


# --- columns --------------------------------------------------------------------------------


def type_of(editor: Editor, field: AnyField) -> str | None:
    """Return a field's column type; None where it has no column."""
    declared: str | None = field.db_parameters(connection=editor.connection)["type"]
    return declared


def is_auto(field: AnyField) -> bool:
    """Tell whether a sequence fills the field."""
    return field.get_internal_type() in AUTO_FIELDS


def column_of(editor: Editor, field: AnyField) -> Column:
    """Return a field's column, as a new one: attribute and default are those of a new table."""
    parameters = field.db_parameters(connection=editor.connection)
    target = _target(field)
    collation = parameters.get("collation")
    is_decimal = target.get_internal_type() == "DecimalField"
    return Column(
        name=name_of(field),
        type=str(parameters["type"]),
        attribute=attribute_for(name_of(field), ()),
        null=field.null and not field.primary_key,
        scale=target.decimal_places if is_decimal else None,  # type: ignore[attr-defined]
        collation=str(collation) if collation else None,
        is_json=field.get_internal_type() == "JSONField",
        references=_references(field),
        is_constrained=bool(field.remote_field and getattr(field, "db_constraint", False)),
        db_default=editor.db_default_sql(field)[0] if field.has_db_default() else None,
        generated=_generated(editor, field),
        # Stores a NULL that was computed, to tell it from what has not been computed yet.
        absent=0 if field.generated else None,
        is_virtual=bool(field.generated and not field.db_persist),  # type: ignore[attr-defined]
    )


def columns_of(model: type[Model], names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a model's fields."""
    fields: Any = model._meta.get_field
    return tuple(name_of(fields(name)) for name in names)


def attribute_for(column: str, taken: Iterable[str]) -> str:
    """Return an attribute's name for a column, none of those that items may carry already."""
    first = candidate = f"_{column}" if column.startswith("@") else column
    known, number = set(taken), 2
    while candidate in known:
        candidate, number = f"{first}@{number}", number + 1
    return candidate


def default_of(editor: Editor, field: AnyField) -> Value:
    """Return what rows that are already there have in a new column; asks SQLite for SQL."""
    if field.generated:
        return None
    if not field.has_db_default():
        return adapted(editor.effective_default(field))
    sql, _ = editor.db_default_sql(field)
    with editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}")
        (value,) = cursor.fetchone()
    return adapted(value)


def adapted(value: Any) -> Value:
    """Return a value as SQLite would be given it."""
    with contextlib.suppress(sqlite3.ProgrammingError):
        value = sqlite3.adapt(value)  # type: ignore[call-overload]
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return value if isinstance(value, int | float | bytes | None) else str(value)


def name_of(field: AnyField) -> str:
    """Return a field's column without the quotes that db_column may have."""
    return strip_quotes(str(field.column))


def _target(field: AnyField) -> AnyField:
    if field.generated:
        field = field.output_field  # type: ignore[attr-defined]
    while field.remote_field and getattr(field, "target_field", None) is not None:
        field = field.target_field  # type: ignore[attr-defined]
    return field


def _references(field: AnyField) -> tuple[str, str] | None:
    if not field.remote_field:
        return None
    model = field.remote_field.model
    return strip_quotes(model._meta.db_table), strip_quotes(field.target_field.column)  # type: ignore[attr-defined]


def _generated(editor: Editor, field: AnyField) -> str | None:
    if not field.generated:
        return None
    sql, parameters = field.generated_sql(editor.connection)  # type: ignore[attr-defined]
    return str(sql % tuple(editor.quote_value(value) for value in parameters))


# --- what fields bring ----------------------------------------------------------------------


def field_uniques(editor: Editor, model: type[Model], field: AnyField) -> list[Unique]:
    """Return the unique constraint that a field implies, if it does."""
    if not field.unique or field.primary_key:
        return []
    return [_implied_unique(editor, model, [name_of(field)])]


def field_indexes(
    editor: Editor, model: type[Model], field: AnyField, options: TableOptions
) -> list[Index]:
    """Return the index that a field implies, if it does."""
    if not editor._field_should_be_indexed(model, field):
        return []
    index = implied_index(editor, model, [name_of(field)], "")
    return [replace(index, is_wanted=name_of(field) not in options.unbuilt)]


def field_checks(editor: Editor, model: type[Model], field: AnyField) -> list[Check]:
    """Return the check that a field's type implies, if it does."""
    sql = field.db_parameters(connection=editor.connection)["check"]
    if not sql:
        return []
    name = editor._create_index_name(model._meta.db_table, [field.column], suffix="_check")
    return [Check(name=name, sql=sql, column=name_of(field))]


def together(editor: Editor, model: type[Model], names: Sequence[str]) -> Unique:
    """Return the constraint of one entry of unique_together."""
    return _implied_unique(editor, model, columns_of(model, names))


def _implied_unique(editor: Editor, model: type[Model], columns: Sequence[str]) -> Unique:
    name = editor._create_index_name(model._meta.db_table, columns, suffix="_uniq")
    return Unique(name=name, slot=_UNPLACED, columns=tuple(columns), is_implied=True)


def implied_index(editor: Editor, model: type[Model], columns: Sequence[str], suffix: str) -> Index:
    """Return the index of a field or of one entry of index_together."""
    name = editor._create_index_name(model._meta.db_table, columns, suffix=suffix)
    return Index(name=name, slot=_UNPLACED, columns=tuple(columns), is_implied=not suffix)


# --- indexes and constraints of Meta --------------------------------------------------------


def index_of(editor: Editor, model: type[Model], index: ModelIndex, options: TableOptions) -> Index:
    """Return an index of Meta.indexes; one of expressions has no columns and is never built."""
    orders = index.fields_orders
    return Index(
        name=index.name,
        slot=_UNPLACED,
        columns=columns_of(model, [name for name, _ in orders]),
        shards=options.ordered.get(index.name, 0),
        condition=index._get_condition_sql(model, editor),  # type: ignore[attr-defined]
        descending=tuple(order == "DESC" for _, order in orders),
        expressions=_index_expressions(editor, model, index),
        is_wanted=index.name not in options.unbuilt,
    )


def unique_constraint(editor: Editor, model: type[Model], constraint: Any) -> list[Unique]:
    """Return a UniqueConstraint, or nothing where Django's checks have warned of it already."""
    if not editor._unique_supported(
        condition=constraint.condition,
        deferrable=constraint.deferrable,
        include=constraint.include,
        expressions=constraint.expressions,
        nulls_distinct=constraint.nulls_distinct,
    ):
        return []
    unique = Unique(
        name=constraint.name,
        slot=_UNPLACED,
        columns=columns_of(model, constraint.fields),
        expressions=_expressions(editor, model, constraint),
        condition=constraint._get_condition_sql(model, editor),
        nulls_distinct=constraint.nulls_distinct is not False,
    )
    return [unique]


def _expressions(
    editor: Editor, model: type[Model], constraint: UniqueConstraint
) -> tuple[str, ...]:
    resolved = constraint._get_index_expressions(model, editor)  # type: ignore[attr-defined]
    found = _compiled(editor, model, resolved.source_expressions if resolved else [])
    return tuple(_ORDER.sub("", sql) for sql in found)


def _index_expressions(editor: Editor, model: type[Model], index: ModelIndex) -> tuple[str, ...]:
    wrapped = [IndexExpression(expression) for expression in index.expressions]
    for expression in wrapped:
        expression.set_wrapper_classes(editor.connection)
    query = Query(model, alias_cols=False)
    resolved = ExpressionList(*wrapped).resolve_expression(query)
    return tuple(_compiled(editor, model, resolved.source_expressions))


def _compiled(editor: Editor, model: type[Model], expressions: Iterable[Any]) -> Iterator[str]:
    compiler = Query(model, alias_cols=False).get_compiler(connection=editor.connection)
    for one in expressions:
        parts = Expressions(model._meta.db_table, ExpressionList(one), compiler, editor.quote_value)
        yield str(parts)


#: An order says nothing about what is unique, and is no part of an expression.
_ORDER = re.compile(r"\s+(ASC|DESC)$", re.IGNORECASE)
