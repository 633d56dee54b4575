"""A portfolio's value over time, as pages and scripts show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from market import indicators
from market import services as market
from portfolio.equity import DAY, HOUR, KnownPrices, Point, daily, nearest_before, worth
from portfolio.models import EquityPoint, Portfolio, Span
from portfolio.refusals import TradeRejected
from portfolio.valuation import Valuation, percent_of

from .reading import valuation as value_now

#: Name of a range -> how far back; None is everything.
EQUITY_RANGES: dict[str, timedelta | None] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "1m": timedelta(days=30),
    "3m": timedelta(days=90),
    "1y": timedelta(days=365),
    "all": None,
}
#: Longer ranges show one value a day.
_HOURS_UP_TO = timedelta(days=31)
#: A value of 24 hours ago may be this much older: one run of the job that failed.
_DAY_TOLERANCE = timedelta(hours=2)
BENCHMARK = "bitcoin"
TABLE_ROWS = 13
PLOTTED = 180  # a finger finds no more of them


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityCurve:
    """A portfolio's values over a range, oldest first; the last one is the present."""

    range_name: str
    span: Span  # between two stored values; where two are further apart there is a gap
    points: list[Point]
    start: Decimal
    end: Decimal
    change: Decimal
    change_percent: Decimal | None
    day_start: Decimal | None  # what it was worth 24 hours ago; None where it is younger
    day_change: Decimal | None
    day_change_percent: Decimal | None
    benchmark: list[Decimal | None]  # what the same money in BTC would have been worth

    @property
    def seconds(self) -> int:
        """How far apart two values are."""
        return int((DAY if self.span == Span.DAY else HOUR).total_seconds())

    @property
    def benchmark_end(self) -> Decimal | None:
        """What the same money in BTC would be worth now."""
        return self.benchmark[-1] if self.benchmark else None

    @property
    def bottom(self) -> Decimal:
        """The lowest value of both lines."""
        return min(self._drawn())

    @property
    def top(self) -> Decimal:
        """The highest value of both lines."""
        return max(self._drawn())

    def _drawn(self) -> list[Decimal]:
        known = [close for close in self.benchmark if close is not None]
        return [*(point.value for point in self.points), *known]

    @property
    def pairs(self) -> list[tuple[Point, Decimal | None]]:
        """Each point with what the same money in BTC would have been worth."""
        return list(zip(self.points, self.benchmark or [None] * len(self.points), strict=True))

    @property
    def rows(self) -> list[tuple[Point, Decimal | None]]:
        """A dozen of the points, newest first: what a table shows."""
        return _evenly(self.pairs, TABLE_ROWS)[::-1]

    @property
    def plot(self) -> list[list[float | None]]:
        """What a crosshair needs: Unix milliseconds, value, and the same money in BTC."""
        return [
            [
                int(point.at.timestamp() * 1000),
                float(point.value),
                None if close is None else float(close),
            ]
            for point, close in _evenly(self.pairs, PLOTTED)
        ]


def _evenly(
    pairs: list[tuple[Point, Decimal | None]], most: int
) -> list[tuple[Point, Decimal | None]]:
    """Return at most so many, evenly spaced; the first and the last are always among them."""
    if len(pairs) <= most:
        return pairs
    step = (len(pairs) - 1) / (most - 1)
    return [pairs[round(index * step)] for index in range(most)]


