"""What a coin's history says about it: averages, highs and lows, returns by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.core.cache import cache

from market.candles import (
    Bar,
    Close,
    Reach,
    Span,
    close_at,
    finest,
    mean,
    reach,
    span_of,
    start_of,
)
from market.models import Candle, Coin
from market.quotes import PRICE_CONTEXT

from .currency import rates_by_day

YEAR = timedelta(days=365)
#: Periods whose return is worked out from candles -> the resolution that knows them best. The
#: returns of 24 hours and 7 days come with each quote.
RETURNS = (
    ("1h", timedelta(hours=1), "5m"),
    ("30d", timedelta(days=30), "1h"),
    ("90d", timedelta(days=90), "1d"),
    ("1y", YEAR, "1d"),
)
#: Seconds for which what candles say is kept; the price beside it is always that of now.
KEPT_FOR = 10
_PLACES = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """The mean price of the current day and month (UTC); None where nothing is known."""

    coin_id: str
    currency: str
    day: Decimal | None
    month: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What the page of a coin says about its past. Prices are in US dollars, returns in percent.

    A span is None, and a return is None, where history does not reach.
    """

    averages: Averages
    day: Span | None
    week: Span | None
    year: Span | None
    returns: dict[str, Decimal | None]  # "1h", "24h", "7d", "30d", "90d", "1y", "all"
    first_price: Decimal | None
    first_day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What a coin's candles say, whatever its price is now: the same for everybody for a while."""

    averages: Averages
    day: Reach | None
    week: Reach | None
    year: Reach | None
    before: dict[str, Decimal | None]  # the price a period ago, by the names of RETURNS
    first_price: Decimal | None
    first_day: date | None


def performance(*, coin: Coin, currency: str, now: datetime) -> Performance:
    """Put a coin's price of now beside what its candles say; those are read every ten seconds."""
    past = _kept_past(coin.pk, currency, now)
    returns = {name: _return(coin, price) for name, price in past.before.items()}
    return Performance(
        averages=past.averages,
        day=span_of(past.day, price=coin.last_price),
        week=span_of(past.week, price=coin.last_price),
        year=span_of(past.year, price=coin.last_price),
        returns={
            "1h": returns.pop("1h"),
            "24h": coin.change_24h,
            "7d": coin.change_7d,
            **returns,
            "all": _return(coin, past.first_price),
        },
        first_price=past.first_price,
        first_day=past.first_day,
    )


def _kept_past(coin_id: str, currency: str, now: datetime) -> _Past:
    moment = int(now.timestamp()) // KEPT_FOR
    key = f"past:{coin_id}:{currency}:{moment}"
    kept: _Past | None = cache.get(key)
    if kept is None:
        kept = _past(coin_id, currency, now)
        cache.set(key, kept, KEPT_FOR)
    return kept


def _past(coin_id: str, currency: str, now: datetime) -> _Past:
    """Read the candles. Four queries, and one for a foreign currency."""
    month = _month(now)
    minutes = _bars(coin_id, "5m", now - timedelta(days=1), now)
    hours = _bars(coin_id, "1h", min(month, now - timedelta(days=31)), now)
    days = _bars(coin_id, "1d", now - YEAR - timedelta(days=2), now)
    first = Candle.objects.filter(coin_id=coin_id, resolution="1d").order_by("start").first()
    bars = {"5m": minutes, "1h": hours, "1d": days}
    return _Past(
        averages=_averages(coin_id, [*minutes, *hours, *days], currency=currency, now=now),
        day=reach(minutes, since=now - timedelta(days=1)),
        week=reach(hours, since=now - timedelta(days=7)),
        year=reach(days, since=now - YEAR),
        before={
            name: close_at(bars[resolution], now - period) for name, period, resolution in RETURNS
        },
        first_price=first.open if first else None,
        first_day=first.start.astimezone(UTC).date() if first else None,
    )


def averages(*, coin_id: str, currency: str, now: datetime) -> Averages:
    """Average a coin's price over the current day and the current month (UTC).

    Means of the closes of the finest candles there are (five minutes for the day, hours for the
    month), each in the currency at the exchange rate of its day: the nearest earlier stored one,
    or the first stored one for days before it. Five queries.
    """
    month = _month(now)
    known = _bars(coin_id, "1h", month, now) + _bars(coin_id, "1d", month, now)
    known += _bars(coin_id, "5m", start_of(now, "1d"), now)
    return _averages(coin_id, known, currency=currency, now=now)


def _averages(coin_id: str, bars: Sequence[Bar], *, currency: str, now: datetime) -> Averages:
    month, today = _month(now), start_of(now, "1d")
    of_month = [_close(b) for b in bars if b.start >= month and b.resolution != "5m"]
    of_day = [_close(b) for b in bars if b.start >= today]
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


def _month(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _bars(coin_id: str, resolution: str, start: datetime, now: datetime) -> list[Bar]:
    rows = Candle.objects.filter(
        coin_id=coin_id, resolution=resolution, start__gte=start, start__lte=now
    ).order_by("start")
    return [
        Bar(at.astimezone(UTC), resolution, high, low, close)
        for at, high, low, close in rows.values_list("start", "high", "low", "close")
    ]


def _close(bar: Bar) -> Close:
    return Close(bar.start, bar.resolution, bar.close)


def _mean(closes: list[Close], rates: dict[datetime, Decimal]) -> Decimal | None:
    value = mean(finest(closes), rates)
    return None if value is None else PRICE_CONTEXT.plus(value)


def _return(coin: Coin, before: Decimal | None) -> Decimal | None:
    if before is None or before <= 0 or coin.last_price is None:
        return None
    return PRICE_CONTEXT.plus(100 * (coin.last_price / before - 1)).quantize(_PLACES)
