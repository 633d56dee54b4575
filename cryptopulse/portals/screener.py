"""The screener: all tracked coins through filters that can be saved, shared and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited
from market import services as market
from market.screening import screen, sort_rows

from .analysis import read_coins
from .analysis_tables import figures_table
from .requests import me
from .screener_form import NOTATION, ScreenerForm, address, has_marks, sort_of

LONGEST_QUERY = 2000
PER_PAGE = 50
DIGITS_READ = 6  # of a page's number


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result: its key, its head, the classes of its cells, which way it begins."""

    key: str
    label: str | Promise
    css: str = "r"
    descends: bool = True


COLUMNS = (
    Column("rank", "#", "c-rank", descends=False),
    Column("name", gettext_lazy("Coin"), "", descends=False),
    Column("price", gettext_lazy("Price")),
    Column("change_24h", gettext_lazy("24 h")),
    Column("change_7d", gettext_lazy("7 d")),
    Column("change_30d", gettext_lazy("30 d")),
    Column("market_cap", gettext_lazy("Market cap")),
    Column("volume_24h", gettext_lazy("Volume")),
    Column("volatility", gettext_lazy("Volatility")),
    Column("rsi", gettext_lazy("RSI"), descends=False),
    Column("below_high", gettext_lazy("Below high")),
    Column("above_50", gettext_lazy("50-day avg.")),
    Column("above_200", gettext_lazy("200-day avg.")),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: a link that sorts by it, the other way round when it is sorted by."""

    column: Column
    url: str
    aria_sort: str
    icon: str


@require_safe
@require(Permission.ANALYSE_MARKET)
@limited("read")
def screener(request: HttpRequest) -> HttpResponse:
    """Show the coins that meet the filters of the address.

    A browser sends each empty field too: the address to share is one without them, and says how
    its numbers are written only where they could be read in another way.
    """
    idle = set() if has_marks(request.GET) else {NOTATION}
    sent = request.GET.items()
    given = [(name, value) for name, value in sent if str(value).strip() and name not in idle]
    if len(given) < len(request.GET):
        return redirect(f"{reverse('portals:screener')}?{urlencode(given)}".rstrip("?"))
    return render_screener(request, request.GET)


@require_safe
@require(Permission.ANALYSE_MARKET)
@limited("read")
def screener_csv(request: HttpRequest) -> HttpResponseBase:
    """Answer the same coins as a file; filters that make no sense are shown on the page."""
    now = timezone.now()
    coins = market.latest_quotes()
    form = ScreenerForm(request.GET, categories=categories(coins))
    if not form.is_valid():
        return redirect(f"{reverse('portals:screener')}?{request.GET.urlencode()}")
    rows = screen(market.analysed(coins=coins, now=now), form.criteria)
    header, lines = figures_table(sort_rows(rows, sort_of(request.GET)))
    return csv_response(f"screener-{now:%Y-%m-%d}.csv", header, lines)


@require_POST
@require(Permission.ANALYSE_MARKET)
@limited("watchlist")
def screen_save(request: HttpRequest) -> HttpResponse:
    """Save the filters of `query` under `name`; one of the same name is overwritten."""
    data = QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])
    form = ScreenerForm(data, categories=categories(market.latest_quotes()))
    name = request.POST.get("name", "")
    if not form.is_valid():
        return render_screener(request, data, name=name)
    sort = sort_of(data)
    filters = form.typed | ({"sort": sort} if "sort" in data else {})
    try:
        saved = market.save_screen(user=me(request), name=name, filters=filters, now=timezone.now())
    except market.MarketRejected as refusal:
        return render_screener(request, data, name=name, refusal=str(refusal))
    messages.success(request, _("Saved as %(name)s.") % {"name": saved.name})
    return redirect(f"{reverse('portals:screener')}?{address(form.typed, sort)}")


@require_POST
@require(Permission.ANALYSE_MARKET)
@limited("watchlist")
def screen_delete(request: HttpRequest, screen_id: str) -> HttpResponse:
    """Delete one of one's own saved screens."""
    market.delete_screen(user=me(request), screen_id=screen_id)
    messages.success(request, _("The saved screen is deleted."))
    return redirect("portals:screener")


def render_screener(
    request: HttpRequest, data: QueryDict, *, name: str = "", refusal: str = ""
) -> HttpResponse:
    """Draw the page for these filters, with 422 where something typed is refused."""
    coins = read_coins(request)
    form = ScreenerForm(data, categories=categories(coins))
    is_valid = form.is_valid()
    sort = sort_of(data)
    rows = market.analysed(coins=coins, now=timezone.now())
    found = sort_rows(screen(rows, form.criteria), sort) if is_valid else []
    query = address(form.typed, sort)
    last = max(1, -(-len(found) // PER_PAGE))
    page = min(page_of(data), last)
    context: dict[str, Any] = {
        "form": form,
        "is_valid": is_valid,
        "is_filtered": bool(form.typed),
        "rows": found[(page - 1) * PER_PAGE : page * PER_PAGE],
        "found": len(found),
        "first": (page - 1) * PER_PAGE + 1,
        "previous_page": page - 1,
        "next_page": page + 1 if page < last else 0,
        "total": len(coins),
        "days": max((row.figures.last for row in rows if row.figures), default=None),
        "heads": heads(form, sort),
        "sort": sort,
        "address": query,
        "saved": [saved_link(one, query) for one in market.saved_screens(user=me(request))],
        "name": name,
        "refusal": refusal,
    }
    status = 200 if is_valid and not refusal else 422
    return render(request, "portals/screener.html", context, status=status)


def page_of(data: QueryDict) -> int:
    """Return the page's number; what makes no sense is the first."""
    digits = data.get("page", "")[:DIGITS_READ]
    return max(1, int(digits)) if digits.isascii() and digits.isdigit() else 1


def categories(coins: list[Any]) -> list[str]:
    """Return the categories that tracked coins have, by name."""
    return sorted({coin.category for coin in coins if coin.category})


def heads(form: ScreenerForm, sort: str) -> list[Head]:
    """Return the heads of the result, whose links keep the filters."""
    path = reverse("portals:screener")
    made = []
    for column in COLUMNS:
        is_current = sort.removeprefix("-") == column.key
        descends = sort.startswith("-")
        key = f"-{column.key}" if (not descends if is_current else column.descends) else column.key
        now_descends = descends if is_current else column.descends
        made.append(
            Head(
                column,
                f"{path}?{address(form.typed, key)}",
                ("descending" if descends else "ascending") if is_current else "",
                "down" if now_descends else "up",
            )
        )
    return made


def saved_link(saved: Any, query: str) -> dict[str, Any]:
    """Return a saved screen with its address, and whether it is the one that is shown."""
    filters = {str(key): str(value) for key, value in saved.filters.items()}
    its = urlencode(sorted(filters.items()))
    return {"screen": saved, "query": its, "is_current": its == query and bool(query)}
