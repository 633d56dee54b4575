"""Which UPDATEs are one conditional UpdateItem: numbers added to columns of one row.

`UPDATE t SET c = c + k [, …] WHERE key = x [AND c >= k' …]` outside a transaction. Everything else,
and whatever the table's constraints make doubtful, takes the usual way: read, check, write.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import Value
from django.db.models.expressions import Col, CombinedExpression
from django.db.models.sql.where import AND, WhereNode

from .affinity import INTEGERS
from .catalogue import Column, TableDef
from .codec import codec_of
from .decimals import EXACT, is_stored

_TERM = re.compile(r'"([^"]+)"\."([^"]+)" (=|<|<=|>|>=) %s')
#: A CHECK with one constant bound: a Positive*Field's or `Q(balance__gte=0)`.
_BOUND = re.compile(r"""\(*"([^"]+)" (>=|>|<=|<) '?(-?\d+(?:\.\d+)?)'?\)*""")
_LOWER = frozenset({">", ">="})
Number = int | Decimal
Condition = tuple[str, str, Number]


@dataclass(frozen=True, slots=True)
class Plan:
    """One row's increments and the conditions under which they are made."""

    table: TableDef
    key: str
    changes: dict[str, Number]
    conditions: list[Condition]
    #: Conditions that CHECK constraints bring: if one fails, the usual way tells which error.
    checks: list[Condition]


def plan_of(compiler: Any) -> Plan | None:
    """Return how to run an update in one request, None if that cannot be done."""
    query, connection = compiler.query, compiler.connection
    if not query.values or not all(
        type(value) is CombinedExpression for _, _, value in query.values
    ):
        return None  # nearly every update; the rest is only worth its time for these
    connection.ensure_connection()
    if not connection.autocommit or query.related_updates:
        return None
    query.get_initial_alias()
    table = connection.store.registry.tables.get(query.get_meta().db_table)
    if table is None or query.count_active_tables() != 1 or len(table.key) != 1:
        return None
    changes = _changes(query.values, table)
    terms = _terms(compiler, table)
    if not changes or terms is None:
        return None
    return _planned(table, changes, terms)


def _planned(table: TableDef, changes: dict[str, Number], terms: list[Any]) -> Plan | None:
    keys = [value for column, operator, value in terms if (column, operator) == (table.key[0], "=")]
    conditions = [term for term in terms if term[0] != table.key[0]]
    if len(keys) != 1 or len(keys) + len(conditions) != len(terms) or keys[0] is None:
        return None
    if isinstance(keys[0], int) and keys[0] not in INTEGERS:
        return None
    for column, _, value in conditions:
        if not _is_exact(value, table.columns[table.position[column]]):
            return None
    checks = _checks(table, changes)
    if checks is None:
        return None
    needed = [check for check in checks if not _is_implied(check, conditions)]
    key = codec_of(table).encode_key(keys)
    return Plan(table, key, changes, conditions, needed)


def _changes(values: Any, table: TableDef) -> dict[str, Number] | None:
    """Return what is added to each column, None if something else is done to one."""
    changes: dict[str, Number] = {}
    for field, _, value in values:
        sides = (value.lhs, value.rhs)
        if value.connector == "+" and isinstance(value.lhs, Value):
            sides = (value.rhs, value.lhs)
        reference, constant = sides
        if (
            value.connector not in {"+", "-"}
            or not _is_column(reference, field, table)
            or type(constant) is not Value
            or field.remote_field
        ):
            return None
        number = constant.value
        if not _is_exact(number, table.columns[table.position[field.column]]):
            return None
        changes[field.column] = _negative(number) if value.connector == "-" else number
    return changes


def _negative(number: Number) -> Number:
    # The operator would round a decimal to the digits of Python's context.
    return number.copy_negate() if isinstance(number, Decimal) else -number


def _is_column(node: Any, field: Any, table: TableDef) -> bool:
    """Tell whether an expression is the very column that is being set."""
    return type(node) is Col and node.target is field and node.alias == table.name


