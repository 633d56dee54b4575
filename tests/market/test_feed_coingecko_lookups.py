"""Exchange rates and the search of CoinGecko."""

from __future__ import annotations

from decimal import Decimal

import pytest

from market.feeds import FeedError
from tests.conftest import NOW

from .coingecko_server import EXCHANGE_RATES, Answer, CoinGeckoServer
from .feed_support import MakeFeed, make_feed, pauses, server

__all__ = ["make_feed", "pauses", "server"]


def test_rates_per_bitcoin_become_rates_per_dollar(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/exchange_rates", Answer.json(EXCHANGE_RATES))

    rates = make_feed().exchange_rates(["EUR", "CZK", "USD", "JPY", "XXX"], now=NOW)

    assert rates == {"EUR": Decimal("0.86"), "CZK": Decimal("20.8"), "USD": 1}


@pytest.mark.parametrize(
    "content",
    [[], {}, {"rates": []}, {"rates": {}}, {"rates": {"usd": {"value": 0}}}, {"rates": {"usd": 1}}],
)
def test_rates_without_the_dollar_are_an_error(
    make_feed: MakeFeed, server: CoinGeckoServer, content: object
) -> None:
    server.answer("/exchange_rates", Answer.json(content))

    with pytest.raises(FeedError, match="a form that it never had"):
        make_feed().exchange_rates(["EUR"], now=NOW)


def test_the_search_finds_coins_in_the_order_of_the_answer(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    coins = [
        {"id": "bitcoin", "symbol": "BTC", "name": "Bitcoin", "market_cap_rank": 1},
        {"id": "bitcoin-cash", "symbol": "BCH", "name": "Bitcoin Cash", "market_cap_rank": None},
        {"id": None, "symbol": "x", "name": "x"},
        {"id": "nameless", "symbol": "", "name": None},
        "odd",
    ]
    server.answer("/search", Answer.json({"coins": coins, "exchanges": [], "nfts": []}))

    assert make_feed().search(" bit&coin\n ", now=NOW) == [
        ("bitcoin", "BTC", "Bitcoin"),
        ("bitcoin-cash", "BCH", "Bitcoin Cash"),
    ]
    assert server.calls[0].params == {"query": "bit&coin"}


@pytest.mark.parametrize("query", ["", "   ", "\n"])
def test_an_empty_search_costs_nothing(
    make_feed: MakeFeed, server: CoinGeckoServer, query: str
) -> None:
    assert make_feed().search(query, now=NOW) == []
    assert server.calls == []


def test_a_search_is_cut_to_a_sensible_length(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    server.answer("/search", Answer.json({"coins": []}))

    make_feed().search("x" * 10_000, now=NOW)

    assert server.calls[0].params == {"query": "x" * 100}