def equity(
    *,
    portfolio: Portfolio,
    range_name: str,
    now: datetime,
    valuation: Valuation | None = None,
    against_bitcoin: bool = False,
) -> EquityCurve:
    """Return a portfolio's values over a range (EQUITY_RANGES) up to now.

    One or two queries where the caller has the `valuation`; four more `against_bitcoin`.
    Raises TradeRejected (bad_range).
    """
    if range_name not in EQUITY_RANGES:
        raise TradeRejected(
            _("A range is one of %(ranges)s.") % {"ranges": ", ".join(EQUITY_RANGES)}, "bad_range"
        )
    back = EQUITY_RANGES[range_name]
    wanted = datetime(1970, 1, 1, tzinfo=UTC) if back is None else now - back
    is_long = now - max(wanted, portfolio.start) > _HOURS_UP_TO
    span = Span.DAY if is_long else Span.HOUR
    a_day_ago = now - DAY - _DAY_TOLERANCE
    stored = _stored(portfolio, span, since=min(wanted, a_day_ago))
    present = valuation or value_now(portfolio=portfolio, now=now)
    points = [point for point in stored if point.at >= wanted]
    if portfolio.start >= wanted and (not points or points[0].at > portfolio.start):
        points.insert(0, Point(at=portfolio.start, value=portfolio.paid_in, cash=portfolio.paid_in))
    points.append(Point(at=now, value=present.value, cash=present.cash))
    hours = stored if span == Span.HOUR else _stored(portfolio, Span.HOUR, since=a_day_ago)
    day_start = _day_start(hours, portfolio, now=now)
    change = present.value - points[0].value
    day_change = None if day_start is None else present.value - day_start
    return EquityCurve(
        range_name=range_name,
        span=span,
        points=points,
        start=points[0].value,
        end=present.value,
        change=change,
        change_percent=percent_of(change, points[0].value),
        day_start=day_start,
        day_change=day_change,
        day_change_percent=(
            None if day_start is None or day_change is None else percent_of(day_change, day_start)
        ),
        benchmark=_in_bitcoin(portfolio, points, span, now=now) if against_bitcoin else [],
    )


def _stored(portfolio: Portfolio, span: Span, *, since: datetime) -> list[Point]:
    rows = EquityPoint.objects.filter(portfolio=portfolio, span=span, at__gte=since)
    if portfolio.started_at and portfolio.started_at >= since:
        rows = EquityPoint.objects.filter(
            portfolio=portfolio, span=span, at__gt=portfolio.started_at
        )
    return [
        Point(at=at, value=value, cash=cash)
        for at, value, cash in rows.order_by("at").values_list("at", "value", "cash")
    ]


def _day_start(stored: Sequence[Point], portfolio: Portfolio, *, now: datetime) -> Decimal | None:
    """Return the value of 24 hours ago: of the newest hour that is not younger than that.

    Deposits do not exist, so that what has changed since is the day's profit.
    """
    moment = now - DAY
    if portfolio.start > moment:
        return None
    found = nearest_before(stored, moment)
    return found.value if found and moment - found.at <= _DAY_TOLERANCE else None


def _in_bitcoin(
    portfolio: Portfolio, points: Sequence[Point], span: Span, *, now: datetime
) -> list[Decimal | None]:
    """Return what the start balance would be worth if it had all bought bitcoin at the start.

    By the closes of its candles; an hour without one takes the price before it, as the portfolio
    does. Nothing where no price of the start is known.
    """
    begin, length = portfolio.start, DAY if span == Span.DAY else HOUR
    known = KnownPrices()
    coin = market.coin(coin_id=BENCHMARK)
    if coin is not None and coin.last_price is not None and coin.price_at is not None:
        known.learn(BENCHMARK, coin.price_at, coin.last_price)
    for resolution, since, until, each in (
        (Span.DAY, begin - 3 * DAY, begin + DAY, DAY),
        (Span.HOUR, begin - HOUR, begin + DAY, HOUR),
        (span, points[0].at - 2 * length, now, length),
    ):
        for candle in market.candles(
            coin_id=BENCHMARK, resolution=resolution, start=since, end=until
        ):
            known.learn(BENCHMARK, candle.start + each, candle.close)
    first = known.at(BENCHMARK, begin)
    if not first:
        return []
    quantity = portfolio.paid_in / first
    closes = [known.at(BENCHMARK, point.at) for point in points]
    return [None if close is None else worth(quantity, close) for close in closes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How much a portfolio swings; None where there are too few days."""

    volatility: float | None  # percent, annualised
    deepest_fall: float | None  # percent, from a high to the low after it
    fell_from: datetime | None
    fell_to: datetime | None
    days: int


def risk(points: Sequence[Point]) -> Risk:
    """Measure a portfolio's swings from its values at the ends of days."""
    ends = list(daily(points))
    values = [float(point.value) for point in ends]
    fall = indicators.deepest_fall(values)
    return Risk(
        volatility=indicators.volatility(values) if min(values, default=0) > 0 else None,
        deepest_fall=fall.percent if fall else None,
        fell_from=ends[fall.start].at if fall else None,
        fell_to=ends[fall.bottom].at if fall else None,
        days=len(ends),
    )
