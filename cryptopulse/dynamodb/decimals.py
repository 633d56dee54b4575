"""Exact decimal arithmetic for SQLite, which would go through a double.

Decimals are text to SQLite. The compiler writes these functions instead of operators and gives
every result `COLLATE DECIMAL`, so that it compares as a number.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .catalogue import Value

#: Wide enough for the product of two 38-digit numbers, which is what a column can hold.
EXACT = decimal.Context(prec=100, rounding=decimal.ROUND_HALF_EVEN)
#: What DynamoDB's numbers hold.
QUOTIENT = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_EVEN)
#: A double's reliable digits; Django's SQLite backend rounds to the same.
FLOAT = decimal.Context(prec=15)

Operation = Callable[[Decimal, Decimal], Decimal]


def number(value: Value) -> Decimal:
    """Return the decimal that a value of SQLite stands for; 0 for text that is no number."""
    if isinstance(value, float):
        return FLOAT.create_decimal_from_float(value)
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    try:
        return Decimal(value if value is not None else 0)
    except decimal.InvalidOperation:
        return Decimal(0)


def text(value: Decimal) -> str:
    """Return the text that stands for a decimal in SQLite."""
    return format(value, "f")


def _binary(operation: Operation) -> Callable[[Value, Value], str | None]:
    def apply(left: Value, right: Value) -> str | None:
        if left is None or right is None:
            return None
        try:
            return text(operation(number(left), number(right)))
        except (decimal.DivisionByZero, decimal.InvalidOperation):
            return None  # as SQLite answers a division by zero

    return apply


def _unary(operation: Callable[[Decimal], Decimal]) -> Callable[[Value], str | None]:
    def apply(value: Value) -> str | None:
        return None if value is None else text(operation(number(value)))

    return apply


def round_half_up(value: Value, places: Value) -> str | None:
    """Round as SQLite's and PostgreSQL's ROUND do: half away from zero."""
    if value is None or places is None:
        return None
    unit = Decimal(1).scaleb(-int(places))
    return text(number(value).quantize(unit, decimal.ROUND_HALF_UP, EXACT))


def _to_whole(rounding: str) -> Callable[[Decimal], Decimal]:
    return lambda value: value.to_integral_value(rounding)


FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    "dec_of": (1, _unary(lambda value: value)),
    "dec_add": (2, _binary(EXACT.add)),
    "dec_sub": (2, _binary(EXACT.subtract)),
    "dec_mul": (2, _binary(EXACT.multiply)),
    "dec_div": (2, _binary(QUOTIENT.divide)),
    "dec_mod": (2, _binary(EXACT.remainder)),
    "dec_abs": (1, _unary(EXACT.abs)),
    "dec_ceil": (1, _unary(_to_whole(decimal.ROUND_CEILING))),
    "dec_floor": (1, _unary(_to_whole(decimal.ROUND_FLOOR))),
    "dec_round": (2, round_half_up),
}


class Sum:
    """SUM of decimals, as an aggregate and as a window function."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.rows = 0

    def step(self, value: Value) -> None:
        """Take a value in."""
        if value is not None:
            self.total = EXACT.add(self.total, number(value))
            self.rows += 1

    def inverse(self, value: Value) -> None:
        """Take a value out that has left the window."""
        if value is not None:
            self.total = EXACT.subtract(self.total, number(value))
            self.rows -= 1

    def value(self) -> str | None:
        """Return the result so far; None, SQL's NULL, when there was nothing to add."""
        return text(self.total) if self.rows else None

    final = value


class Average(Sum):
    """AVG of decimals, to 38 digits."""

    def value(self) -> str | None:
        """Return the mean so far."""
        return text(QUOTIENT.divide(self.total, Decimal(self.rows))) if self.rows else None

    final = value


AGGREGATES: dict[str, type[Sum]] = {"dec_sum": Sum, "dec_avg": Average}


def compare(left: str, right: str) -> int:
    """Order two texts as numbers: the DECIMAL collation."""
    try:
        first, second = Decimal(left), Decimal(right)
    except decimal.InvalidOperation:
        return (left > right) - (left < right)
    return (first > second) - (first < second)


def register(handle: Any) -> None:
    """Make the functions and the collation known to an `apsw.Connection`."""
    handle.create_collation("DECIMAL", compare)
    for name, (arguments, function) in FUNCTIONS.items():
        handle.create_scalar_function(name, function, arguments, deterministic=True)
    for name, aggregate in AGGREGATES.items():
        handle.create_window_function(name, aggregate, 1)
