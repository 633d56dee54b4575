"""Reading history: candles and charts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from market import studies as offered
from market.candles import start_of
from market.models import Candle, Resolution
from market.quotes import SIMULATED_SOURCES
from market.studies import Line, Study

from .errors import MarketRejected

#: Name of a chart's range -> (resolution of its candles, how far back; None is everything).
CHART_RANGES: dict[str, tuple[Resolution, timedelta | None]] = {
    "1h": (Resolution.MINUTE, timedelta(hours=1)),
    "1d": (Resolution.FIVE_MINUTES, timedelta(days=1)),
    "7d": (Resolution.HOUR, timedelta(days=7)),
    "1m": (Resolution.HOUR, timedelta(days=30)),
    "3m": (Resolution.DAY, timedelta(days=90)),
    "1y": (Resolution.DAY, timedelta(days=365)),
    "all": (Resolution.DAY, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """The candles of one chart, oldest first. An interval without a price has no candle."""

    coin_id: str
    range_name: str
    resolution: Resolution
    start: datetime | None  # of the range; None for all there is
    end: datetime
    candles: list[Candle]
    source: str  # the names of the sources, or "" when there are no candles
    is_simulated: bool
    lines: list[Line] = field(default_factory=list)  # of the indicators that were asked for

    @property
    def seconds(self) -> int:
        """How long one candle lasts; where two are further apart there is a gap."""
        return self.resolution.seconds


def candles(*, coin_id: str, resolution: str, start: datetime, end: datetime) -> list[Candle]:
    """Return the candles that begin from `start` to before `end`, oldest first. One query.

    Raises MarketRejected (bad_range) for a resolution that there is not.
    """
    if resolution not in Resolution.values:
        raise MarketRejected(_("Candles last 1m, 5m, 1h or 1d."), code="bad_range")
    rows = Candle.objects.filter(
        coin_id=coin_id, resolution=resolution, start__gte=start, start__lt=end
    )
    return list(rows.order_by("start"))


def chart(*, coin_id: str, range_name: str, now: datetime, indicators: str = "") -> ChartData:
    """Return the candles of a range (CHART_RANGES) up to now. One query, with indicators two.

    `indicators` is a list such as "sma20,rsi" (`market.studies`). They read the candles before
    the range too, so that their lines begin at its left edge as far as history reaches. Gaps stay
    gaps: no candle is made up. Raises MarketRejected (bad_range, bad_indicator).
    """
    studies = _studies(indicators)
    if range_name not in CHART_RANGES:
        raise MarketRejected(
            _("A chart's range is one of %(names)s.") % {"names": ", ".join(CHART_RANGES)},
            code="bad_range",
        )
    resolution, span = CHART_RANGES[range_name]
    start = None if span is None else start_of(now - span, resolution.value)
    found = candles(
        coin_id=coin_id,
        resolution=resolution.value,
        start=start or datetime(1970, 1, 1, tzinfo=UTC),
        end=now + timedelta(seconds=1),
    )
    sources = sorted({candle.source for candle in found})
    earlier = _closes_before(found[0], offered.warm_up(studies)) if studies and found else []
    closes = [*earlier, *(candle.close for candle in found)]
    return ChartData(
        coin_id=coin_id,
        range_name=range_name,
        resolution=resolution,
        start=start,
        end=now,
        candles=found,
        source=", ".join(sources),
        is_simulated=not SIMULATED_SOURCES.isdisjoint(sources),
        lines=offered.lines(studies, closes, shown=len(found)),
    )


def _studies(names: str) -> list[Study]:
    try:
        return offered.chosen(names)
    except offered.UnknownIndicatorError as unknown:
        raise MarketRejected(
            _("An indicator is one of %(names)s.") % {"names": unknown}, code="bad_indicator"
        ) from unknown


def _closes_before(candle: Candle, number: int) -> list[Decimal]:
    """Return the closes of so many candles before this one, oldest first. One query."""
    rows = Candle.objects.filter(
        coin_id=candle.coin_id, resolution=candle.resolution, start__lt=candle.start
    )
    newest_first = rows.order_by("-start").values_list("close", flat=True)[:number]
    return list(newest_first)[::-1]
