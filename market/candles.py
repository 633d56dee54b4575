"""Candles from prices: the pure arithmetic of rolling up, merging and averaging.

A candle here is a plain value that knows when its first and its last price were, so that two
candles of the same interval merge to the same result in whichever order their prices came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .quotes import PRICE_CONTEXT

#: Resolution -> seconds that one candle lasts, finest first.
SECONDS: dict[str, int] = {"1m": 60, "5m": 300, "1h": 3600, "1d": 86400}

#: The last instant of an interval, as far as clocks here tell.
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rolled:
    """Open, high, low and close of a coin over one interval, with the times of both ends."""

    coin_id: str
    resolution: str
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    open_at: datetime
    close_at: datetime
    volume: Decimal | None
    source: str

    @property
    def key(self) -> tuple[str, str, datetime]:
        return (self.coin_id, self.resolution, self.start)


def start_of(at: datetime, resolution: str) -> datetime:
    """Return the beginning of the interval that this moment falls into (UTC)."""
    seconds = SECONDS[resolution]
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)


def merge(one: Rolled, other: Rolled) -> Rolled:
    """Return the candle of the prices of both; the order and repetition do not matter.

    Where both have a price of the very same moment, that of `one` stays. The volume is that of
    `one`: what it means to add volumes is the caller's to know.
    """
    earlier, later = other.open_at < one.open_at, other.close_at > one.close_at
    return replace(
        one,
        open=other.open if earlier else one.open,
        open_at=other.open_at if earlier else one.open_at,
        close=other.close if later else one.close,
        close_at=other.close_at if later else one.close_at,
        high=max(one.high, other.high),
        low=min(one.low, other.low),
        source=other.source if later else one.source,
    )


def add_volumes(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the sum; None says that nobody knows, not that nothing was traded."""
    if one is None or other is None:
        return other if one is None else one
    return PRICE_CONTEXT.add(one, other)


def roll_up(candles: Iterable[Rolled], resolution: str) -> list[Rolled]:
    """Return the coarser candles of these, oldest first; their volumes add up."""
    rolled: dict[tuple[str, datetime], Rolled] = {}
    for candle in candles:
        start = start_of(candle.start, resolution)
        lifted = replace(candle, resolution=resolution, start=start)
        before = rolled.get((candle.coin_id, start))
        if before is not None:
            volume = add_volumes(before.volume, candle.volume)
            lifted = replace(merge(before, lifted), volume=volume)
        rolled[candle.coin_id, start] = lifted
    return sorted(rolled.values(), key=lambda one: (one.coin_id, one.start))


@dataclass(frozen=True, slots=True)
class Close:
    """The last price of one interval, as averages need it."""

    start: datetime
    resolution: str
    price: Decimal

    @property
    def seconds(self) -> int:
        return SECONDS[self.resolution]


def finest(closes: Iterable[Close]) -> list[Close]:
    """Keep a coarse close only where no finer one lies in its interval; oldest first."""
    kept: list[Close] = []
    covered: set[tuple[str, datetime]] = set()
    for close in sorted(closes, key=lambda one: (one.seconds, one.start)):
        if (close.resolution, close.start) in covered:
            continue
        kept.append(close)
        covered.update(
            (coarser, start_of(close.start, coarser))
            for coarser, seconds in SECONDS.items()
            if seconds > close.seconds
        )
    return sorted(kept, key=lambda one: one.start)


def mean(closes: Sequence[Close], rates: dict[datetime, Decimal]) -> Decimal | None:
    """Return the mean of the closes, each at the exchange rate of its day and by its length.

    `rates` holds units per US dollar by the midnight (UTC) that begins the day.
    """
    weights = sum(close.seconds for close in closes)
    if not weights:
        return None
    total = sum(
        (close.price * rates[start_of(close.start, "1d")] * close.seconds for close in closes),
        Decimal(0),
    )
    return total / weights


@dataclass(frozen=True, slots=True)
class Bar:
    """What statistics read of a candle."""

    start: datetime
    resolution: str
    high: Decimal
    low: Decimal
    close: Decimal

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=SECONDS[self.resolution])


@dataclass(frozen=True, slots=True)
class Span:
    """The lowest and the highest price of a period, where in it the price is, and since when."""

    low: Decimal
    high: Decimal
    share: Decimal  # 0 at the low, 100 at the high
    since: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How low and how high the bars of a period went, and since when they are known."""

    low: Decimal
    high: Decimal
    since: datetime


def reach(bars: Sequence[Bar], *, since: datetime) -> Reach | None:
    """Return how far the bars go that end after `since`; None where there is none."""
    within = [bar for bar in bars if bar.end > since]
    if not within:
        return None
    low, high = min(bar.low for bar in within), max(bar.high for bar in within)
    return Reach(low, high, max(since, within[0].start))


def span_of(known: Reach | None, *, price: Decimal | None) -> Span | None:
    """Return the span with the price of now, which belongs to it."""
    if known is None or price is None:
        return None
    low, high = min(price, known.low), max(price, known.high)
    share = 100 * (price - low) / (high - low) if high > low else Decimal(50)
    return Span(low, high, share, known.since)


def close_at(bars: Sequence[Bar], moment: datetime) -> Decimal | None:
    """Return the last close known at that moment; None where it was older than two candles.

    A gap there says that the price of that moment is not known.
    """
    before = [bar for bar in bars if bar.end <= moment]
    if not before:
        return None
    last = max(before, key=lambda bar: bar.start)
    seconds = SECONDS[last.resolution]
    return last.close if moment - last.end <= timedelta(seconds=2 * seconds) else None
