"""What daily closes say about a coin: returns, volatility, drawdown, strength, correlation.

Plain values in, plain values out. `market.indicators` reads series without holes; a coin's days
have some, when nothing ran to fetch a price. A day without a close is a gap here, and no return
is made up across it. The results are ratios for reading, so they are floats.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from market import indicators

#: Fewer daily returns than this say nothing worth showing.
FEWEST_RETURNS = 10
#: Crypto trades every day of the year.
DAYS_A_YEAR = 365
RSI_DAYS = 14

Closes = Mapping[date, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """How far a price fell below its highest close before, in percent (0 or negative)."""

    deepest: float
    peak_day: date
    trough_day: date
    now: float


def daily_returns(closes: Closes) -> dict[date, float]:
    """Return each day's change as a fraction, for the days whose eve has a close too."""
    returns = {}
    for day in sorted(closes):
        before = closes.get(day - timedelta(days=1))
        if before is not None and before > 0:
            returns[day] = float(closes[day] / before - 1)
    return returns


def volatility(closes: Closes) -> float | None:
    """Return the annualised standard deviation of daily returns in percent."""
    returns = list(daily_returns(closes).values())
    if len(returns) < FEWEST_RETURNS:
        return None
    return statistics.stdev(returns) * math.sqrt(DAYS_A_YEAR) * 100


def correlation(one: Closes, other: Closes) -> float | None:
    """Return Pearson's correlation of daily returns over the days that both coins have.

    None where they share too few days, or where one of them did not move at all.
    """
    first, second = daily_returns(one), daily_returns(other)
    days = sorted(first.keys() & second.keys())
    if len(days) < FEWEST_RETURNS:
        return None
    try:
        value = statistics.correlation([first[day] for day in days], [second[day] for day in days])
    except statistics.StatisticsError:
        return None
    return max(-1.0, min(1.0, value))


def drawdown(closes: Closes) -> Drawdown | None:
    """Return the deepest fall from an earlier highest close, and today's."""
    if not closes:
        return None
    days = sorted(closes)
    peak_day, deepest, span = days[0], Decimal(0), (days[0], days[0])
    below = Decimal(0)
    for day in days:
        if closes[day] >= closes[peak_day]:
            peak_day = day
        below = closes[day] / closes[peak_day] - 1
        if below < deepest:
            deepest, span = below, (peak_day, day)
    return Drawdown(
        deepest=float(deepest * 100), peak_day=span[0], trough_day=span[1], now=float(below * 100)
    )


def relative_strength(closes: Closes) -> float | None:
    """Return Wilder's index (0 to 100) over the unbroken days up to the newest."""
    return indicators.rsi([float(close) for close in latest_run(closes)], RSI_DAYS)


def latest_run(closes: Closes) -> list[Decimal]:
    """Return the closes of the unbroken run of days that ends with the newest, oldest first."""
    if not closes:
        return []
    day = max(closes)
    run = []
    while day in closes:
        run.append(closes[day])
        day -= timedelta(days=1)
    return run[::-1]


def change_over(closes: Closes, *, days: int) -> float | None:
    """Return the change in percent of the newest close against the one `days` before it."""
    if not closes:
        return None
    newest = max(closes)
    before = closes.get(newest - timedelta(days=days))
    if before is None or before <= 0:
        return None
    return float((closes[newest] / before - 1) * 100)
