"""How each kind of expression compiles where a decimal is involved.

Everywhere a decimal comes out, it is text with the DECIMAL collation; whatever else flows into
one goes through `dec_of`. Each handler returns None to leave the node to Django.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import (
    Avg,
    Case,
    CharField,
    DecimalField,
    Exists,
    ExpressionWrapper,
    FloatField,
    Func,
    IntegerField,
    Max,
    Min,
    Subquery,
    Sum,
    TextField,
    Value,
    Window,
)
from django.db.models.expressions import (
    ColPairs,
    CombinedExpression,
    DurationExpression,
    Expression,
    SQLiteNumericMixin,
    TemporalSubtraction,
)
from django.db.models.fields.tuple_lookups import Tuple, TupleIn
from django.db.models.functions import (
    Abs,
    Cast,
    Ceil,
    Coalesce,
    Floor,
    Greatest,
    JSONArray,
    JSONObject,
    Least,
    Mod,
    NullIf,
    Round,
)
from django.db.models.lookups import In, Lookup
from django.db.models.sql import Query

Compiled = tuple[str, Sequence[Any]]
Handler = Callable[[Any, Any], Compiled | None]

OPERATORS = {"+": "dec_add", "-": "dec_sub", "*": "dec_mul", "/": "dec_div", "%%": "dec_mod"}
AGGREGATES = {Sum: "dec_sum", Avg: "dec_avg"}
FUNCTIONS = {Abs: "dec_abs", Ceil: "dec_ceil", Floor: "dec_floor", Mod: "dec_mod"}
#: Their value is one of their arguments' values, unchanged.
PASSING = (Coalesce, NullIf, Case, ExpressionWrapper, Max, Min, Greatest, Least)


class ToDecimal(Func):
    """A number of another kind, as a decimal."""

    function = "dec_of"
    arity = 1
    output_field = DecimalField()


class RowsToDecimal(Expression):
    """The rows of a subquery, with decimals in those columns where they are wanted."""

    output_field = TextField()

    def __init__(self, query: Query, wanted: Sequence[bool]) -> None:
        super().__init__()
        self.query, self.wanted = query, wanted
        self._db = getattr(query, "_db", None)  # IN refuses another database's rows

    def as_sql(  # type: ignore[override]
        self,
        compiler: Any,
        connection: Any,  # noqa: ARG002
    ) -> Compiled:
        """Return a subquery around the subquery."""
        sql, params = compiler.compile(self.query)
        names = [f"x{number}" for number in range(len(self.wanted))]
        pairs = zip(names, self.wanted, strict=True)
        values = ", ".join(f"dec_of({name})" if wanted else name for name, wanted in pairs)
        rows = f"dec_rows({', '.join(names)}) AS {sql}"
        return f"(WITH {rows} SELECT {values} FROM dec_rows)", params  # noqa: S608 - our own names


class ToJSON(Func):
    """A decimal as a number of JSON rather than a string."""

    function = "JSON"
    arity = 1
    output_field = TextField()


def output_of(node: Any) -> Any:
    """Return the field of an expression's values, None when it has none or is ambiguous."""
    try:
        return getattr(node, "_output_field_or_none", None)
    except FieldError:
        return None


def is_decimal(node: Any) -> bool:
    """Tell whether an expression's values are decimals."""
    return isinstance(output_of(node), DecimalField)


def is_number(node: Any) -> bool:
    """Tell whether an expression's values are numbers to SQLite."""
    return isinstance(output_of(node), IntegerField | FloatField)


def is_null(node: Any) -> bool:
    """Tell whether an expression is the constant NULL."""
    return isinstance(node, Value) and node.value is None


def collated(sql: str) -> str:
    """Return SQL whose text compares as a number."""
    return f"({sql} COLLATE DECIMAL)"


def _sources(node: Any) -> list[Any]:
    return [source for source in node.get_source_expressions() if source is not None]


def _arithmetic(compiler: Any, node: CombinedExpression) -> Compiled | None:
    if not is_decimal(node):
        return None
    function = OPERATORS.get(node.connector)
    if function is None:
        return _converted(compiler, node)
    left, left_params = compiler.compile(node.lhs)
    right, right_params = compiler.compile(node.rhs)
    return collated(f"{function}({left}, {right})"), (*left_params, *right_params)