def _is_exact(number: Any, column: Column) -> bool:
    """Tell whether DynamoDB calculates with this number as the usual way would."""
    if isinstance(number, bool) or column.is_json:
        return False
    if column.kind == "integer":
        return isinstance(number, int) and abs(number) < 2**62 and "bool" not in column.type
    if column.kind != "decimal" or not isinstance(number, int | Decimal):
        return False
    value = Decimal(number)
    if not is_stored(value):
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and column.scale is not None and -exponent <= column.scale


def _terms(compiler: Any, table: TableDef) -> list[tuple[str, str, Any]] | None:
    """Return the conditions as (column, operator, parameter), None if one is anything else."""
    found: list[tuple[str, str, Any]] = []
    nodes = [compiler.query.where]
    while nodes:
        node = nodes.pop()
        if isinstance(node, WhereNode):
            if node.negated or (node.connector != AND and len(node.children) > 1):
                return None
            nodes.extend(node.children)
            continue
        try:
            sql, params = compiler.compile(node)
        except (EmptyResultSet, FullResultSet):
            return None
        term = _TERM.fullmatch(sql)
        if term is None or term[1] != table.name or term[2] not in table.position:
            return None
        found.append((term[2], term[3], params[0]))
    return found


def _checks(table: TableDef, changes: dict[str, Number]) -> list[Condition] | None:
    """Return the CHECK constraints as conditions, None if one cannot be put so."""
    conditions: list[Condition] = []
    for check in table.checks:
        if not any(column.lower() in check.sql.lower() for column in changes):
            continue
        bound = _BOUND.fullmatch(check.sql)
        if bound is None or bound[1] not in changes:
            return None
        column, operator, change = bound[1], bound[2], changes[bound[1]]
        # A step away from a bound cannot break what the constraint has let in.
        if change < 0 if operator in _LOWER else change > 0:
            limit = EXACT.subtract(Decimal(bound[3]), Decimal(change))
            if not is_stored(limit):
                return None
            conditions.append((column, operator, limit))
    return conditions


def _is_implied(check: Condition, conditions: list[Condition]) -> bool:
    """Tell whether a check holds wherever the conditions of the statement itself do."""
    column, operator, bound = check
    for name, other, value in conditions:
        if name != column or (other in _LOWER) != (operator in _LOWER) or other == "=":
            continue
        is_tighter = value > bound if operator in _LOWER else value < bound
        if is_tighter or (value == bound and (other == operator or "=" in operator)):
            return True
    return False


@contextmanager
def cursor(connection: Any, plan: Plan) -> Iterator[Any]:
    """Yield a cursor that is logged and counted as any, and runs the plan instead of SQL."""
    with connection.cursor() as real:
        wrapped = real.cursor
        real.cursor = _Increments(wrapped, connection, plan)
        try:
            yield real
        finally:
            real.cursor = wrapped


class _Increments:
    """In place of the connection's own cursor, for one statement."""

    def __init__(self, wrapped: Any, connection: Any, plan: Plan) -> None:
        self.wrapped = wrapped
        self.connection = connection
        self.plan = plan
        self.rowcount = -1

    def execute(self, sql: str, params: Any = None) -> None:
        """Make the increments; run the statement itself where they cannot tell enough."""
        plan = self.plan
        session = self.connection.connection.session
        session.begin_statement(sql, in_transaction=False)
        try:
            session.meter.plan(f"{plan.table.name}: add to {', '.join(plan.changes)}, 1 request")
            outcome = self.connection.store.add(
                session.meter,
                plan.table,
                plan.key,
                plan.changes,
                conditions=[*plan.conditions, *plan.checks],
                token=secrets.token_hex(16),
            )
        finally:
            session.end_statement()
        if outcome == "done":
            self.rowcount = 1
        elif outcome == "unmatched" and not plan.checks:
            self.rowcount = 0
        else:
            self.wrapped.execute(sql, params)
            self.rowcount = self.wrapped.rowcount

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)
