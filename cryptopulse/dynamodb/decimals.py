"""Exact decimal arithmetic for SQLite, which would go through a double.

Decimals are text to SQLite. The compiler writes these functions instead of operators and gives
every result `COLLATE DECIMAL`, so that it compares as a number.
"""

from __future__ import annotations

import decimal
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

from .attributes import NUMBER_DIGITS, NUMBER_HIGHEST, NUMBER_LOWEST
from .catalogue import Value

#: Wide enough for the product of two 38-digit numbers, which is what a column can hold.
EXACT = decimal.Context(prec=100, rounding=decimal.ROUND_HALF_EVEN)
#: What DynamoDB's numbers hold.
QUOTIENT = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_EVEN)
#: A double's reliable digits; Django's SQLite backend rounds to the same.
FLOAT = decimal.Context(prec=15)

#: Leaves room for every whole quotient of two numbers that DynamoDB holds.
REMAINDER = decimal.Context(prec=300)
#: Digits before or after the point that are still written out.
_LONGEST = 1000

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
    """Return the text that stands for a decimal in SQLite, with an exponent if it is far out."""
    return format(value, "f") if abs(value.adjusted()) <= _LONGEST else str(value)


def is_stored(value: Decimal) -> bool:
    """Tell whether DynamoDB's numbers hold a decimal."""
    if not value:
        return True
    if not value.is_finite() or not NUMBER_LOWEST <= value.adjusted() <= NUMBER_HIGHEST:
        return False
    digits = "".join(map(str, value.as_tuple().digits))
    return len(digits.strip("0")) <= NUMBER_DIGITS


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a result that is too large be an error of the database."""

    @wraps(function)
    def bounded(*values: Any) -> Any:
        try:
            return function(*values)
        except ArithmeticError as error:
            raise sqlite3.DataError(
                "A calculation with decimals goes beyond what the database can hold: 38 digits, "
                "of which the first stands at 10^-130 to 10^125."
            ) from error

    return bounded


def _binary(operation: Operation) -> Callable[[Value, Value], str | None]:
    def apply(left: Value, right: Value) -> str | None:
        if left is None or right is None:
            return None
        first, second = number(left), number(right)
        try:
            return text(operation(first, second))
        except (decimal.DivisionByZero, decimal.InvalidOperation):
            if second and first.is_finite() and second.is_finite():
                raise
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
    "dec_mod": (2, _binary(REMAINDER.remainder)),
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

    @_bounded
    def step(self, value: Value) -> None:
        """Take a value in."""
        if value is not None:
            self.total = EXACT.add(self.total, number(value))
            self.rows += 1

    @_bounded
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
        return (first > second) - (first < second)
    except decimal.InvalidOperation:  # not numbers, or NaN
        return (left > right) - (left < right)


def register(handle: Any) -> None:
    """Make the functions and the collation known to an `apsw.Connection`."""
    handle.create_collation("DECIMAL", compare)
    for name, (arguments, function) in FUNCTIONS.items():
        handle.create_scalar_function(name, _bounded(function), arguments, deterministic=True)
    for name, aggregate in AGGREGATES.items():
        handle.create_window_function(name, aggregate, 1)
