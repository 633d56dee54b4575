"""The list of coins: searched, sorted, cut into pages; odd links fall back to the default."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from market.listing import PER_PAGE, Listing, make_listing


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


# --- Views ---------------------------------------------------------------------------------------


def viewed(view: str, **asked: Any) -> Listing:
    return make_listing(COINS, path="/markets/", view=view, **asked)


@pytest.mark.parametrize(
    ("view", "found"),
    [
        ("top", ["bitcoin", "ethereum", "bitcoin-cash", "new-coin"]),
        ("gainers", ["bitcoin"]),
        ("losers", ["ethereum"]),
        ("volume", []),
        ("nonsense", ["bitcoin", "ethereum", "bitcoin-cash", "new-coin"]),
        ("\0", ["bitcoin", "ethereum", "bitcoin-cash", "new-coin"]),
    ],
)
def test_a_view_chooses_and_sorts(view: str, found: list[str]) -> None:
    assert [coin.id for coin in viewed(view).coins] == found


def test_gainers_and_losers_come_furthest_first_unless_a_column_is_chosen() -> None:
    moved = [
        ListedCoin(f"c{n}", f"c{n}", f"C {n}", n, Decimal(n), Decimal(change))
        for n, change in enumerate(("1", "5", "-1", "3", "-9"), 1)
    ]
    gainers = make_listing(moved, path="/markets/", view="gainers")
    assert [coin.id for coin in gainers.coins] == ["c2", "c4", "c1"]
    losers = make_listing(moved, path="/markets/", view="losers")
    assert [coin.id for coin in losers.coins] == ["c5", "c3"]
    by_price = make_listing(moved, path="/markets/", view="gainers", sort="-price")
    assert [coin.id for coin in by_price.coins] == ["c4", "c2", "c1"]


def test_a_watchlist_is_a_view_of_who_has_one() -> None:
    assert [coin.id for coin in viewed("watched", watched={"ethereum"}).coins] == ["ethereum"]
    assert len(viewed("watched").coins) == len(COINS)  # a visitor's link is the default
    assert [tab.key for tab in viewed("top").tabs] == ["top", "gainers", "losers", "volume"]
    assert [tab.key for tab in viewed("top", watched=()).tabs][-1] == "watched"


def test_links_keep_the_view() -> None:
    listing = viewed("gainers", query="bit")
    heads = {str(head.label): head for head in listing.heads}
    assert heads["24 h"].aria_sort == "descending"
    assert heads["24 h"].url == "/markets/?view=gainers&q=bit&sort=change_24h"
    assert heads["#"].url == "/markets/?view=gainers&q=bit&sort=rank"
    tabs = {tab.key: tab for tab in listing.tabs}
    assert tabs["gainers"].is_current
    assert tabs["top"].url == "/markets/?q=bit"
    assert listing.export_query == "?view=gainers&q=bit"


def test_everything_fits_on_one_page_when_asked() -> None:
    many = [ListedCoin(f"coin-{n}", f"c{n}", f"Coin {n}", n) for n in range(1, 251)]
    paged = make_listing(many, path="/markets/", view="top")
    assert paged.whole_url == "/markets/?page=all"
    whole = make_listing(many, path="/markets/", page="all")
    assert len(whole.coins) == 250
    assert (whole.previous_url, whole.next_url, whole.whole_url) == ("", "", "")
    assert whole.paged_url == "/markets/"
    assert whole.heads[2].url == "/markets/?sort=-price&page=all"
    assert viewed("top", page="all").paged_url == ""  # one page is all there is
