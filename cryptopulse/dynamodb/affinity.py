"""What a column makes of a value, which SQLite leaves to a virtual table."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from . import keys
from .catalogue import Column, Value, kind_of

TEXT, NUMERIC, REAL, BLOB, DECIMAL = "text", "numeric", "real", "blob", "decimal"

#: As SQLite tells a number from other text; Python's own parsers take more ("1_0", "٣").
_NUMBER: Final = re.compile(
    r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?)\s*", re.ASCII
)
_INFINITY: Final = re.compile(r"([+-]?inf(?:inity)?)", re.ASCII | re.IGNORECASE)
_INTEGER_DIGITS = 20  # of the longest integer of 64 bits, its sign included
#: What SQLite keeps as integers.
INTEGERS: Final = range(-(2**63), 2**63)
_LONGEST = 2000  # digits; a decimal beyond that keeps its exponent, and is not rounded
_EXACT: Final = Context(prec=_LONGEST)
_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@lru_cache(maxsize=1000)
def affinity_of(declared: str) -> str:
    """Return SQLite's affinity of a declared type (datatype3.html, 3.1), or "decimal"."""
    if kind_of(declared) == DECIMAL:
        return DECIMAL
    name = declared.upper()
    if "INT" in name:
        return NUMERIC
    if "CHAR" in name or "CLOB" in name or "TEXT" in name:
        return TEXT
    if "BLOB" in name or not name:
        return BLOB
    return REAL if "REAL" in name or "FLOA" in name or "DOUB" in name else NUMERIC


def coerce(value: Value, column: Column) -> Value:
    """Return what a column stores of a value, a decimal rounded to its places.

    Decimals become plain text without trailing zeros, the form that DynamoDB returns them in.
    """
    affinity = affinity_of(column.type)
    if affinity != DECIMAL:
        return apply_affinity(affinity, value)
    number = _as_decimal(value)
    if number is None:
        return value
    if column.scale is not None and number.is_finite():
        with suppress(InvalidOperation):  # too long to be rounded
            number = number.quantize(Decimal((0, (1,), -column.scale)), context=_EXACT)
    return plain(number)


def key_value(value: Value, column: Column) -> keys.Encodable:
    """Return what stands for a column's value in keys: equal and ordered as the column compares.

    A decimal is not rounded, so that 1.005 does not find 1.01.
    """
    affinity = affinity_of(column.type)
    if affinity == DECIMAL:
        number = _as_decimal(value)
        return value if number is None else number
    value = apply_affinity(affinity, value)
    if column.collation and isinstance(value, str):
        return _collated(value, column.collation.upper())
    return value


def apply_affinity(affinity: str, value: Value) -> Value:
    """Return what SQLite stores of a value in a column of this affinity (not "decimal")."""
    if affinity == TEXT:
        return _as_text(value)
    if affinity == BLOB:
        return value
    if isinstance(value, str):
        value = _number_or_text(value)
    if affinity == REAL:
        return float(value) if isinstance(value, int) else value
    if isinstance(value, float) and value.is_integer() and int(value) in INTEGERS:
        return int(value)
    return int(value) if isinstance(value, bool) else value


def _number_or_text(text: str) -> int | float | str:
    """Return the number that SQLite reads in a text, or the text."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return text
    digits = found[1]
    if len(digits) <= _INTEGER_DIGITS and digits.lstrip("+-").isdigit():
        number = int(digits)
        return number if number in INTEGERS else float(number)
    return float(digits)


def decimal_of(text: str) -> Decimal | None:
    """Return the number that a text is in a decimal column, or None when it is none."""
    found = _NUMBER.fullmatch(text) or _INFINITY.fullmatch(text)
    return Decimal(found[1]) if found else None


def plain(number: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros."""
    if not number:
        return "0"
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _as_decimal(value: Value) -> Decimal | None:
    if isinstance(value, str):
        return decimal_of(value)
    if isinstance(value, float):
        # The digits that a person means by the float: 0.1, not 0.1000000000000000055.
        return None if math.isnan(value) else Decimal(repr(value))
    return Decimal(value) if isinstance(value, int) else None


def _as_text(value: Value) -> Value:
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, float):
        return value
    # As SQLite writes it: 5.0, 1.0e+20, Inf.
    mantissa, e, exponent = repr(value).replace("inf", "Inf").partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}e{exponent}" if e else mantissa


def _collated(text: str, collation: str) -> str:
    if collation == "NOCASE":
        return text.translate(_LOWER)
    return text.rstrip(" ") if collation == "RTRIM" else text
