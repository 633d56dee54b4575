"""The list of coins as a page shows it: searched, sorted, cut into pages. Pure; no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

PER_PAGE = 100
LONGEST_QUERY = 64
DIGITS_READ = 9  # of a page number: Python refuses to read thousands of them


@dataclass(frozen=True, slots=True)
class Column:
    """A column that sorts: its head, the coin's value, and which way it sorts first."""

    key: str
    label: str
    value: Callable[[Any], Any]
    css: str = ""
    descends: bool = True


COLUMNS = (
    Column("rank", "#", lambda coin: coin.rank, "c-rank", descends=False),
    Column("name", "Coin", lambda coin: coin.name.casefold(), descends=False),
    Column("price", "Price", lambda coin: coin.last_price, "r"),
    Column("change_24h", "24 h", lambda coin: coin.change_24h, "r"),
    Column("change_7d", "7 d", lambda coin: coin.change_7d, "r c-wide"),
    Column("market_cap", "Market cap", lambda coin: coin.market_cap, "r c-wide"),
    Column("volume_24h", "Volume", lambda coin: coin.volume_24h, "r c-wider"),
)
_BY_KEY = {column.key: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: a link that sorts by it, the other way round when it is sorted by."""

    label: str
    css: str
    url: str
    aria_sort: str
    icon: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list with everything that its links need."""

    path: str
    query: str
    sort: str  # a column's key, with a minus when it descends
    page: int
    coins: Sequence[Any]
    total: int

    @property
    def heads(self) -> list[Head]:
        return [self._head(column) for column in COLUMNS]

    @property
    def previous_url(self) -> str:
        return self._url(page=self.page - 1) if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self._url(page=self.page + 1) if self.page * PER_PAGE < self.total else ""

    @property
    def first_number(self) -> int:
        return (self.page - 1) * PER_PAGE + 1

    @property
    def last_number(self) -> int:
        return self.first_number + len(self.coins) - 1

    def _head(self, column: Column) -> Head:
        is_current = self.sort.lstrip("-") == column.key
        descends = self.sort.startswith("-")
        next_descends = not descends if is_current else column.descends
        return Head(
            label=column.label,
            css=column.css,
            url=self._url(sort=f"{'-' if next_descends else ''}{column.key}", page=1),
            aria_sort=("descending" if descends else "ascending") if is_current else "",
            icon="down" if (descends if is_current else column.descends) else "up",
        )

    def _url(self, *, page: int, sort: str | None = None) -> str:
        wanted = {
            "q": self.query,
            "sort": self.sort if sort is None else sort,
            "page": "" if page == 1 else str(page),
        }
        if wanted["sort"] == "rank":
            wanted["sort"] = ""
        text = urlencode({key: value for key, value in wanted.items() if value})
        return f"{self.path}?{text}" if text else self.path


def make_listing(
    coins: Iterable[Any],
    *,
    path: str,
    query: str = "",
    sort: str = "",
    page: str = "",
) -> Listing:
    """Search, sort and cut; whatever a link says that makes no sense falls back to the default."""
    query = " ".join(query.replace("\0", "").split())[:LONGEST_QUERY]
    found = search(coins, query=query)
    key = sort if sort.removeprefix("-") in _BY_KEY and sort.count("-") <= 1 else "rank"
    ordered = sort_coins(found, key)
    last = max(1, -(-len(ordered) // PER_PAGE))
    digits = page if page.isascii() and page.isdigit() else "1"
    number = min(max(1, int(digits[:DIGITS_READ])), last)
    return Listing(
        path=path,
        query=query,
        sort=key,
        page=number,
        coins=ordered[(number - 1) * PER_PAGE : number * PER_PAGE],
        total=len(ordered),
    )


def search(coins: Iterable[Any], *, query: str) -> list[Any]:
    """Return the coins whose name, symbol or id holds the text; a symbol that is it comes first."""
    text = query.casefold().lstrip("$")
    if not text:
        return list(coins)
    found = [
        coin
        for coin in coins
        if text in coin.name.casefold() or text in coin.symbol.casefold() or text in coin.id
    ]
    found.sort(key=lambda coin: coin.symbol.casefold() != text)
    return found


def sort_coins(coins: Sequence[Any], key: str) -> list[Any]:
    """Sort by a column; coins without a value come last, whichever way it sorts."""
    column = _BY_KEY[key.removeprefix("-")]
    if column.key == "rank" and not key.startswith("-"):
        return list(coins)  # they come by rank, and a search puts the symbol first
    known = [coin for coin in coins if column.value(coin) is not None]
    unknown = [coin for coin in coins if column.value(coin) is None]
    return sorted(known, key=column.value, reverse=key.startswith("-")) + unknown
