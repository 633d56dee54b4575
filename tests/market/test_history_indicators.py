"""Indicators on a chart: which there are, what they read beforehand, where their lines begin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from market import services as market
from market import studies
from market.models import Candle
from market.services.candlestore import expiry
from tests.conftest import NOW, make_coin

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
THIS_HOUR = NOW.replace(minute=0)


def put_hours(number: int, *, back: int = 0) -> None:
    """Store hourly closes 1, 2, ... of which the last began `back` hours ago."""
    rows = []
    for index in range(number):
        start = THIS_HOUR - (number - 1 - index + back) * HOUR
        price = Decimal(index + 1)
        rows.append(
            Candle(
                id=Candle.key("bitcoin", "1h", start),
                coin_id="bitcoin",
                resolution="1h",
                start=start,
                open=price,
                high=price,
                low=price,
                close=price,
                open_at=start,
                close_at=start,
                source="csv",
                expires_at=expiry("1h", start),
            )
        )
    for first in range(0, len(rows), 90):
        Candle.objects.bulk_create(rows[first : first + 90])


@pytest.fixture(autouse=True)
def _bitcoin(db: None) -> None:
    make_coin()


def lines(names: str) -> dict[str, list[float | None]]:
    chart = market.chart(coin_id="bitcoin", range_name="7d", indicators=names, now=NOW)
    assert all(len(line.points) == len(chart.candles) for line in chart.lines)
    return {line.key: line.points for line in chart.lines}


def test_lines_begin_at_the_left_edge_where_history_reaches_beyond_it() -> None:
    put_hours(24 * 7 + 260)
    for points in lines(",".join(studies.STUDIES)).values():
        assert None not in points


def test_an_average_over_the_edge_is_that_of_the_whole_history() -> None:
    put_hours(24 * 7 + 30)
    average = lines("sma20")["sma20"]
    # The closes are 1, 2, 3, ...: the mean of the last twenty lags by nine and a half.
    newest = 24 * 7 + 30
    assert average[-1] == newest - 9.5
    assert average[0] == newest - (len(average) - 1) - 9.5


def test_a_history_that_begins_in_the_range_leaves_the_beginning_empty() -> None:
    put_hours(30)
    average = lines("sma20")["sma20"]
    assert average[:19] == [None] * 19
    assert average[19] == 10.5


def test_bands_strength_and_convergence_say_which_pane_they_need() -> None:
    put_hours(60)
    chart = market.chart(
        coin_id="bitcoin", range_name="7d", indicators="bollinger,rsi,macd", now=NOW
    )
    assert [(line.key, line.pane, line.is_histogram) for line in chart.lines] == [
        ("bollinger-upper", "price", False),
        ("bollinger-middle", "price", False),
        ("bollinger-lower", "price", False),
        ("rsi", "rsi", False),
        ("macd-histogram", "macd", True),
        ("macd", "macd", False),
        ("macd-signal", "macd", False),
    ]


def test_each_indicator_is_drawn_once_however_often_it_is_asked_for() -> None:
    put_hours(30)
    assert list(lines("sma20,sma20,,ema12")) == ["sma20", "ema12"]


@pytest.mark.parametrize("names", ["sma21", "sma20;ema12", "RSI", "\0", "sma20,💥"])
def test_an_indicator_that_there_is_not_is_refused_with_those_there_are(names: str) -> None:
    with pytest.raises(market.MarketRejected, match="is one of sma20, sma50") as refused:
        market.chart(coin_id="bitcoin", range_name="7d", indicators=names, now=NOW)
    assert refused.value.code == "bad_indicator"


def test_all_indicators_are_one_query_more(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    put_hours(30)
    with django_assert_num_queries(2):
        lines(",".join(studies.STUDIES))


def test_a_coin_without_candles_has_empty_lines(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        assert set(map(tuple, lines("sma20,rsi").values())) == {()}
