"""The list of coins as a page shows it: chosen, searched, sorted, cut into pages. No database."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

PER_PAGE = 100
ALL = "all"  # in place of a page's number: everything on one page
LONGEST_QUERY = 64
DIGITS_READ = 9  # of a page number: Python refuses to read thousands of them


@dataclass(frozen=True, slots=True)
class Column:
    """A column that sorts: its head, the coin's value, and which way it sorts first."""

    key: str
    label: Any  # a text in the person's language
    value: Callable[[Any], Any]
    css: str = ""
    descends: bool = True


COLUMNS = (
    Column("rank", "#", lambda coin: coin.rank, "c-rank", descends=False),
    Column("name", _("Coin"), lambda coin: coin.name.casefold(), descends=False),
    Column("price", _("Price"), lambda coin: coin.last_price, "r"),
    Column("change_24h", _("24 h"), lambda coin: coin.change_24h, "r"),
    Column("change_7d", _("7 d"), lambda coin: coin.change_7d, "r c-wide"),
    Column("market_cap", _("Market cap"), lambda coin: coin.market_cap, "r c-wide"),
    Column("volume_24h", _("Volume"), lambda coin: coin.volume_24h, "r c-wider"),
)
_BY_KEY = {column.key: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class View:
    """A choice among the coins: which of them, and how they sort unless a column is chosen."""

    key: str
    label: Any
    sort: str = "rank"
    holds: Callable[[Any], bool] = lambda coin: True  # noqa: ARG005


WATCHED = "watched"
VIEWS = {
    view.key: view
    for view in (
        View("top", _("Top")),
        View("gainers", _("Gainers"), "-change_24h", lambda coin: (coin.change_24h or 0) > 0),
        View("losers", _("Losers"), "change_24h", lambda coin: (coin.change_24h or 0) < 0),
        View("volume", _("Volume"), "-volume_24h", lambda coin: coin.volume_24h is not None),
        View(WATCHED, _("Watchlist")),
    )
}


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: a link that sorts by it, the other way round when it is sorted by."""

    label: Any
    css: str
    url: str
    aria_sort: str
    icon: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A link that chooses a view."""

    key: str
    label: Any
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list with everything that its links need."""

    path: str
    query: str
    sort: str  # a column's key, with a minus when it descends
    page: int
    coins: Sequence[Any]
    total: int
    view: View = VIEWS["top"]
    is_whole: bool = False  # everything on one page
    has_watchlist: bool = False  # visitors have none

    @property
    def tabs(self) -> list[Tab]:
        shown = [view for view in VIEWS.values() if self.has_watchlist or view.key != WATCHED]
        return [Tab(view.key, view.label, self._tab_url(view), view == self.view) for view in shown]

    @property
    def whole_url(self) -> str:
        return self._url(page=ALL) if self.total > PER_PAGE and not self.is_whole else ""

    @property
    def paged_url(self) -> str:
        return self._url() if self.is_whole and self.total > PER_PAGE else ""

    @property
    def export_query(self) -> str:
        """Return the query string under which the whole list is exported."""
        return self._url(page=1).removeprefix(self.path)

    @property
    def heads(self) -> list[Head]:
        return [self._head(column) for column in COLUMNS]

    @property
    def previous_url(self) -> str:
        return self._url(page=self.page - 1) if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        is_last = self.is_whole or self.page * PER_PAGE >= self.total
        return "" if is_last else self._url(page=self.page + 1)

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
            url=self._url(
                sort=f"{'-' if next_descends else ''}{column.key}",
                page=ALL if self.is_whole else 1,
            ),
            aria_sort=("descending" if descends else "ascending") if is_current else "",
            icon="down" if (descends if is_current else column.descends) else "up",
        )

    def _tab_url(self, view: View) -> str:
        wanted = {"view": view.key, "q": self.query}
        return _address(self.path, wanted | ({"page": ALL} if self.is_whole else {}))

    def _url(self, *, page: int | str = 1, sort: str | None = None) -> str:
        sort = self.sort if sort is None else sort
        return _address(
            self.path,
            {
                "view": self.view.key,
                "q": self.query,
                "sort": "" if sort == self.view.sort else sort,
                "page": "" if page == 1 else str(page),
            },
        )


def _address(path: str, wanted: dict[str, str]) -> str:
    """Write an address with what differs from the default."""
    said = {key: value for key, value in wanted.items() if value and (key, value) != _DEFAULT}
    return f"{path}?{urlencode(said)}" if said else path


_DEFAULT = ("view", "top")


def make_listing(
    coins: Iterable[Any],
    *,
    path: str,
    query: str = "",
    sort: str = "",
    page: str = "",
    view: str = "",
    watched: Container[str] | None = None,
) -> Listing:
    """Choose, search, sort and cut; whatever a link says that makes no sense is the default.

    `watched` are the ids on the person's watchlist; None for somebody who has none.
    """
    query = " ".join(query.replace("\0", "").split())[:LONGEST_QUERY]
    chosen = VIEWS.get(view, VIEWS["top"])
    if chosen.key == WATCHED and watched is None:
        chosen = VIEWS["top"]
    held = [coin for coin in coins if _is_in(coin, chosen, watched)]
    key = sort if sort.removeprefix("-") in _BY_KEY and sort.count("-") <= 1 else chosen.sort
    ordered = sort_coins(search(held, query=query), key)
    is_whole = page == ALL
    number = 1 if is_whole else _page_number(page, len(ordered))
    return Listing(
        path=path,
        query=query,
        sort=key,
        page=number,
        coins=ordered if is_whole else ordered[(number - 1) * PER_PAGE : number * PER_PAGE],
        total=len(ordered),
        view=chosen,
        is_whole=is_whole,
        has_watchlist=watched is not None,
    )


def _is_in(coin: Any, view: View, watched: Container[str] | None) -> bool:
    if view.key == WATCHED:
        return watched is not None and coin.id in watched
    return view.holds(coin)


def _page_number(page: str, total: int) -> int:
    last = max(1, -(-total // PER_PAGE))
    digits = page if page.isascii() and page.isdigit() else "1"
    return min(max(1, int(digits[:DIGITS_READ])), last)


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
