"""What a coin's complete days say: returns, volatility, falls, strength, averages, volume. Pure.

`market.indicators` reads series without holes; a coin's days have some, when nothing ran to fetch
a price. A day without a close is a gap here: no return is made up across it, and what needs an
unbroken run (averages, strength, bands) reads only the run that ends with the newest day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from market import indicators

#: Fewer daily returns than this say nothing worth showing.
FEWEST_RETURNS = indicators.FEWEST_RETURNS
#: Fewer days with a volume than this are no average.
FEWEST_VOLUMES = 10
YEAR, QUARTER, MONTH = 365, 90, 30
RSI_DAYS = 14
BAND_DAYS = 20
#: Averages of so many days are kept.
AVERAGE_DAYS = (20, 50, 200)
#: Closes of so many days ago are kept, for changes that end at the price of now.
DAYS_AGO = (7, MONTH, QUARTER, YEAR)

Point = float | None


@dataclass(frozen=True, slots=True)
class Days:
    """The closes of a coin's complete days (UTC), oldest first; the last one has a close.

    A volume is what was traded that day, in US dollars at its close.
    """

    first: date
    closes: tuple[Point, ...]
    volumes: tuple[Point, ...] = ()

    @property
    def last(self) -> date:
        return self.first + timedelta(days=len(self.closes) - 1)

    @property
    def known(self) -> int:
        """Return how many days have a close."""
        return sum(close is not None for close in self.closes)

    def close_on(self, day: date) -> Point:
        index = (day - self.first).days
        return self.closes[index] if 0 <= index < len(self.closes) else None

    def since(self, day: date) -> Days:
        """Return the days from this one on."""
        start = max(0, (day - self.first).days)
        return Days(self.first + timedelta(days=start), self.closes[start:], self.volumes[start:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """How far a price fell below its highest close before, in percent (0 or negative)."""

    deepest: float
    peak_day: date
    trough_day: date
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a year of a coin's complete days says; None where they are too few.

    The same from midnight to midnight, so that it is worked out once a day.
    """

    last: date  # the newest day that has a close
    known: int  # days with a close
    run: int  # of them without a gap up to the newest
    close: float
    ago: dict[int, float] = field(default_factory=dict)  # days before today -> its close
    rsi: Point = None
    macd: Point = None
    macd_signal: Point = None
    averages: dict[int, float] = field(default_factory=dict)  # days -> simple average
    band_upper: Point = None
    band_lower: Point = None
    volatility: Point = None  # of a month
    high: Point = None  # highest close of the year
    high_day: date | None = None
    volume: Point = None  # of the newest day
    volume_mean: Point = None  # of the month before it
    month: tuple[Point, ...] = ()  # closes of the last days up to yesterday


def changes(days: Days) -> list[Point]:
    """Return each day's change as a fraction, under its day; None where its eve has no close."""
    closes = days.closes
    line: list[Point] = [None] * min(1, len(closes))
    for before, after in pairwise(closes):
        line.append(after / before - 1 if before and after is not None else None)
    return line


def volatility(days: Days, *, over: int) -> float | None:
    """Return the annualised deviation of the last so many daily returns in percent."""
    known = [change for change in changes(days)[-over:] if change is not None]
    return indicators.spread(known)


def correlation(one: Days, other: Days) -> float | None:
    """Return Pearson's correlation of daily returns over the days that both coins have."""
    start, end = max(one.first, other.first), min(one.last, other.last)
    if end < start:
        return None
    count = (end - start).days + 1
    first, second = (changes(days)[(start - days.first).days :][:count] for days in (one, other))
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    return indicators.correlation([a for a, _ in pairs], [b for _, b in pairs])


def drawdown(days: Days) -> Drawdown | None:
    """Return the deepest fall from an earlier highest close, and the newest's."""
    known = [
        (days.first + timedelta(days=index), close)
        for index, close in enumerate(days.closes)
        if close is not None
    ]
    fall = indicators.deepest_fall([close for _, close in known])
    if fall is None:
        return None
    return Drawdown(
        deepest=fall.percent,
        peak_day=known[fall.start][0],
        trough_day=known[fall.bottom][0],
        now=fall.now,
    )


def below_peak(closes: Sequence[Point]) -> list[Point]:
    """Return how far each close is below the highest up to it in percent: 0 or negative."""
    line: list[Point] = []
    peak = 0.0
    for close in closes:
        if close is not None:
            peak = max(peak, close)
        line.append(None if close is None or not peak else (close / peak - 1) * 100)
    return line


def latest_run(days: Days) -> list[float]:
    """Return the closes of the unbroken run of days that ends with the newest, oldest first."""
    run: list[float] = []
    for close in reversed(days.closes):
        if close is None:
            break
        run.append(close)
    return run[::-1]


def figures(days: Days, *, today: date) -> Figures | None:
    """Work out what these complete days say; None where no day has a close."""
    year = days.since(today - timedelta(days=YEAR))
    run = latest_run(year)
    if not run:
        return None
    index = max(
        (i for i, close in enumerate(year.closes) if close is not None),
        key=lambda i: (year.closes[i] or 0.0, i),
    )
    bands = indicators.bollinger(run[-BAND_DAYS:], BAND_DAYS)
    lines = indicators.macd(run)
    ago = {back: days.close_on(today - timedelta(days=back)) for back in DAYS_AGO}
    # A source's year begins at the hour it is asked, so that its first day is not complete.
    ago[YEAR] = ago[YEAR] or days.close_on(today - timedelta(days=YEAR - 1))
    return Figures(
        last=year.last,
        known=year.known,
        run=len(run),
        close=run[-1],
        ago={back: close for back, close in ago.items() if close},
        rsi=indicators.rsi(run, RSI_DAYS)[-1],
        macd=lines.line[-1],
        macd_signal=lines.signal[-1],
        averages={
            period: math.fsum(run[-period:]) / period
            for period in AVERAGE_DAYS
            if len(run) >= period
        },
        band_upper=bands.upper[-1],
        band_lower=bands.lower[-1],
        volatility=volatility(year, over=MONTH),
        high=year.closes[index],
        high_day=year.first + timedelta(days=index),
        volume=year.volumes[-1] if year.volumes else None,
        volume_mean=_mean_volume(year.volumes),
        month=tuple(year.close_on(today - timedelta(days=back)) for back in range(MONTH, 0, -1)),
    )


def _mean_volume(volumes: Sequence[Point]) -> float | None:
    """Return the mean of the month before the newest day."""
    known = [volume for volume in volumes[-MONTH - 1 : -1] if volume is not None]
    return math.fsum(known) / len(known) if len(known) >= FEWEST_VOLUMES else None
