"""What a series of prices says: averages, strength, volatility, drawdown, correlation.

Plain numbers in, plain numbers out, oldest first. They are ratios and lines for reading, so they
are floats; money stays Decimal. A result that the series is too short for is None, and a line
has a None for each point before its first value, so that it lies under its prices.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise


def sma(prices: Sequence[float], period: int) -> list[float | None]:
    """Return the simple moving average of the last `period` prices at each point."""
    _check_period(period)
    line: list[float | None] = []
    for end in range(1, len(prices) + 1):
        # Summed afresh: a running sum drifts when a large price leaves the window.
        window = prices[end - period : end] if end >= period else ()
        line.append(math.fsum(window) / period if window else None)
    return line


def ema(prices: Sequence[float], period: int) -> list[float | None]:
    """Return the exponential moving average, begun with the simple one of the first `period`."""
    _check_period(period)
    if len(prices) < period:
        return [None] * len(prices)
    weight = 2 / (period + 1)
    value = math.fsum(prices[:period]) / period
    line: list[float | None] = [None] * (period - 1)
    line.append(value)
    for price in prices[period:]:
        value += weight * (price - value)
        line.append(value)
    return line


def rsi(prices: Sequence[float], period: int = 14) -> float | None:
    """Return Wilder's relative strength index of the last point, 0 to 100.

    A series that did not move at all is at 50.
    """
    _check_period(period)
    if len(prices) <= period:
        return None
    changes = [after - before for before, after in pairwise(prices)]
    gain = math.fsum(max(change, 0.0) for change in changes[:period]) / period
    loss = math.fsum(max(-change, 0.0) for change in changes[:period]) / period
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0.0)) / period
        loss = (loss * (period - 1) + max(-change, 0.0)) / period
    if gain == loss == 0:
        return 50.0
    return 100 * gain / (gain + loss)


def returns(prices: Sequence[float]) -> list[float]:
    """Return the change from each price to the next as a fraction; prices are above zero."""
    return [after / before - 1 for before, after in pairwise(prices)]


def volatility(prices: Sequence[float], *, periods_a_year: int = 365) -> float | None:
    """Return the annualised standard deviation of the returns in percent."""
    changes = returns(prices)
    if len(changes) < 2:  # noqa: PLR2004 (a deviation takes two)
        return None
    return statistics.stdev(changes) * math.sqrt(periods_a_year) * 100


def drawdown(prices: Sequence[float]) -> float | None:
    """Return the deepest fall below an earlier high in percent: 0 or negative."""
    deepest, peak = 0.0, -math.inf
    for price in prices:
        peak = max(peak, price)
        deepest = min(deepest, price / peak - 1)
    return deepest * 100 if prices else None


def correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Pearson's correlation of the returns of two series of the same moments, -1 to 1.

    None where there are fewer than two returns, or where one of the two did not move.
    """
    if len(one) != len(other):
        raise ValueError("Both series need a price for each moment.")
    first, second = returns(one), returns(other)
    if len(first) < 2:  # noqa: PLR2004 (a correlation takes two)
        return None
    try:
        return max(-1.0, min(1.0, statistics.correlation(first, second)))
    except statistics.StatisticsError:
        return None


def _check_period(period: int) -> None:
    if period < 1:
        raise ValueError("A period is at least 1.")
