"""What a coin's candles say about it: spans with the price in them, returns, the first price."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from market import services as market
from market.candles import Bar, reach, span_of
from market.models import Candle, Coin
from tests.conftest import NOW, make_coin

D = Decimal

MIDNIGHT = NOW.replace(hour=0)
DAY = timedelta(days=1)


def put(resolution: str, start: datetime, close: str, *, low: str = "", high: str = "") -> None:
    Candle.objects.create(
        id=Candle.key("bitcoin", resolution, start),
        coin_id="bitcoin",
        resolution=resolution,
        start=start,
        open=Decimal(close),
        high=Decimal(high or close),
        low=Decimal(low or close),
        close=Decimal(close),
        open_at=start,
        close_at=start,
        source="csv",
    )


@pytest.fixture
def bitcoin(db: None) -> Coin:
    return make_coin(price="100", change_24h=Decimal("2.5"), change_7d=Decimal(-4))


def performance(coin: Coin) -> market.Performance:
    return market.performance(coin=coin, currency="USD", now=NOW)


def test_a_return_compares_the_price_with_the_close_of_then(bitcoin: Coin) -> None:
    put("5m", NOW - timedelta(minutes=65), "80")
    put("1h", NOW - timedelta(days=30, hours=1), "50")
    put("1d", MIDNIGHT - 91 * DAY, "200")
    put("1d", MIDNIGHT - 366 * DAY, "10")
    assert performance(bitcoin).returns == {
        "1h": 25,
        "24h": Decimal("2.5"),
        "7d": -4,
        "30d": 100,
        "90d": -50,
        "1y": 900,
        "all": 900,
    }


def test_a_price_of_long_before_is_not_the_price_of_then(bitcoin: Coin) -> None:
    put("1h", NOW - timedelta(days=30, hours=9), "50")
    put("1d", MIDNIGHT - 99 * DAY, "200")
    returns = performance(bitcoin).returns
    assert (returns["30d"], returns["90d"], returns["1y"]) == (None, None, None)


def test_spans_say_where_the_price_is(bitcoin: Coin) -> None:
    put("5m", NOW - timedelta(hours=3), "99", low="90", high="110")
    put("1h", NOW - timedelta(days=3), "99", low="60", high="140")
    put("1d", MIDNIGHT - 200 * DAY, "99", low="50", high="300")
    found = performance(bitcoin)
    assert found.day
    assert (found.day.low, found.day.high, found.day.share) == (D(90), D(110), D(50))
    assert found.week
    assert (found.week.low, found.week.high, found.week.share) == (D(60), D(140), D(50))
    assert found.year
    assert (found.year.low, found.year.high, found.year.share) == (D(50), D(300), D(20))


def test_a_price_beyond_its_candles_is_the_new_high(bitcoin: Coin) -> None:
    put("5m", NOW - timedelta(hours=3), "80")
    day = performance(bitcoin).day
    assert day
    assert (day.low, day.high, day.share) == (D(80), D(100), D(100))


def test_the_first_price_is_that_of_the_oldest_day(bitcoin: Coin) -> None:
    put("1d", MIDNIGHT - 4000 * DAY, "2")
    put("1d", MIDNIGHT, "90")
    found = performance(bitcoin)
    assert (found.first_price, found.first_day) == (D(2), date(2015, 12, 8))
    assert found.returns["all"] == 4900


def test_without_history_nothing_is_said(bitcoin: Coin) -> None:
    found = performance(bitcoin)
    assert (found.day, found.week, found.year, found.first_price) == (None, None, None, None)
    assert found.returns["all"] is None


@pytest.mark.django_db
def test_a_coin_without_a_price_has_neither_spans_nor_returns() -> None:
    coin = make_coin(price=None)
    put("1d", MIDNIGHT - DAY, "90")
    found = performance(coin)
    assert found.year is None
    assert found.returns["all"] is None


def test_the_averages_are_those_that_stand_alone(bitcoin: Coin) -> None:
    put("5m", MIDNIGHT, "10")
    put("5m", NOW - timedelta(hours=20), "5000")
    put("1h", MIDNIGHT - 3 * DAY, "20")
    put("1d", MIDNIGHT - 5 * DAY, "30")
    alone = market.averages(coin_id="bitcoin", currency="USD", now=NOW)
    assert performance(bitcoin).averages == alone


def test_all_of_it_is_four_queries(
    bitcoin: Coin, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    put("1d", MIDNIGHT, "90")
    with django_assert_num_queries(4):
        performance(bitcoin)


prices = st.decimals(min_value="0.000001", max_value="1000000", places=6)


@given(st.lists(st.tuples(prices, prices), min_size=1, max_size=20), prices)
def test_the_price_always_lies_within_its_span(ends: list[tuple[Decimal, Decimal]],
                                               price: Decimal) -> None:  # fmt: skip
    bars = [
        Bar(NOW - n * timedelta(hours=1), "1h", max(pair), min(pair), pair[0])
        for n, pair in enumerate(reversed(ends))
    ]
    found = span_of(reach(bars, since=NOW - 30 * DAY), price=price)
    assert found is not None
    assert found.low <= price <= found.high
    assert 0 <= found.share <= 100
