"""Adding, removing, searching and watching coins."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries

from accounts.models import Activity, User
from market import services as market
from market.models import Coin, WatchlistItem
from market.services import watching
from tests.conftest import NOW, make_coin

from .scripted import ScriptedFeed

pytestmark = pytest.mark.django_db


def test_an_added_coin_is_tracked_and_the_log_says_who_did_it(root: User) -> None:
    coin = market.add_coin(coin_id=" solana ", by=root, address="192.0.2.1")
    assert (coin.pk, coin.symbol, coin.name, coin.tracked) == ("solana", "sol", "Solana", True)
    line = Activity.objects.get()
    assert (line.kind, line.user, line.summary) == ("coin_added", root, "Added Solana (SOL)")
    market.add_coin(coin_id="solana", by=root)
    assert Activity.objects.count() == 1


def test_a_coin_that_nobody_knows_needs_its_name(root: User) -> None:
    with pytest.raises(market.MarketRejected, match="Search for it by name") as refused:
        market.add_coin(coin_id="brand-new", by=root)
    assert refused.value.code == "unknown_coin"
    coin = market.add_coin(coin_id="brand-new", by=root, symbol="new", name="Brand New")
    assert str(coin) == "Brand New (NEW)"


@pytest.mark.parametrize(
    "coin_id",
    ["", "  ", "a b", "a/b", "a,b", "a:b", ".", "..", "a?b", "a#b", "a\\b", "x" * 129, "a\x00b"],
)
def test_what_can_be_no_id_is_refused(root: User, coin_id: str) -> None:
    with pytest.raises(market.MarketRejected) as refused:
        market.add_coin(coin_id=coin_id, by=root, symbol="x", name="X")
    assert refused.value.code == "bad_coin"


def test_a_removed_coin_stays_with_its_price_and_comes_back(root: User, bitcoin: Coin) -> None:
    market.remove_coin(coin_id="bitcoin", by=root)
    market.remove_coin(coin_id="bitcoin", by=root)
    assert market.latest_quotes() == []
    assert market.latest_quotes(coin_ids=["bitcoin"]) == [bitcoin]
    assert market.coin(coin_id="bitcoin") == bitcoin
    back = market.add_coin(coin_id="bitcoin", by=root)
    assert back.last_price == bitcoin.last_price
    assert [line.kind for line in Activity.objects.order_by("id")] == [
        "coin_removed",
        "coin_added",
    ]
    with pytest.raises(market.MarketRejected):
        market.remove_coin(coin_id="nobody", by=root)


def ids(query: str) -> list[str]:
    return [entry.coin_id for entry in market.search_catalogue(query=query, now=NOW)]


def test_a_search_finds_by_symbol_name_and_id_best_first(bitcoin: Coin) -> None:
    assert ids("btc") == ["bitcoin"]
    assert ids("BITCOIN")[:2] == ["bitcoin", "bitcoin-cash"]
    assert "avalanche-2" in ids("avalanche")
    found = market.search_catalogue(query="bitcoin", now=NOW)
    assert [entry.is_tracked for entry in found[:2]] == [True, False]


@pytest.mark.parametrize("query", ["", "   ", "no such coin", "%", "'; --", "💥", "x" * 5000])
def test_a_search_for_nonsense_finds_nothing(bitcoin: Coin, query: str) -> None:
    assert ids(query) == []


def test_what_the_source_finds_can_be_added_afterwards(
    root: User, feeds: type[ScriptedFeed]
) -> None:
    assert ids("wormhole") == []
    assert market.find_coins(query="wormhole", now=NOW) == 2
    assert not Coin.objects.filter(tracked=True).exists()
    assert ids("wormhole") == ["wormhole"]
    assert market.add_coin(coin_id="wormhole", by=root).name == "Wormhole"
    assert market.find_coins(query="again", now=NOW + timedelta(seconds=1)) == 0
    assert market.find_coins(query="   ", now=NOW + timedelta(minutes=1)) == 0
    assert len(feeds.asked) == 1


def test_a_watched_coin_is_on_the_list_once(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    market.watch(user=alice, coin_id="ethereum")
    market.watch(user=alice, coin_id="bitcoin")
    market.watch(user=alice, coin_id="bitcoin")
    assert market.watchlist(user=alice) == [bitcoin, ethereum]
    assert market.watched_ids(user=alice) == {"bitcoin", "ethereum"}
    market.unwatch(user=alice, coin_id="bitcoin")
    market.unwatch(user=alice, coin_id="bitcoin")
    assert market.watchlist(user=alice) == [ethereum]


def test_a_watchlist_is_ones_own(alice: User, bob: User, bitcoin: Coin) -> None:
    market.watch(user=alice, coin_id="bitcoin")
    market.unwatch(user=bob, coin_id="bitcoin")
    assert market.watchlist(user=bob) == []
    assert market.watched_ids(user=alice) == {"bitcoin"}
    assert market.watched_ids(user=AnonymousUser()) == set()


def test_a_removed_or_unknown_coin_cannot_be_watched(
    alice: User, root: User, bitcoin: Coin
) -> None:
    market.watch(user=alice, coin_id="bitcoin")
    market.remove_coin(coin_id="bitcoin", by=root)
    assert market.watchlist(user=alice) == []
    for coin_id in ("bitcoin", "nobody", ""):
        with pytest.raises(market.MarketRejected, match="no such coin"):
            market.watch(user=alice, coin_id=coin_id)


def test_a_watchlist_has_an_end(
    alice: User, bitcoin: Coin, ethereum: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_WATCHED", 1)
    market.watch(user=alice, coin_id="bitcoin")
    market.watch(user=alice, coin_id="bitcoin")
    with pytest.raises(market.MarketRejected, match="up to 1 coins"):
        market.watch(user=alice, coin_id="ethereum")
    assert WatchlistItem.objects.count() == 1


def test_a_watchlist_is_one_query(
    alice: User, bitcoin: Coin, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_coin("x", price="1", change_24h=Decimal(1))
    for coin_id in ("bitcoin", "x"):
        market.watch(user=alice, coin_id=coin_id)
    with django_assert_num_queries(1):
        assert len(market.watchlist(user=alice)) == 2
