"""What is read from a series of prices: averages, strength, bands, returns, falls, correlation.

Plain numbers in, plain numbers out, oldest first. They are ratios and lines for reading, so they
are floats; money stays Decimal. A figure that the series is too short for is None. A line is as
long as its prices and has None for each point before its first value.

Lines agree with TA-Lib's function of the same name, warm-up included. One thing differs: the
strength of a price that never moved is 50 here and 0 there.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Line = list[float | None]

#: Fewer returns than this say nothing worth showing about how they vary.
FEWEST_RETURNS = 10
#: Crypto trades every day of the year.
DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Macd:
    """Moving average convergence and divergence; all three lines begin together."""

    line: Line
    signal: Line
    histogram: Line


@dataclass(frozen=True, slots=True)
class Bands:
    """Bollinger's bands around a simple average."""

    middle: Line
    upper: Line
    lower: Line


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall from a highest price to the lowest after it, in percent (0 or negative).

    `start` and `bottom` are indices of the series, equal where it never fell; `now` is how far
    the last price lies below the highest of all.
    """

    percent: float
    start: int
    bottom: int
    now: float


# --- Lines -----------------------------------------------------------------------------------


def sma(values: Sequence[float], period: int) -> Line:
    """Return the simple moving average of the last `period` values at each point."""
    _check_period(period)
    line: Line = [None] * min(period - 1, len(values))
    for end in range(period, len(values) + 1):
        # Summed afresh: a running sum drifts when a large price leaves the window.
        line.append(math.fsum(values[end - period : end]) / period)
    return line


def ema(values: Sequence[float], period: int) -> Line:
    """Return the exponential moving average, begun with the simple one of the first `period`."""
    _check_period(period)
    if len(values) < period:
        return [None] * len(values)
    weight = 2 / (period + 1)
    average = math.fsum(values[:period]) / period
    line: Line = [None] * (period - 1)
    line.append(average)
    for value in values[period:]:
        average += weight * (value - average)
        line.append(average)
    return line


def rsi(closes: Sequence[float], period: int = 14) -> Line:
    """Return Wilder's relative strength index, 0 to 100; 50 while nothing has moved."""
    _check_period(period)
    if len(closes) <= period:
        return [None] * len(closes)
    changes = [after - before for before, after in pairwise(closes)]
    gain = math.fsum(max(change, 0.0) for change in changes[:period]) / period
    loss = math.fsum(max(-change, 0.0) for change in changes[:period]) / period
    line: Line = [None] * period
    line.append(_strength(gain, loss))
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0.0)) / period
        loss = (loss * (period - 1) + max(-change, 0.0)) / period
        line.append(_strength(gain, loss))
    return line


def macd(closes: Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return the fast average less the slow one, that line's own average, and their distance.

    Both averages begin at the slow one's first point, and the line is None until its signal is
    there, as in TA-Lib.
    """
    if not 1 <= fast < slow:
        raise ValueError("The fast period is at least 1 and below the slow one.")
    _check_period(signal)
    lead = slow - fast
    quick, calm = ema(closes[lead:], fast), ema(closes, slow)[lead:]
    apart = [a - b for a, b in zip(quick, calm, strict=True) if a is not None and b is not None]
    follows = ema(apart, signal)
    warm_up = len(closes) - len(apart)
    line: Line = [None] * warm_up
    line += [None if after is None else here for here, after in zip(apart, follows, strict=True)]
    signals: Line = [None] * warm_up
    signals += follows
    return Macd(
        line=line,
        signal=signals,
        histogram=[
            None if here is None or after is None else here - after
            for here, after in zip(line, signals, strict=True)
        ],
    )


def bollinger(closes: Sequence[float], period: int = 20, width: float = 2.0) -> Bands:
    """Return the simple average, and `width` deviations (of the whole window) above and below."""
    middle = sma(closes, period)
    upper: Line = []
    lower: Line = []
    for index, average in enumerate(middle):
        if average is None:
            upper.append(None)
            lower.append(None)
            continue
        window = closes[index + 1 - period : index + 1]
        spread = width * math.sqrt(math.fsum((close - average) ** 2 for close in window) / period)
        upper.append(average + spread)
        lower.append(average - spread)
    return Bands(middle=middle, upper=upper, lower=lower)


# --- Figures ---------------------------------------------------------------------------------


def returns(closes: Sequence[float]) -> list[float]:
    """Return the change from each price to the next as a fraction; one less than prices."""
    if any(close <= 0 for close in closes):
        raise ValueError("A price is above zero.")
    return [after / before - 1 for before, after in pairwise(closes)]


def volatility(closes: Sequence[float], per_year: float = DAYS_A_YEAR) -> float | None:
    """Return the standard deviation (of a sample) of returns in percent, of a year.

    `per_year` is how many such steps a year has. None below `FEWEST_RETURNS` returns.
    """
    return spread(returns(closes), per_year)


def spread(changes: Sequence[float], per_year: float = DAYS_A_YEAR) -> float | None:
    """Return `volatility` of returns that are known already, such as those of a broken series."""
    if len(changes) < FEWEST_RETURNS:
        return None
    average = math.fsum(changes) / len(changes)
    square = math.fsum((change - average) ** 2 for change in changes) / (len(changes) - 1)
    return math.sqrt(square * per_year) * 100


def deepest_fall(closes: Sequence[float]) -> Fall | None:
    """Return the deepest fall from an earlier highest price; None without prices."""
    if not closes:
        return None
    peak = start = bottom = 0
    deepest = 0.0
    for index, close in enumerate(closes):
        if close >= closes[peak]:
            peak = index
        elif (below := close / closes[peak] - 1) < deepest:
            deepest, start, bottom = below, peak, index
    now = closes[-1] / closes[peak] - 1
    return Fall(percent=deepest * 100, start=start, bottom=bottom, now=now * 100)


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Pearson's correlation of two series of returns, -1 to 1.

    None below `FEWEST_RETURNS` of them, or where one of them did not move at all.
    """
    if len(a) != len(b):
        raise ValueError("Two series of the same length are compared.")
    if len(a) < FEWEST_RETURNS:
        return None
    try:
        value = statistics.correlation(a, b)
    except statistics.StatisticsError:
        return None
    return max(-1.0, min(1.0, value))


def _strength(gain: float, loss: float) -> float:
    return 50.0 if gain == loss == 0 else 100 * gain / (gain + loss)


def _check_period(period: int) -> None:
    if period < 1:
        raise ValueError("A period is at least 1.")
