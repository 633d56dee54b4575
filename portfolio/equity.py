"""What a portfolio was worth in the past: pure arithmetic, backwards from what it holds now.

A moment's value is counted as that of the present is (`valuation`): cash, and each holding at the
last price known by then, rounded down to the cent. A portfolio is never worth nothing because
nobody asked for a price, so an hour without a candle takes the price before it; a coin that had
no price at all by then counts at its cost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from .ledger import NOTHING, Position
from .numbers import EXACT
from .order import CENT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One trade, as far as it moved cash and coins."""

    at: datetime
    coin_id: str
    side: str
    quantity: Decimal
    price: Decimal
    amount: Decimal  # cash that moved, fee included
    realised: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Cash and positions at one moment; what is not held is not among them."""

    at: datetime
    cash: Decimal
    held: Mapping[str, Position]


def walk_back(
    now: Books, steps: Iterable[Step], moments: Iterable[datetime]
) -> tuple[list[Books], Books]:
    """Return the books of each moment, and what was there before the first step.

    `steps` and `moments` come newest first. A step at a moment belongs to it.
    """
    waiting, step = iter(steps), None
    books: list[Books] = []
    cash, held = now.cash, dict(now.held)
    step = next(waiting, None)
    for moment in moments:
        while step is not None and step.at > moment:
            cash = _undo(step, cash, held)
            step = next(waiting, None)
        books.append(Books(at=moment, cash=cash, held=dict(held)))
    while step is not None:
        cash = _undo(step, cash, held)
        step = next(waiting, None)
    return books, Books(at=books[-1].at if books else now.at, cash=cash, held=held)


def _undo(step: Step, cash: Decimal, held: dict[str, Position]) -> Decimal:
    """Take a trade back out of the positions; return the cash from before it."""
    after = held.get(step.coin_id, NOTHING)
    if step.side == "buy":
        quantity = EXACT.subtract(after.quantity, step.quantity)
        before = Position(quantity=quantity, cost=after.cost - step.amount)
    else:
        quantity = EXACT.add(after.quantity, step.quantity)
        before = Position(quantity=quantity, cost=after.cost + step.amount - step.realised)
    if before.quantity:
        held[step.coin_id] = before
    else:
        held.pop(step.coin_id, None)
    return cash + step.amount if step.side == "buy" else cash - step.amount


class KnownPrices:
    """When which price of a coin became known; what is not known here, another may know."""

    def __init__(self, base: KnownPrices | None = None) -> None:
        self._base = base
        self._known: dict[str, dict[datetime, Decimal]] = {}
        self._sorted: dict[str, list[tuple[datetime, Decimal]]] = {}

    def learn(self, coin_id: str, at: datetime, price: Decimal) -> None:
        """Note a price; of two of the same moment the first one stays."""
        self._known.setdefault(coin_id, {}).setdefault(at, price)
        self._sorted.pop(coin_id, None)

    def at(self, coin_id: str, moment: datetime) -> Decimal | None:
        """Return the last price that was known at this moment."""
        found = self._latest(coin_id, moment)
        return found[1] if found else None

    def _latest(self, coin_id: str, moment: datetime) -> tuple[datetime, Decimal] | None:
        if coin_id not in self._sorted:
            self._sorted[coin_id] = sorted(self._known.get(coin_id, {}).items())
        known = self._sorted[coin_id]
        place = bisect_right(known, moment, key=lambda one: one[0])
        own = known[place - 1] if place else None
        other = self._base._latest(coin_id, moment) if self._base else None  # noqa: SLF001 (its own kind)
        if own is None or other is None:
            return own or other
        return own if own[0] > other[0] else other


def value_of(books: Books, prices: KnownPrices) -> Decimal:
    """Return what books were worth at their moment."""
    value = books.cash
    for coin_id, position in books.held.items():
        price = prices.at(coin_id, books.at)
        value += position.cost if price is None else worth(position.quantity, price)
    return value


def worth(quantity: Decimal, price: Decimal) -> Decimal:
    """Return what so many coins would bring before a fee, down to the cent."""
    return EXACT.multiply(quantity, price).quantize(CENT, rounding=ROUND_FLOOR, context=EXACT)


def full_hour(at: datetime) -> datetime:
    """Return the full hour (UTC) at or before this moment."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def is_midnight(at: datetime) -> bool:
    """Tell whether a day (UTC) begins at this moment."""
    return at.astimezone(UTC).hour == 0 and at == full_hour(at)


def missing_moments(
    *, begin: datetime, last: datetime | None, until: datetime, hours_for: timedelta
) -> list[datetime]:
    """Return the moments that have no value yet, oldest first.

    Each full hour of the last `hours_for`, and each midnight before that; after `last`, the
    moment of the newest value there is, and not before `begin`.
    """
    first = begin if last is None else max(begin, last + timedelta(microseconds=1))
    moments: list[datetime] = []
    day = full_hour(first).replace(hour=0)
    hours_begin = full_hour(until) - hours_for
    while day < hours_begin:
        if day >= first:
            moments.append(day)
        day += DAY
    hour = max(full_hour(first), hours_begin)
    while hour <= until:
        if hour >= first:
            moments.append(hour)
        hour += HOUR
    return moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a portfolio was worth at one moment."""

    at: datetime
    value: Decimal
    cash: Decimal


def nearest_before(points: Sequence[Point], moment: datetime) -> Point | None:
    """Return the newest point that is not after this moment; points come oldest first."""
    place = bisect_right(points, moment, key=lambda point: point.at)
    return points[place - 1] if place else None


def daily(points: Iterable[Point]) -> Iterator[Point]:
    """Keep the last point of each day (UTC): risk is measured from day to day."""
    kept: Point | None = None
    for point in points:
        if kept is not None and point.at.astimezone(UTC).date() != kept.at.astimezone(UTC).date():
            yield kept
        kept = point
    if kept is not None:
        yield kept