def _converted(compiler: Any, node: Any) -> Compiled:
    sql, params = node.as_sql(compiler, compiler.connection)
    return collated(f"dec_of({sql})"), params


def _duration(compiler: Any, node: DurationExpression) -> Compiled | None:
    """A duration times a decimal: Django's function for it takes doubles."""
    if not any(is_decimal(source) for source in _sources(node)):
        return None
    node = copy(node)
    node.set_source_expressions(
        [
            Cast(source, FloatField()) if is_decimal(source) else source
            for source in node.get_source_expressions()
        ]
    )
    compiled: Compiled = compiler.compile(node)
    return compiled


def _aggregate(compiler: Any, node: Any) -> Compiled | None:
    if not is_decimal(node):
        return None
    function = AGGREGATES[type(node)]
    sql, params = node.as_sql(compiler, compiler.connection, function=function)
    return collated(sql), params


def _function(compiler: Any, node: Any) -> Compiled | None:
    if not is_decimal(node):
        return None
    function = FUNCTIONS[type(node)]
    sql, params = node.as_sql(compiler, compiler.connection, function=function)
    return collated(sql), params


def _round(compiler: Any, node: Round) -> Compiled | None:
    """Round decimals exactly, and other numbers where SQLite's ROUND knows no tens."""
    precision = node.get_source_expressions()[1]
    is_negative = isinstance(precision, Value) and precision.value < 0
    if not is_decimal(node) and not is_negative:
        return None
    sql, params = node.as_sql(compiler, compiler.connection, function="dec_round")
    if is_decimal(node):
        return collated(sql), params
    return f"(CAST({sql} AS NUMERIC))", params


def _cast(compiler: Any, node: Cast) -> Compiled | None:
    if not is_decimal(node):
        return _cut(compiler, node)
    sql, params = compiler.compile(node.get_source_expressions()[0])
    places = getattr(node.output_field, "decimal_places", None)
    exact = f"dec_of({sql})" if places is None else f"dec_round({sql}, {int(places)})"
    return collated(exact), params


def _cut(compiler: Any, node: Cast) -> Compiled | None:
    """Cast to text of a length, which SQLite's CAST does not know."""
    field = node.output_field
    if not isinstance(field, CharField) or field.max_length is None:
        return None
    sql, params = node.as_sql(compiler, compiler.connection)
    return f"SUBSTR({sql}, 1, {int(field.max_length)})", params


def _extreme(compiler: Any, node: Any) -> Compiled | None:
    """MAX(a, b) compares by the collation of its first argument that has one."""
    if not is_decimal(node):
        return _number(compiler, node)
    function = "MAX" if isinstance(node, Greatest) else "MIN"
    parts, params = [], []
    for source in _sources(node):
        sql, source_params = compiler.compile(source)
        parts.append(sql if is_decimal(source) or is_null(source) else f"dec_of({sql})")
        params.extend(source_params)
    parts[0] = collated(parts[0])
    return collated(f"{function}({', '.join(parts)})"), params


def _number(compiler: Any, node: Any) -> Compiled | None:
    """Return SQL for decimals that are declared to come out as another kind of number."""
    if not is_number(node) or not any(is_decimal(source) for source in _sources(node)):
        return None
    vendor = getattr(node, "as_sqlite", node.as_sql)
    sql, params = vendor(compiler, compiler.connection)
    return f"(CAST({sql} AS NUMERIC))", params


def _passing(compiler: Any, node: Any) -> Compiled | None:
    if not is_decimal(node):
        return _number(compiler, node)
    if not all(is_decimal(source) or is_null(source) for source in _values(node)):
        return _converted(compiler, node)
    sql, params = node.as_sql(compiler, compiler.connection)
    return collated(sql), params


def _values(node: Any) -> list[Any]:
    """Return those source expressions whose value may come out."""
    if isinstance(node, Max | Min):  # beside the value an aggregate may have a filter
        return _sources(node)[:1]
    return _sources(node)


def _numeric(compiler: Any, node: Any) -> Compiled | None:
    return _converted(compiler, node) if is_decimal(node) else None


