"""A new database: real prices when CoinGecko answers in time, else simulated ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event

import pytest
from pytest_django import Settings

from market import services as market
from market.models import Candle, Coin, FeedState
from market.quotes import Quote
from market.services import starting
from tests.conftest import NOW, make_coin

from .scripted import ScriptedFeed, quote

pytestmark = pytest.mark.django_db

Feeds = type[ScriptedFeed]
SIMULATED = {"BACKEND": "market.feeds.simulated.SimulatedFeed", "OPTIONS": {"seed": 1}}


@pytest.fixture
def new(feeds: Feeds, settings: Settings) -> Feeds:
    """CoinGecko as the test scripts it; the real simulation."""
    settings.FEEDS = settings.FEEDS | {"simulated": SIMULATED}
    return feeds


def real_answer(_: Sequence[str], now: datetime) -> list[Quote]:
    return [quote("bitcoin", "97000", now, "coingecko", symbol="btc", name="Bitcoin", rank=1)]


def test_an_answer_makes_it_a_database_of_real_prices(new: Feeds) -> None:
    new.answers["coingecko"] = real_answer
    assert market.choose_origin(now=NOW) == "real"
    assert new.asked == [("coingecko", [])]
    assert Coin.objects.get().last_price == 97000
    assert FeedState.objects.get(name="coingecko").last_success_at == NOW
    # The first scheduled fetch does not ask for the same tick again.
    assert market.fetch_prices(now=NOW + timedelta(seconds=2)).source is None


def test_no_answer_makes_it_a_simulated_one_with_charts(new: Feeds) -> None:
    assert market.choose_origin(now=NOW) == "simulated"
    coins = market.latest_quotes()
    assert coins[0].pk == "bitcoin"
    assert all(coin.is_simulated and not coin.is_stale(now=NOW) for coin in coins)
    for range_name in ("1h", "1d", "7d", "1m", "3m", "1y", "all"):
        chart = market.chart(coin_id="bitcoin", range_name=range_name, now=NOW)
        assert chart.candles, range_name
        assert chart.is_simulated
    assert "coingecko is down" in FeedState.objects.get(name="coingecko").last_error


def test_a_name_server_that_hangs_costs_the_patience_and_no_more(
    new: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.2)
    monkeypatch.setattr(starting, "HISTORY_SECONDS", 0.0)
    answers, answered = Event(), Event()

    def hang(coin_ids: Sequence[str], now: datetime) -> list[Quote]:
        try:
            assert answers.wait(60)
            return real_answer(coin_ids, now)
        finally:
            answered.set()

    new.answers["coingecko"] = hang
    assert market.choose_origin(now=NOW) == "simulated"
    assert not answered.is_set()
    answers.set()  # the late answer is nobody's
    assert answered.wait(10)
    time.sleep(0.2)
    assert market.origin() == "simulated"
    assert not Candle.objects.filter(source="coingecko").exists()


def test_a_database_with_prices_keeps_its_kind_and_nobody_is_asked(new: Feeds) -> None:
    make_coin(price=None)
    market.ingest(quotes=[quote(source="kraken")], now=NOW)
    assert market.choose_origin(now=NOW) == "real"
    assert new.asked == []


def test_a_named_simulation_is_not_asked_twice(new: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["simulated"]
    new.answers["coingecko"] = real_answer
    assert market.choose_origin(now=NOW) == "simulated"
    assert new.asked == []


def test_a_named_real_feed_is_left_to_the_schedule(new: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coingecko"]
    assert market.choose_origin(now=NOW) is None
    assert not Coin.objects.exists()


def test_an_empty_answer_is_no_answer(new: Feeds) -> None:
    new.answers["coingecko"] = lambda _ids, _now: []
    assert market.choose_origin(now=NOW) == "simulated"


def test_demo_coins_that_are_there_stay_as_they_are(db: None) -> None:
    make_coin(price=None, name="Renamed", tracked=False)
    made = market.seed_demo_coins()
    assert made == Coin.objects.count() - 1 > 20
    assert market.seed_demo_coins() == 0
    bitcoin = Coin.objects.get(pk="bitcoin")
    assert (bitcoin.name, bitcoin.tracked) == ("Renamed", False)
