"""History: bars become candles of every resolution, in the background and without doubles."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from market import services as market
from market.feeds import FeedError, feed
from market.models import Candle, Coin
from market.quotes import Bar
from market.services.loading import load_coin
from tests.conftest import NOW, make_coin

from .scripted import ScriptedFeed, quote, values

pytestmark = pytest.mark.django_db

Feeds = type[ScriptedFeed]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)


def bar(
    start: datetime,
    prices: str = "10 12 9 11",
    step: timedelta | None = HOUR,
    coin_id: str = "bitcoin",
    volume: str | None = "1.5",
) -> Bar:
    o, h, low, c = map(Decimal, prices.split())
    return Bar(
        coin_id=coin_id,
        start=start,
        open=o,
        high=h,
        low=low,
        close=c,
        volume=None if volume is None else Decimal(volume),
        step=step,
    )


def get(resolution: str, start: datetime) -> Candle:
    return Candle.objects.get(pk=Candle.key("bitcoin", resolution, start))


@pytest.fixture
def bitcoin() -> Coin:
    return make_coin(price=None, rank=1)


@pytest.fixture
def real(bitcoin: Coin, feeds: Feeds) -> Feeds:
    market.ingest(quotes=[quote(source="coingecko", at=NOW - DAY)], now=NOW)
    return feeds


def test_hours_become_hours_and_days(bitcoin: Coin) -> None:
    day = MIDNIGHT - DAY
    bars = [bar(day + n * HOUR, f"{10 + n} {20 + n} {5 + n} {11 + n}") for n in range(24)]
    assert market.store_bars(bars=bars, source="csv", now=NOW) == 25
    one = get("1d", day)
    assert (one.open, one.high, one.low, one.close) == (10, 43, 5, 34)
    assert values(one, "volume source") == (36, "csv")
    assert get("1h", day).volume == Decimal("1.5")
    assert market.origin() == "real"


def test_storing_again_changes_nothing(bitcoin: Coin) -> None:
    bars = [bar(MIDNIGHT + n * HOUR, volume="33823724620921.123456789") for n in range(9)]
    market.store_bars(bars=bars, source="csv", now=NOW)
    before = list(Candle.objects.order_by("pk").values())
    assert market.store_bars(bars=list(reversed(bars)), source="csv", now=NOW) == 0
    assert list(Candle.objects.order_by("pk").values()) == before


def test_the_volume_of_half_a_day_is_not_the_days(bitcoin: Coin) -> None:
    market.store_bars(bars=[bar(MIDNIGHT), bar(MIDNIGHT + HOUR)], source="csv", now=NOW)
    assert get("1d", MIDNIGHT).volume is None


def test_a_bar_completes_the_candle_that_live_prices_began(bitcoin: Coin) -> None:
    at = NOW - timedelta(minutes=100)  # 10:20
    market.ingest(quotes=[quote(price="50", at=at, source="coingecko")], now=NOW)
    market.store_bars(bars=[bar(NOW - 2 * HOUR, "10 12 9 11")], source="coingecko", now=NOW)
    hour = get("1h", NOW - 2 * HOUR)
    assert (hour.open, hour.high, hour.low, hour.close) == (10, 50, 9, 11)


def test_the_bar_of_now_does_not_close_what_still_runs(bitcoin: Coin) -> None:
    market.store_bars(bars=[bar(NOW - timedelta(minutes=30))], source="coingecko", now=NOW)
    later = NOW + timedelta(minutes=1)
    market.ingest(quotes=[quote(price="99", at=later, source="coingecko")], now=later)
    assert get("1h", NOW - HOUR).close == 11
    assert get("1d", MIDNIGHT).close == 99


def test_what_is_past_its_time_keeps_only_its_day(bitcoin: Coin) -> None:
    old = datetime(2020, 3, 12, tzinfo=UTC)
    market.store_bars(bars=[bar(old), bar(old + HOUR)], source="csv", now=NOW)
    assert list(Candle.objects.values_list("resolution", flat=True)) == ["1d"]


def test_four_hour_bars_make_days_and_no_hours(bitcoin: Coin) -> None:
    bars = [
        bar(MIDNIGHT - DAY + n * 4 * HOUR, f"{n + 1} {n + 3} 1 {n + 2}", 4 * HOUR) for n in range(6)
    ]
    market.store_bars(bars=bars, source="csv", now=NOW)
    day = get("1d", MIDNIGHT - DAY)
    assert values(day, "open high low close volume") == (1, 8, 1, 7, 9)
    assert Candle.objects.count() == 1


@pytest.mark.parametrize(
    "bad",
    [
        bar(NOW + HOUR),
        bar(MIDNIGHT, step=None),
        bar(MIDNIGHT, step=4 * DAY),
        bar(MIDNIGHT, "0 1 0 1"),
        bar(MIDNIGHT, "NaN 1 1 1"),
    ],
    ids=["future", "no step", "longer than a day", "zero", "not a number"],
)
def test_a_bar_that_makes_no_sense_is_left_out(bitcoin: Coin, bad: Bar) -> None:
    assert market.store_bars(bars=[bad], source="csv", now=NOW) == 0


def test_history_of_an_unknown_coin_or_the_other_kind_is_refused(bitcoin: Coin) -> None:
    with pytest.raises(market.MarketRejected) as refused:
        market.store_bars(bars=[bar(MIDNIGHT, coin_id="nobody")], source="csv", now=NOW)
    assert refused.value.code == "unknown_coin"
    market.ingest(quotes=[quote()], now=NOW)
    with pytest.raises(market.MarketRejected, match="simulated prices and refuses real ones"):
        market.store_bars(bars=[bar(MIDNIGHT)], source="csv", now=NOW)
    assert not Candle.objects.filter(source="csv").exists()


def asked(feeds: Feeds) -> list[str]:
    return [ids[0] for what, ids in feeds.asked if what.endswith("history")]


def test_the_background_loads_the_most_important_coins_first_and_each_once(real: Feeds) -> None:
    make_coin("third", price=None, rank=3)
    make_coin("second", price=None, rank=2)
    make_coin("removed", price=None, tracked=False)
    real.bars["bitcoin"] = [bar(MIDNIGHT - DAY)]
    assert market.load_history(now=NOW) == 2
    assert list(dict.fromkeys(asked(real))) == ["bitcoin", "second"]
    assert market.load_history(now=NOW) == 1
    assert market.load_history(now=NOW + timedelta(hours=1)) == 0
    assert asked(real)[-1] == "third"
    assert get("1h", MIDNIGHT - DAY).close == 11
    assert [state.name for state in market.feed_states()] == []


def test_a_feed_that_asks_to_wait_ends_the_run_and_the_coin_comes_again(real: Feeds) -> None:
    make_coin("second", price=None, rank=2)
    real.bars["bitcoin"] = FeedError("Too fast.", retry_after=timedelta(seconds=60))
    assert market.load_history(now=NOW) == 0
    real.bars["bitcoin"] = []
    assert market.load_history(now=NOW) == 1
    assert market.load_history(now=NOW + timedelta(minutes=31)) == 1
    assert asked(real)[0] == "bitcoin"
    assert "second" in asked(real)
    assert asked(real)[-1] == "bitcoin"


def test_a_coin_that_the_source_does_not_know_is_not_asked_for_again(real: Feeds) -> None:
    real.bars["bitcoin"] = FeedError("Delisted.", permanent=True)
    assert market.load_history(now=NOW) == 1
    assert market.load_history(now=NOW + DAY) == 0


def test_a_new_database_loads_nothing(bitcoin: Coin, feeds: Feeds) -> None:
    assert market.load_history(now=NOW) == 0
    assert feeds.asked == []


def test_a_year_of_a_simulated_coin_is_there_quickly(bitcoin: Coin, settings: Settings) -> None:
    settings.FEEDS = {
        "simulated": {"BACKEND": "market.feeds.simulated.SimulatedFeed", "OPTIONS": {"seed": 1}}
    }
    began = time.process_time()
    load_coin(feed("simulated"), "bitcoin", now=NOW)
    assert time.process_time() - began < 5
    counts = {
        resolution: Candle.objects.filter(resolution=resolution).count()
        for resolution in ("1m", "5m", "1h", "1d")
    }
    assert counts["1m"] == 180
    assert counts["5m"] >= 570
    assert counts["1h"] >= 24 * 89
    assert counts["1d"] >= 365
    live = feed("simulated").quotes(["bitcoin"], now=NOW)
    before = get("1d", MIDNIGHT)
    market.ingest(quotes=live, now=NOW)
    assert get("1d", MIDNIGHT).close == live[0].price == before.close
