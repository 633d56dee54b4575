"""One value as DynamoDB has it, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from .affinity import BLOB, DECIMAL, INTEGERS, REAL, TEXT, affinity_of, coerce, decimal_of, plain
from .catalogue import Column, Value

Attribute: TypeAlias = dict[str, Any]
Item: TypeAlias = dict[str, Attribute]

#: What DynamoDB keeps of a number: significant digits, and the exponent of the first of them.
NUMBER_DIGITS, NUMBER_LOWEST, NUMBER_HIGHEST = 38, -130, 125

_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_NESTED, _ELEMENT = 3, 1  # bytes that DynamoDB adds for a list, and for each thing in it


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: The value of a generated column that an item lacks, because the column is younger than it.
MISSING: Final[Any] = _Missing()


def to_attribute(value: Value, column: Column) -> Attribute:
    """Return a coerced value as DynamoDB has it.

    A float beyond DynamoDB's numbers becomes a list of its text, a type that no other value has;
    a decimal beyond them stays text.
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        is_number = affinity_of(column.type) == DECIMAL and _is_kept(value)
        return {"N": value} if is_number else {"S": value}
    if isinstance(value, int):
        return {"N": str(int(value))}
    if isinstance(value, float):
        # A column without affinity tells 1.0 from 1, which DynamoDB does not.
        is_number = _is_in_range(value) and affinity_of(column.type) != BLOB
        return {"N": repr(value)} if is_number else {"L": [{"S": repr(value)}]}
    return {"B": bytes(value)}


def from_attribute(attribute: Mapping[str, Any] | None, column: Column) -> Value:
    """Return a column's value, whatever type the column had when the attribute was written."""
    if attribute is None:
        return MISSING if column.generated else column.absent
    ((kind, content),) = attribute.items()
    if kind == "NULL":
        return column.filler
    if kind == "N":
        return _from_number(content, column)
    if kind == "L":
        return coerce(float(content[0]["S"]), column)
    if kind == "B":
        return bytes(content)
    return content if column.kind == "text" else _from_text(content, column)


def _from_text(text: str, column: Column) -> Value:
    if affinity_of(column.type) != DECIMAL:
        return coerce(text, column)
    # Not rounded: nothing is lost by reading.
    number = decimal_of(text)
    return text if number is None else plain(number)


def _from_number(text: str, column: Column) -> Value:
    affinity = affinity_of(column.type)
    if affinity in {DECIMAL, TEXT}:
        return without_exponent(text)
    return float(text) if affinity == REAL else integer_or_float(text)


def integer_or_float(text: str) -> int | float:
    """Return a number of DynamoDB as SQLite has it in a column that takes either."""
    number = Decimal(text)
    return int(number) if number == int(number) and int(number) in INTEGERS else float(text)


def without_exponent(text: str) -> str:
    """Return a number of DynamoDB in plain notation."""
    number = decimal_of(text) if "e" in text.lower() else None
    return text if number is None else plain(number)


def _is_in_range(value: float) -> bool:
    if not value:
        return True
    return math.isfinite(value) and NUMBER_LOWEST < math.log10(abs(value)) < NUMBER_HIGHEST


def _is_kept(text: str) -> bool:
    """Tell whether DynamoDB keeps all of a decimal."""
    if len(text) <= NUMBER_DIGITS and _PLAIN_NUMBER.fullmatch(text):
        return True
    number = decimal_of(text)
    if number is None or not number.is_finite():
        return False
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return len(digits) <= NUMBER_DIGITS and NUMBER_LOWEST <= number.adjusted() <= NUMBER_HIGHEST


def item_size(item: Mapping[str, Any]) -> int:
    """Return the bytes that DynamoDB counts for an item."""
    return sum(len(name.encode()) + _size(attribute) for name, attribute in item.items())


def _size(attribute: Mapping[str, Any]) -> int:
    ((kind, content),) = attribute.items()
    if kind in {"S", "B"}:
        return len(content.encode() if kind == "S" else content)
    if kind == "N":
        digits = re.sub(r"[eE].*|[^0-9]", "", content).strip("0")
        return (len(digits) + 1) // 2 + 1 + int(content.startswith("-"))
    if kind == "L":
        return _NESTED + sum(_ELEMENT + _size(each) for each in content)
    return 1
