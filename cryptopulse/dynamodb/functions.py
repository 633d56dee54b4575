"""SQL functions of a connection: Django's own for SQLite, and exact arithmetic on decimals.

SQLite sees decimals as text with the collation DECIMAL. The functions here calculate on that
text; `compiler.py` calls them wherever an expression's result is a DecimalField.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import apsw
from django.db.backends.sqlite3 import _functions

#: Twice the 38 digits of a number of DynamoDB: every product is exact.
EXACT = decimal.Context(prec=76, rounding=decimal.ROUND_HALF_EVEN, Emin=-6144, Emax=6144)
#: Quotients need an end; these are all the digits that a number of DynamoDB keeps.
QUOTIENT = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_EVEN, Emin=-6144, Emax=6144)
#: Django's functions that SQLite lacks and that calculate: a decimal reaches them as text.
NUMERIC = frozenset({"COT", "SIGN", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"})

Argument = str | int | float | bytes | None


def register(handle: apsw.Connection) -> None:
    """Give a connection every function and collation that Django's SQL and ours use."""
    _functions.register(_Registrar(handle))
    handle.create_collation("DECIMAL", compare)
    for name, operation in (
        ("dec_add", EXACT.add),
        ("dec_sub", EXACT.subtract),
        ("dec_mul", EXACT.multiply),
        ("dec_div", QUOTIENT.divide),
    ):
        handle.create_scalar_function(name, _exact(operation), 2, deterministic=True)
    # A window function serves as an aggregate too.
    handle.create_window_function("dec_sum", ExactSum, 1)


def compare(left: str, right: str) -> int:
    """Order two texts by the numbers they are: the collation DECIMAL.

    Text that is no number comes after all numbers, in its own order.
    """
    if left == right:
        return 0
    first, second = _rank(left), _rank(right)
    return (first > second) - (first < second)


def _rank(text: str) -> tuple[int, Decimal | str]:
    try:
        number = Decimal(text)
    except decimal.InvalidOperation:
        return 1, text
    return (1, text) if number.is_nan() else (0, number)


def number(value: Any) -> Decimal:
    """Return an SQL value as the decimal it shows; raises decimal.InvalidOperation."""
    return Decimal(repr(value) if isinstance(value, float) else value)


def _exact(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], str | None]:
    def calculate(left: Any, right: Any) -> str | None:
        if left is None or right is None:
            return None
        try:
            return format(operation(number(left), number(right)), "f")
        except decimal.DecimalException:  # such as a division by zero, NULL in SQLite's SQL
            return None

    return calculate


class ExactSum:
    """SUM of decimals without rounding, as an aggregate and over a window."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0

    def step(self, value: Argument) -> None:
        """Take a value in; NULLs do not count."""
        if value is not None:
            self.total = EXACT.add(self.total, number(value))
            self.count += 1

    def inverse(self, value: Argument) -> None:
        """Let go of a value that left the window."""
        if value is not None:
            self.total = EXACT.subtract(self.total, number(value))
            self.count -= 1

    def value(self) -> str | None:
        """Return the sum so far; of no values it is NULL."""
        return format(self.total, "f") if self.count else None

    final = value


class _Registrar:
    """What Django's `register()` expects of a connection of the standard library."""

    def __init__(self, handle: apsw.Connection) -> None:
        self.execute = handle.execute
        self._handle = handle

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], deterministic: bool = False
    ) -> None:
        is_numeric = name in NUMERIC

        def guarded(*values: Any) -> Any:
            try:
                return function(*map(_as_number, values) if is_numeric else values)
            except Exception as error:
                # The standard library's message, which Django's own tests know.
                raise apsw.SQLError("user-defined function raised exception") from error

        self._handle.create_scalar_function(name, guarded, arguments, deterministic=deterministic)

    def create_aggregate(self, name: str, arguments: int, aggregate: Callable[[], Any]) -> None:
        is_numeric = name in NUMERIC

        def step(state: list[Any], *values: Any) -> None:
            if not state:
                state.append(aggregate())
            state[0].step(*map(_as_number, values) if is_numeric else values)

        def finish(state: list[Any]) -> Any:
            # Of no rows at all the standard library makes NULL without asking.
            try:
                return state[0].finalize() if state else None
            except Exception as error:
                message = "user-defined aggregate's 'finalize' method raised error"
                raise apsw.SQLError(message) from error

        self._handle.create_aggregate_function(name, lambda: ([], step, finish), arguments)


def _as_number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
