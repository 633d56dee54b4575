"""Fetching: fail-over among real feeds, one fetch per tick, and what happens when all fail."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from pytest_django import Settings

from market import services as market
from market.feeds import FeedError
from market.models import Coin, FeedState
from market.quotes import Quote
from tests.conftest import NOW, make_coin

from .scripted import Answer, ScriptedFeed, quote

pytestmark = pytest.mark.django_db

Feeds = type[ScriptedFeed]


def priced_by(source: str, price: str = "100") -> Answer:
    """Answer with this price for each coin that is asked for."""

    def answer(coin_ids: Sequence[str], now: datetime) -> list[Quote]:
        return [quote(coin_id, price, now, source) for coin_id in coin_ids]

    return answer


def listing(source: str, count: int) -> Answer:
    """Answer with this many coins of the source's own choice."""

    def answer(_: Sequence[str], now: datetime) -> list[Quote]:
        return [
            quote(f"coin-{n}", "5", now, source, symbol=f"c{n}", name=f"Coin {n}", rank=n + 1)
            for n in range(count)
        ]

    return answer


@pytest.fixture
def real(feeds: Feeds) -> Feeds:
    """A database of real prices with bitcoin."""
    make_coin(price=None, rank=1)
    market.ingest(quotes=[quote(source="coingecko", at=NOW - timedelta(hours=1))], now=NOW)
    return feeds


def test_the_active_feed_moves_the_tracked_coins(real: Feeds) -> None:
    real.answers["coingecko"] = priced_by("coingecko")
    assert market.fetch_prices(now=NOW) == market.FetchResult(source="coingecko", moved=1)
    assert Coin.objects.get().last_price == 100
    state = FeedState.objects.get(name="coingecko")
    assert (state.last_success_at, state.failures) == (NOW, 0)


def test_a_fetch_that_is_not_due_asks_nobody(real: Feeds) -> None:
    real.answers["coingecko"] = priced_by("coingecko")
    market.fetch_prices(now=NOW)
    for seconds in (1, 2, 30, 58):
        later = NOW + timedelta(seconds=seconds)
        assert market.fetch_prices(now=later) == market.FetchResult(source=None)
    assert len(real.asked) == 1
    assert market.fetch_prices(now=NOW + timedelta(seconds=60)).moved == 1


