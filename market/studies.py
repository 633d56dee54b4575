"""The indicators that a chart offers: what each is called, reads beforehand and draws. No database.

Each is counted over candles, not over time: an interval without a price is not made up, as on
every chart. Lines are as long as the candles that are shown, None where too little is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from . import indicators

Points = list[float | None]
#: An exponential average has forgotten where it began after so many of its periods.
PERIODS_TO_FORGET = 4
#: More than a screen shows tells nothing more.
DIGITS = 10


class UnknownIndicatorError(ValueError):
    """Somebody asked for an indicator that is not offered; the text names those that are."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an indicator: `price` lies on the chart, any other pane below it."""

    key: str
    label: Any  # a text in the person's language
    points: Points
    pane: str = "price"
    is_histogram: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """An indicator as the menu lists it, with how many candles it reads before the range."""

    key: str
    label: Any  # a text in the person's language
    warm_up: int
    draw: Callable[[Sequence[float]], list[Line]]


def _sma(period: int) -> Study:
    key, label = f"sma{period}", f"SMA {period}"
    return Study(
        key, label, period - 1, lambda closes: [Line(key, label, indicators.sma(closes, period))]
    )


def _ema(period: int) -> Study:
    key, label = f"ema{period}", f"EMA {period}"
    return Study(
        key,
        label,
        period * PERIODS_TO_FORGET,
        lambda closes: [Line(key, label, indicators.ema(closes, period))],
    )


def _bollinger(closes: Sequence[float]) -> list[Line]:
    bands = indicators.bollinger(closes)
    return [
        Line("bollinger-upper", _("Upper band"), bands.upper),
        Line("bollinger-middle", _("Middle band"), bands.middle),
        Line("bollinger-lower", _("Lower band"), bands.lower),
    ]


def _rsi(closes: Sequence[float]) -> list[Line]:
    return [Line("rsi", "RSI 14", indicators.rsi(closes), pane="rsi")]


def _macd(closes: Sequence[float]) -> list[Line]:
    macd = indicators.macd(closes)
    return [
        Line("macd-histogram", _("Histogram"), macd.histogram, pane="macd", is_histogram=True),
        Line("macd", "MACD 12 26", macd.line, pane="macd"),
        Line("macd-signal", _("Signal 9"), macd.signal, pane="macd"),
    ]


STUDIES: dict[str, Study] = {
    study.key: study
    for study in (
        *(_sma(period) for period in (20, 50, 200)),
        *(_ema(period) for period in (12, 26)),
        Study("bollinger", _("Bollinger bands 20"), 19, _bollinger),
        Study("rsi", "RSI 14", 14 * PERIODS_TO_FORGET, _rsi),
        Study("macd", "MACD 12 26 9", (26 + 9) * PERIODS_TO_FORGET, _macd),
    )
}


def chosen(names: str) -> list[Study]:
    """Return the studies of a list such as "sma20,rsi", each once. Raises UnknownIndicatorError."""
    keys = dict.fromkeys(key for key in names.split(",") if key)
    if not keys.keys() <= STUDIES.keys():
        raise UnknownIndicatorError(", ".join(STUDIES))
    return [STUDIES[key] for key in keys]


def warm_up(studies: Iterable[Study]) -> int:
    """Return how many candles before the range these need, so that lines begin at its edge."""
    return max((study.warm_up for study in studies), default=0)


def lines(studies: Iterable[Study], closes: Sequence[Any], *, shown: int) -> list[Line]:
    """Draw the studies over these closes and keep of each line the last `shown` points."""
    prices = [float(close) for close in closes]
    first = len(prices) - shown
    return [
        Line(line.key, line.label, rounded(line.points[first:]), line.pane, line.is_histogram)
        for study in studies
        for line in study.draw(prices)
    ]


def rounded(points: Iterable[float | None]) -> Points:
    """Keep the digits that can be seen."""
    return [None if point is None else float(f"{point:.{DIGITS}g}") for point in points]
