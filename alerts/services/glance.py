"""The first look at a tick: which of the moved coins have crossed a target at all.

Nearly every tick crosses nothing, and then Django's own work would cost many times what the
database's does: building and compiling a statement of four subqueries, and making objects with
prices and sparklines of rows that say "nothing here". So the statement is compiled once for each
number of coins, and its values are compared as the database gives them; only of coins that have
crossed something is more asked (`evaluation.probe`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import QuerySet

_TARGETS = ("next_above", "next_below", "spent_above", "spent_below")
#: What is looked at of each coin.
COLUMNS = ("pk", "price_at", "last_price", "tick_low", "tick_high", *_TARGETS)


class Glance(NamedTuple):
    """A coin with a price, of when that was, and whether there is anything to do about it."""

    coin_id: str
    price_at: datetime
    is_crossed: bool


@dataclass(frozen=True, slots=True)
class _Statement:
    """The probe of so many coins, and where in its parameters their keys belong."""

    sql: str
    params: tuple[Any, ...]
    places: tuple[int, ...]
    to_datetime: Callable[[Any], datetime]

    def run(self, coin_ids: Sequence[str]) -> list[tuple[Any, ...]]:
        params = list(self.params)
        for place, coin_id in zip(self.places, coin_ids, strict=True):
            params[place] = coin_id
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def glance(
    coin_ids: Sequence[str], probe: Callable[[Sequence[str]], QuerySet[Any]]
) -> list[Glance]:
    """Return those of these coins that have a price. One query, an index entry per coin and side.

    Not for DynamoDB, where each entry is a request.
    """
    wanted = sorted(set(coin_ids))
    if not wanted:
        return []
    statement = _compiled(connection.vendor, len(wanted), probe)
    return [
        Glance(row[0], statement.to_datetime(row[1]), _is_crossed(row[2:]))
        for row in statement.run(wanted)
        if row[1] is not None
    ]


@lru_cache(maxsize=64)
def _compiled(
    vendor: str,  # noqa: ARG001 (part of the key)
    number: int,
    probe: Callable[[Sequence[str]], QuerySet[Any]],
) -> _Statement:
    """Compile the probe of so many coins, once."""
    stand_ins = [f"\0{place}" for place in range(number)]
    query = probe(stand_ins).values_list(*COLUMNS).query
    compiler = query.get_compiler(DEFAULT_DB_ALIAS)
    sql, params = compiler.as_sql()
    moment = query.annotation_select.get("price_at") or compiler.select[1][0]
    converters = [
        *connection.ops.get_db_converters(moment),
        *moment.get_db_converters(connection),
    ]

    def to_datetime(value: Any) -> datetime:
        for convert in converters:
            value = convert(value, moment, connection)
        converted: datetime = value
        return converted

    return _Statement(sql, tuple(params), tuple(map(params.index, stand_ins)), to_datetime)


def _is_crossed(values: tuple[Any, ...]) -> bool:
    """Tell whether a price has come to a target, or left one that has fired.

    Numbers of one row compare as they are stored: prices and targets have at most 15 digits,
    which a double keeps, so that two of them are equal where they are the same decimal.
    """
    price, low, high, next_above, next_below, spent_above, spent_below = values
    highest = price if high is None else max(price, high)
    lowest = price if low is None else min(price, low)
    return (
        (next_above is not None and next_above <= highest)
        or (next_below is not None and next_below >= lowest)
        or (spent_above is not None and spent_above > price)
        or (spent_below is not None and spent_below < price)
    )
