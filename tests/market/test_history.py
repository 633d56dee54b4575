"""Charts and averages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from market import services as market
from market.models import Candle, Coin, ExchangeRate, Resolution
from market.services.candlestore import expiry
from tests.conftest import NOW, make_coin

pytestmark = pytest.mark.django_db


def put(
    resolution: str, start: datetime, close: str, coin_id: str = "bitcoin", source: str = "csv"
) -> None:
    price = Decimal(close)
    Candle.objects.create(
        id=Candle.key(coin_id, resolution, start),
        coin_id=coin_id,
        resolution=resolution,
        start=start,
        open=price,
        high=price,
        low=price,
        close=price,
        open_at=start,
        close_at=start,
        source=source,
        expires_at=expiry(resolution, start),
    )


def put_rate(currency: str, day: date, rate: str) -> None:
    ExchangeRate.objects.create(
        id=f"{currency}:{day}",
        currency=currency,
        day=day,
        rate=Decimal(rate),
        source="csv",
        updated_at=NOW,
    )


@pytest.fixture(autouse=True)
def _bitcoin(db: None) -> None:
    make_coin()


@pytest.mark.parametrize(
    ("range_name", "resolution", "span"),
    [
        ("1h", "1m", timedelta(hours=1)),
        ("1d", "5m", timedelta(days=1)),
        ("7d", "1h", timedelta(days=7)),
        ("1m", "1h", timedelta(days=30)),
        ("3m", "1d", timedelta(days=90)),
        ("1y", "1d", timedelta(days=365)),
    ],
)
def test_a_range_shows_its_own_candles_and_no_others(
    range_name: str, resolution: str, span: timedelta
) -> None:
    step = timedelta(seconds=Resolution(resolution).seconds)
    first = Resolution(resolution).start_of(NOW - span)
    for start in (first - step, first, first + step, Resolution(resolution).start_of(NOW)):
        put(resolution, start, "5")
    put("1d" if resolution != "1d" else "1h", NOW.replace(hour=0), "7")
    chart = market.chart(coin_id="bitcoin", range_name=range_name, now=NOW)
    assert [candle.start for candle in chart.candles] == [
        first,
        first + step,
        Resolution(resolution).start_of(NOW),
    ]
    assert (chart.resolution, chart.seconds) == (resolution, step.total_seconds())
    assert (chart.source, chart.is_simulated) == ("csv", False)


def test_all_reaches_back_to_the_first_day() -> None:
    put("1d", datetime(2011, 9, 13, tzinfo=UTC), "6")
    put("1d", NOW.replace(hour=0), "100000", source="replay")
    chart = market.chart(coin_id="bitcoin", range_name="all", now=NOW)
    assert [candle.close for candle in chart.candles] == [6, 100000]
    assert (chart.source, chart.is_simulated) == ("csv, replay", True)


def test_a_coin_without_candles_has_an_empty_chart() -> None:
    chart = market.chart(coin_id="nobody", range_name="1d", now=NOW)
    assert (chart.candles, chart.source, chart.is_simulated) == ([], "", False)


@pytest.mark.parametrize("name", ["", "2d", "ALL", "1M", "1d; drop table", "💥"])
def test_a_range_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(market.MarketRejected, match="range is one of 1h, 1d") as refused:
        market.chart(coin_id="bitcoin", range_name=name, now=NOW)
    assert refused.value.code == "bad_range"
    with pytest.raises(market.MarketRejected, match="1m, 5m, 1h or 1d"):
        market.candles(coin_id="bitcoin", resolution="7m", start=NOW, end=NOW)


def test_a_chart_is_one_query_by_its_index(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        market.chart(coin_id="bitcoin", range_name="7d", now=NOW)
    plan = (
        Candle.objects.filter(coin_id="bitcoin", resolution="1h", start__gte=NOW, start__lt=NOW)
        .order_by("start")
        .explain()
    )
    if connection.settings_dict["ENGINE"] == "django.db.backends.sqlite3":
        assert "candle_chart" in plan
        assert "TEMP B-TREE" not in plan


def averages(currency: str = "USD") -> tuple[Any, Any]:
    found = market.averages(coin_id="bitcoin", currency=currency, now=NOW)
    return found.day, found.month


MIDNIGHT = NOW.replace(hour=0)


def test_the_day_is_the_mean_of_its_five_minutes_and_the_month_of_its_hours() -> None:
    for number, close in enumerate(("10", "20", "60")):
        put("5m", MIDNIGHT + number * timedelta(minutes=5), close)
    put("5m", MIDNIGHT - timedelta(minutes=5), "5000")  # yesterday
    put("1h", MIDNIGHT, "60")
    put("1h", datetime(2026, 11, 1, tzinfo=UTC), "20")
    put("1h", datetime(2026, 10, 31, 23, tzinfo=UTC), "9000")  # last month
    put("1d", MIDNIGHT, "60")
    assert averages() == (30, 40)


def test_a_day_before_the_hours_counts_by_its_own_close() -> None:
    put("1d", datetime(2026, 11, 10, tzinfo=UTC), "100")
    for hour in range(24):
        put("1h", datetime(2026, 11, 11, hour, tzinfo=UTC), "200")
    put("1d", datetime(2026, 11, 11, tzinfo=UTC), "999")  # its hours say it better
    assert averages() == (None, 150)


def test_each_day_is_converted_at_its_own_rate() -> None:
    put("1h", datetime(2026, 11, 3, 5, tzinfo=UTC), "100")
    put("1h", datetime(2026, 11, 5, 5, tzinfo=UTC), "100")
    put("1h", MIDNIGHT, "100")
    put_rate("CZK", date(2026, 10, 20), "20")
    put_rate("CZK", date(2026, 11, 4), "22")
    put_rate("CZK", date(2026, 11, 20), "24")
    put_rate("CZK", date(2026, 11, 21), "1000")
    assert averages("CZK") == (2400, 2200)


def test_days_before_the_first_rate_have_that_first_rate() -> None:
    put("1h", datetime(2026, 11, 3, 5, tzinfo=UTC), "100")
    put_rate("EUR", date(2026, 11, 20), "0.5")
    assert averages("EUR") == (None, 50)


def test_without_a_rate_or_a_price_there_is_no_average() -> None:
    assert averages() == (None, None)
    put("1h", MIDNIGHT, "100")
    assert averages("EUR") == (None, None)


def test_the_average_is_what_ingest_stored() -> None:
    from .scripted import quote

    Coin.objects.update(last_price=None, price_at=None)
    for minutes, price in ((0, "10"), (1, "20"), (5, "40")):
        at = MIDNIGHT + timedelta(minutes=minutes)
        market.ingest(quotes=[quote(price=price, at=at)], now=NOW)
    assert averages() == (30, 40)
