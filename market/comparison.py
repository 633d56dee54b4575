"""Several coins on one chart: each one's change in percent since the range began. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One coin's line: percent since the range began, None where it has no candle."""

    coin: Any
    points: list[float | None]

    @property
    def change(self) -> float | None:
        """Return where the line ends."""
        return next((point for point in reversed(self.points) if point is not None), None)

    @property
    def high(self) -> float | None:
        return max((point for point in self.points if point is not None), default=None)

    @property
    def low(self) -> float | None:
        return min((point for point in self.points if point is not None), default=None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lines on their common grid of moments."""

    times: list[datetime]
    lines: list[Line]


def compare(charts: Sequence[tuple[Any, Any]]) -> Comparison:
    """Put (coin, ChartData) pairs of one range on one grid and one scale.

    Each line begins at 0 at the coin's first candle: its close counts as 100 %.
    """
    starts = [candle.start for _, chart in charts for candle in chart.candles]
    if not starts:
        return Comparison([], [Line(coin, []) for coin, _ in charts])
    seconds = charts[0][1].seconds
    first, last = min(starts), max(starts)
    count = int((last - first).total_seconds()) // seconds + 1
    times = [first + timedelta(seconds=seconds * index) for index in range(count)]
    return Comparison(times, [Line(coin, _points(chart, times)) for coin, chart in charts])


def _points(chart: Any, times: Sequence[datetime]) -> list[float | None]:
    closes = {candle.start: float(candle.close) for candle in chart.candles}
    if not closes:
        return [None] * len(times)
    base = closes[min(closes)]
    return [None if (close := closes.get(at)) is None else 100 * (close / base - 1) for at in times]
