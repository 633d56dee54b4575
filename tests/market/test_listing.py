"""The list of coins: searched, sorted, cut into pages; odd links fall back to the default."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from market.listing import PER_PAGE, make_listing


@dataclass(frozen=True)
class ListedCoin:
    id: str
    symbol: str
    name: str
    rank: int | None
    last_price: Decimal | None = None
    change_24h: Decimal | None = None
    change_7d: Decimal | None = None
    market_cap: Decimal | None = None
    volume_24h: Decimal | None = None


BITCOIN = ListedCoin("bitcoin", "btc", "Bitcoin", 1, Decimal(100000), Decimal("2.5"))
ETHEREUM = ListedCoin("ethereum", "eth", "Ethereum", 2, Decimal(3400), Decimal("-1.5"))
CASH = ListedCoin("bitcoin-cash", "bch", "Bitcoin Cash", 18, Decimal(690))
UNPRICED = ListedCoin("new-coin", "new", "New coin", None)
COINS = (BITCOIN, ETHEREUM, CASH, UNPRICED)


def ids(sort: str = "", query: str = "") -> list[str]:
    listing = make_listing(COINS, path="/markets/", sort=sort, query=query)
    return [coin.id for coin in listing.coins]


def test_coins_come_by_rank() -> None:
    assert ids() == ["bitcoin", "ethereum", "bitcoin-cash", "new-coin"]


def test_coins_sort_both_ways_and_the_unpriced_come_last() -> None:
    assert ids("price") == ["bitcoin-cash", "ethereum", "bitcoin", "new-coin"]
    assert ids("-price") == ["bitcoin", "ethereum", "bitcoin-cash", "new-coin"]
    assert ids("-change_24h")[:2] == ["bitcoin", "ethereum"]


@pytest.mark.parametrize("sort", ["nonsense", "--price", "-", "price; drop", "\0", "last_price"])
def test_a_sort_that_there_is_not_is_the_default(sort: str) -> None:
    assert ids(sort) == ids()


@pytest.mark.parametrize("query", ["bitcoin", "  BITCOIN ", "bitc"])
def test_search_finds_names(query: str) -> None:
    assert ids(query=query) == ["bitcoin", "bitcoin-cash"]


def test_a_symbol_that_is_the_query_comes_first() -> None:
    twins = (BITCOIN, ListedCoin("ethbtc", "ethbtc", "Eth per btc", 3), ETHEREUM)
    listing = make_listing(twins, path="/markets/", query="eth")
    assert [coin.id for coin in listing.coins] == ["ethereum", "ethbtc"]


@pytest.mark.parametrize("query", ["zzz", "\0\0x", "' or 1=1", "٣٤", "x" * 5000])
def test_a_search_without_an_answer_is_empty(query: str) -> None:
    assert ids(query=query) == []


def test_a_head_sorts_and_turns_round() -> None:
    listing = make_listing(COINS, path="/markets/", sort="-price", query="bit")
    heads = {head.label: head for head in listing.heads}
    assert heads["Price"].aria_sort == "descending"
    assert heads["Price"].url == "/markets/?q=bit&sort=price"
    assert heads["Volume"].url == "/markets/?q=bit&sort=-volume_24h"
    assert heads["Coin"].url == "/markets/?q=bit&sort=name"
    assert heads["#"].url == "/markets/?q=bit"


def test_long_lists_come_in_pages() -> None:
    many = [ListedCoin(f"coin-{n}", f"c{n}", f"Coin {n}", n) for n in range(1, 251)]
    first = make_listing(many, path="/markets/")
    assert len(first.coins) == PER_PAGE
    assert (first.previous_url, first.next_url) == ("", "/markets/?page=2")
    last = make_listing(many, path="/markets/", page="3", sort="-price")
    assert len(last.coins) == 50
    assert (last.first_number, last.last_number, last.total) == (201, 250, 250)
    assert (last.previous_url, last.next_url) == ("/markets/?sort=-price&page=2", "")


@pytest.mark.parametrize(
    "page", ["", "0", "-1", "x", "9" * 40, "1" * 5000, "0" * 5000, "1.5", "²", "٣"]
)
def test_a_page_that_there_is_not_is_one_that_there_is(page: str) -> None:
    listing = make_listing(COINS, path="/markets/", page=page)
    assert listing.page == 1
    assert len(listing.coins) == 4