def test_the_next_feed_serves_while_the_first_fails(real: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coingecko", "kraken"]
    real.answers["kraken"] = priced_by("kraken", "101")
    assert market.fetch_prices(now=NOW).source == "kraken"
    state = FeedState.objects.get(name="coingecko")
    assert (state.failures, state.last_error) == (1, "coingecko is down.")
    # The first is not due again yet; the second still serves at its own pace.
    assert market.fetch_prices(now=NOW + timedelta(seconds=2)).source is None
    assert market.fetch_prices(now=NOW + timedelta(seconds=5)).source == "kraken"
    real.answers["coingecko"] = priced_by("coingecko", "102")
    assert market.fetch_prices(now=NOW + timedelta(seconds=60)).source == "coingecko"
    assert market.fetch_prices(now=NOW + timedelta(seconds=70)).source is None
    assert Coin.objects.get().source == "coingecko"


def test_when_all_fail_nothing_is_stored_and_the_storm_ends(
    real: Feeds, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MARKET_FEEDS = ["coingecko", "kraken"]
    before = Coin.objects.get()
    for seconds in range(0, 600, 2):
        result = market.fetch_prices(now=NOW + timedelta(seconds=seconds))
        assert result == market.FetchResult(source=None)
    assert Coin.objects.get().price_at == before.price_at
    assert Coin.objects.get().is_stale(now=NOW + timedelta(seconds=600))
    assert len(real.asked) < 30
    assert len(caplog.records) < 60
    assert all(state.open_until for state in market.feed_states())


def test_a_feed_that_breaks_is_noted_like_one_that_fails(real: Feeds) -> None:
    real.answers["coingecko"] = ZeroDivisionError("its own fault")
    assert market.fetch_prices(now=NOW).source is None
    assert "ZeroDivisionError" in FeedState.objects.get(name="coingecko").last_error


def test_a_simulated_feed_never_follows_a_real_one(real: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coingecko", "simulated"]
    real.answers["simulated"] = priced_by("simulated")
    assert market.fetch_prices(now=NOW).source is None
    assert [alias for alias, _ in real.asked] == ["coingecko"]
    state = FeedState.objects.get(name="simulated")
    assert state.is_misconfigured
    assert "holds real prices and refuses simulated ones" in state.last_error


def test_real_and_simulated_feeds_named_together_never_mix_on_a_new_database(
    feeds: Feeds, settings: Settings
) -> None:
    settings.MARKET_FEEDS = ["coingecko", "simulated"]
    feeds.answers["simulated"] = priced_by("simulated")
    make_coin(price=None)
    assert market.fetch_prices(now=NOW).source is None
    assert market.origin() is None
    assert "named" in FeedState.objects.get(name="simulated").last_error.replace("names", "named")


def test_a_simulated_database_asks_the_simulation(feeds: Feeds) -> None:
    make_coin(price=None)
    market.ingest(quotes=[quote(at=NOW - timedelta(seconds=9))], now=NOW)
    feeds.answers["simulated"] = priced_by("simulated", "77")
    assert market.fetch_prices(now=NOW).source == "simulated"
    assert Coin.objects.get().last_price == 77


def test_a_named_simulation_makes_its_own_coins_on_a_new_database(
    feeds: Feeds, settings: Settings
) -> None:
    settings.MARKET_FEEDS = ["simulated"]
    feeds.answers["simulated"] = priced_by("simulated")
    assert market.fetch_prices(now=NOW).moved == Coin.objects.count() > 20
    assert market.origin() == "simulated"


def test_an_unknown_feed_is_one_clear_sentence(real: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coinbasee"]
    assert market.fetch_prices(now=NOW).source is None
    assert "There is no feed called “coinbasee”" in FeedState.objects.get().last_error


def test_the_first_list_of_a_real_feed_becomes_the_catalogue(feeds: Feeds) -> None:
    make_coin("wrapped-thing", price=None)
    feeds.answers["coingecko"] = listing("coingecko", 260)
    assert market.fetch_prices(now=NOW).moved == 260
    assert feeds.asked == [("coingecko", [])]
    assert Coin.objects.filter(tracked=True).count() == 251
    assert Coin.objects.get(pk="coin-0").name == "Coin 0"
    assert market.latest_quotes()[0].pk == "coin-0"
    # From then on it is our coins that are asked for, and no new ones come by themselves.
    feeds.answers["coingecko"] = listing("coingecko", 270)
    market.fetch_prices(now=NOW + timedelta(seconds=60))
    assert "wrapped-thing" in feeds.asked[-1][1]
    assert Coin.objects.count() == 261


def test_a_new_database_never_becomes_simulated_by_a_failed_fetch(feeds: Feeds) -> None:
    feeds.answers["simulated"] = priced_by("simulated")
    assert market.fetch_prices(now=NOW).source is None
    assert market.origin() is None


def test_removed_coins_are_asked_for_where_a_call_has_room(real: Feeds) -> None:
    make_coin("removed", tracked=False, source="coingecko")
    make_coin("never-tracked", price=None, tracked=False)
    real.answers["coingecko"] = priced_by("coingecko")
    market.fetch_prices(now=NOW + timedelta(minutes=1))
    assert real.asked[-1][1] == ["bitcoin", "removed"]


def test_a_permanent_error_is_shown_as_one(real: Feeds) -> None:
    real.answers["coingecko"] = FeedError("The key is wrong.", misconfigured=True)
    market.fetch_prices(now=NOW)
    assert FeedState.objects.get(name="coingecko").is_misconfigured


def test_two_workers_fetch_one_tick_once(shared_database: None, feeds: Feeds) -> None:
    make_coin(price=None, rank=1)
    market.ingest(quotes=[quote(source="coingecko", at=NOW - timedelta(hours=1))], now=NOW)
    feeds.answers["coingecko"] = priced_by("coingecko")
    start = threading.Barrier(4)
    moved: list[int] = []

    def work() -> None:
        start.wait()
        try:
            moved.append(market.fetch_prices(now=NOW).moved)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(moved) == [0, 0, 0, 1]
    assert len(feeds.asked) == 1
    assert Coin.objects.get().last_price == Decimal(100)
