"""The latest prices, and the market added up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from market import services as market
from market.models import Coin, FeedState
from tests.conftest import NOW, make_coin

pytestmark = pytest.mark.django_db


def test_tracked_coins_come_by_rank_and_the_unranked_last(
    bitcoin: Coin, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_coin("unranked", rank=None)
    make_coin("third", rank=3)
    make_coin("removed", rank=2, tracked=False)
    with django_assert_num_queries(1):
        assert [coin.pk for coin in market.latest_quotes()] == ["bitcoin", "third", "unranked"]
    asked = market.latest_quotes(coin_ids=["removed", "unranked", "nobody"])
    assert [coin.pk for coin in asked] == ["removed", "unranked"]
    assert market.latest_quotes(coin_ids=[]) == []
    assert market.coin(coin_id="nobody") is None


def test_a_fresh_price_is_tradable_up_to_the_limit(bitcoin: Coin, settings: Settings) -> None:
    limit = NOW + settings.STALE_AFTER
    assert market.tradable_quote(coin_id="bitcoin", now=limit) == bitcoin
    with pytest.raises(market.MarketRejected, match="too old") as refused:
        market.tradable_quote(coin_id="bitcoin", now=limit + timedelta(seconds=1))
    assert refused.value.code == "stale_price"


def test_what_has_no_price_or_is_not_here_is_not_tradable() -> None:
    make_coin("unpriced", price=None)
    make_coin("removed", tracked=False)
    for coin_id, code in (("unpriced", "no_price"), ("nobody", "unknown_coin")):
        with pytest.raises(market.MarketRejected) as refused:
            market.tradable_quote(coin_id=coin_id, now=NOW)
        assert refused.value.code == code
    with pytest.raises(market.MarketRejected, match="not traded here"):
        market.tradable_quote(coin_id="removed", now=NOW)
    assert market.tradable_quote(coin_id="removed", now=NOW, allow_removed=True).pk == "removed"


def test_moved_coins_are_those_with_a_price(bitcoin: Coin) -> None:
    make_coin("unpriced", price=None)
    moved = market.moved_coins(coin_ids=["bitcoin", "unpriced", "nobody"])
    assert list(moved) == [bitcoin]
    assert list(market.moved_coins()) == [bitcoin]


def test_the_summary_adds_up_the_tracked_coins(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_coin(market_cap=Decimal(600), volume_24h=Decimal(10), change_24h=Decimal(20))
    make_coin("ethereum", market_cap=Decimal(400), volume_24h=Decimal(5), change_24h=Decimal(-20))
    make_coin("gone", market_cap=Decimal(10**9), tracked=False)
    make_coin("unpriced", price=None, market_cap=Decimal(10**9))
    with django_assert_num_queries(1):
        summary = market.market_summary(now=NOW)
    assert (summary.coins, summary.priced) == (3, 2)
    assert summary.market_cap == 1000
    assert summary.volume_24h == 15
    assert summary.bitcoin_dominance == Decimal("60.0")
    assert summary.change_24h == 0  # 500 + 500 became 600 + 400
    assert (summary.newest_at, summary.is_stale, summary.is_simulated) == (NOW, False, True)
    assert summary.sources == ["simulated"]


def test_the_summary_of_an_old_market_is_stale(bitcoin: Coin) -> None:
    assert market.market_summary(now=NOW + timedelta(days=1)).is_stale


def test_the_summary_of_nothing_claims_nothing() -> None:
    summary = market.market_summary(now=NOW)
    assert (summary.coins, summary.market_cap, summary.volume_24h) == (0, None, None)
    assert (summary.bitcoin_dominance, summary.change_24h, summary.newest_at) == (None, None, None)
    assert summary.is_stale
    assert not summary.is_simulated


def test_movers_are_sorted_by_how_far(bitcoin: Coin, ethereum: Coin) -> None:
    make_coin("up", change_24h=Decimal(9))
    make_coin("flat", change_24h=Decimal(0))
    make_coin("silent")
    make_coin("down", change_24h=Decimal(-7))
    make_coin("removed", change_24h=Decimal(99), tracked=False)
    movers = market.movers(limit=5)
    assert [coin.pk for coin in movers.gainers] == ["up", "bitcoin"]
    assert [coin.pk for coin in movers.losers] == ["down", "ethereum"]
    assert [coin.pk for coin in market.movers(limit=1).gainers] == ["up"]


def test_the_last_tick_is_the_newest_price(bitcoin: Coin) -> None:
    make_coin("older", at=NOW - timedelta(hours=1))
    make_coin("removed", at=NOW + timedelta(seconds=9), tracked=False)
    assert market.last_tick_at() == NOW
    Coin.objects.all().delete()
    assert market.last_tick_at() is None


def test_a_feed_says_how_many_calls_its_plan_gives(settings: Settings) -> None:
    options = {"plan": "demo", "api_key": "CG-key"}
    settings.FEEDS = {
        "coingecko": {"BACKEND": "market.feeds.coingecko.CoinGeckoFeed", "OPTIONS": options}
    }
    FeedState.objects.create(name="coingecko", month="2026-11", calls_this_month=12)
    (state,) = market.feed_states()
    assert (state.calls_this_month, state.monthly_calls) == (12, 10_000)


def test_feed_states_leave_out_the_notes_of_single_coins() -> None:
    for name in ("news:example.com", "history:bitcoin", "coingecko"):
        FeedState.objects.create(name=name)
    assert [state.name for state in market.feed_states()] == ["coingecko", "news:example.com"]