def _window(compiler: Any, node: Any) -> Compiled | None:
    source = node.source_expression
    if not is_decimal(source):
        return None
    function = AGGREGATES.get(type(source))
    source = source.copy()
    if function:
        source.extra["function"] = function
    # Neither a decimal nor a number: nothing is written between the function and its OVER.
    source.output_field = TextField()
    window = node.copy()
    window.set_source_expressions([source, *node.get_source_expressions()[1:]])
    sql, params = window.as_sql(compiler, compiler.connection)
    if not is_decimal(node):
        return f"(CAST({sql} AS NUMERIC))", params
    return collated(sql if function else f"dec_of({sql})"), params


def _constant(compiler: Any, node: Value) -> Compiled | None:
    if not is_decimal(node) or node.value is None:
        return None
    sql, params = node.as_sql(compiler, compiler.connection)
    return collated(sql), params


def _comparison(compiler: Any, node: Lookup[Any]) -> Compiled | None:
    """Compare a decimal with another kind of number as decimals."""
    left, right = node.lhs, node.rhs
    if not hasattr(right, "as_sql"):
        return None
    if isinstance(node, In):
        return _membership(compiler, node)
    if is_decimal(left) and is_number(right):
        right = ToDecimal(right)
    elif is_decimal(right) and is_number(left):
        left = ToDecimal(left)
    else:
        return None
    node = copy(node)
    node.lhs, node.rhs = left, right
    compiled: Compiled = compiler.compile(node)
    return compiled


def _membership(compiler: Any, node: In[Any]) -> Compiled | None:
    """Look for a value, or a tuple, among a subquery's rows: as decimals if either has them."""
    right = node.rhs.query if isinstance(node.rhs, Subquery) else node.rhs
    if not isinstance(right, Query):
        return None
    lefts = list(node.lhs) if isinstance(node, TupleIn) else [node.lhs]
    fields = _columns(compiler, right) if isinstance(node, TupleIn) else [right]
    if not any(map(is_decimal, [*lefts, *fields])):
        return None
    wanted = [
        is_decimal(left) and (bool(right.combinator) or is_number(field))
        for left, field in zip(lefts, fields, strict=True)
    ]
    lefts = [
        ToDecimal(left) if is_number(left) and is_decimal(field) else left
        for left, field in zip(lefts, fields, strict=True)
    ]
    node = copy(node)
    node.lhs = Tuple(*lefts) if isinstance(node, TupleIn) else lefts[0]
    # The query itself even of a Subquery: the rows of IN are no argument of dec_of.
    node.rhs = RowsToDecimal(right, wanted) if any(wanted) else right
    compiled: Compiled = node.as_sql(compiler, compiler.connection)
    return compiled


def _columns(compiler: Any, query: Query) -> list[Any]:
    """Return the expressions that a query selects, those of composite keys one by one."""
    selected = query.get_compiler(connection=compiler.connection).get_select()[0]
    return [
        part
        for expression, *_ in selected
        for part in (expression if isinstance(expression, ColPairs) else [expression])
    ]


def _json(compiler: Any, node: Any) -> Compiled | None:
    sources = node.get_source_expressions()
    if not any(is_decimal(source) for source in sources):
        return None
    node = node.copy()
    node.set_source_expressions(
        [ToJSON(source) if is_decimal(source) else source for source in sources]
    )
    compiled: Compiled = compiler.compile(node)
    return compiled


#: The first that fits is taken.
_HANDLERS: tuple[tuple[type | tuple[type, ...], Handler | None], ...] = (
    ((Exists, TemporalSubtraction), None),
    (Lookup, _comparison),
    (DurationExpression, _duration),
    (CombinedExpression, _arithmetic),
    (Window, _window),
    (Subquery, _numeric),
    ((Greatest, Least), _extreme),
    (Round, _round),
    (Cast, _cast),
    (Value, _constant),
    ((JSONArray, JSONObject), _json),
    (PASSING, _passing),
)


def handler_for(kind: type) -> Handler | None:
    """Return what compiles nodes of a class, None for Django's own way."""
    if kind in AGGREGATES:
        return _aggregate
    if kind in FUNCTIONS:
        return _function
    for classes, handler in _HANDLERS:
        if issubclass(kind, classes):
            return handler
    is_plain = getattr(kind, "as_sqlite", None) is SQLiteNumericMixin.as_sqlite
    return _numeric if is_plain else None
