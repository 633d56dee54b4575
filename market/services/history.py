"""Reading history: candles, charts, averages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from market.candles import Close, finest, mean, start_of
from market.models import Candle, Resolution
from market.quotes import PRICE_CONTEXT, SIMULATED_SOURCES

from .currency import rates_by_day
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

    @property
    def seconds(self) -> int:
        """How long one candle lasts; where two are further apart there is a gap."""
        return self.resolution.seconds


def candles(*, coin_id: str, resolution: str, start: datetime, end: datetime) -> list[Candle]:
    """Return the candles that begin from `start` to before `end`, oldest first. One query.

    Raises MarketRejected (bad_range) for a resolution that there is not.
    """
    if resolution not in Resolution.values:
        raise MarketRejected("Candles last 1m, 5m, 1h or 1d.", code="bad_range")
    rows = Candle.objects.filter(
        coin_id=coin_id, resolution=resolution, start__gte=start, start__lt=end
    )
    return list(rows.order_by("start"))


def chart(*, coin_id: str, range_name: str, now: datetime) -> ChartData:
    """Return the candles of a range (CHART_RANGES) up to now. One query.

    Gaps stay gaps: no candle is made up. Raises MarketRejected (bad_range).
    """
    if range_name not in CHART_RANGES:
        raise MarketRejected(
            f"A chart's range is one of {', '.join(CHART_RANGES)}.", code="bad_range"
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
    return ChartData(
        coin_id=coin_id,
        range_name=range_name,
        resolution=resolution,
        start=start,
        end=now,
        candles=found,
        source=", ".join(sources),
        is_simulated=not SIMULATED_SOURCES.isdisjoint(sources),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """The mean price of the current day and month (UTC); None where nothing is known."""

    coin_id: str
    currency: str
    day: Decimal | None
    month: Decimal | None


def averages(*, coin_id: str, currency: str, now: datetime) -> Averages:
    """Average a coin's price over the current day and the current month (UTC).

    Means of the closes of the finest candles there are (five minutes for the day, hours for the
    month), each in the currency at the exchange rate of its day: the nearest earlier stored one,
    or the first stored one for days before it. Five queries.
    """
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    today = start_of(now, "1d")
    of_month = _closes(coin_id, "1h", month, now) + _closes(coin_id, "1d", month, now)
    of_day = [close for close in of_month if close.start >= today]
    of_day += _closes(coin_id, "5m", today, now)
    days = {close.start.date() for close in (*of_month, *of_day)}
    rates = rates_by_day(currency=currency, days=days)
    if rates is None:
        return Averages(coin_id=coin_id, currency=currency, day=None, month=None)
    by_midnight = {datetime(d.year, d.month, d.day, tzinfo=UTC): r for d, r in rates.items()}
    return Averages(
        coin_id=coin_id,
        currency=currency,
        day=_mean(of_day, by_midnight),
        month=_mean(of_month, by_midnight),
    )


def _closes(coin_id: str, resolution: str, start: datetime, now: datetime) -> list[Close]:
    rows = Candle.objects.filter(
        coin_id=coin_id, resolution=resolution, start__gte=start, start__lte=now
    ).order_by("start")
    return [
        Close(at.astimezone(UTC), resolution, close)
        for at, close in rows.values_list("start", "close")
    ]


def _mean(closes: list[Close], rates: dict[datetime, Decimal]) -> Decimal | None:
    value = mean(finest(closes), rates)
    return None if value is None else PRICE_CONTEXT.plus(value)
