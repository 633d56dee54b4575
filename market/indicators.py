"""Lines that are read beside a chart: moving averages and relative strength.

Plain numbers in, plain numbers out, oldest first. They are ratios and lines for reading, so they
are floats; money stays Decimal. A result that the series is too short for is None, and a line
has a None for each point before its first value, so that it lies under its prices.
"""

from __future__ import annotations

import math
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


def _check_period(period: int) -> None:
    if period < 1:
        raise ValueError("A period is at least 1.")
