"""The market's pages: the list of coins, the watchlist, the news."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.roles import Permission
from accounts.services import require, safe_next
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited

from . import services as market
from .listing import ALL, Listing, make_listing, search
from .requests import is_partial, member

SUGGESTIONS = 8
GLANCE = 12  # coins on the dashboard
POPULAR = 6  # offered to somebody who watches none
ARTICLES = 30

EXPORTED = (
    "rank", "id", "symbol", "name", "price_usd", "price_at", "change_24h_percent",
    "change_7d_percent", "market_cap_usd", "volume_24h_usd", "category", "source",
)  # fmt: skip


@require_safe
@limited("read")
@vary_on_headers("HX-Request")
def coin_list(request: HttpRequest) -> HttpResponse:
    """Show all tracked coins: chosen, sorted, searched. Open to visitors."""
    coins = market.latest_quotes()
    watched = watched_by(request)
    listing = listing_of(request, coins, watched=watched)
    context: dict[str, Any] = {
        "listing": listing,
        "coins": listing.coins,
        "query": listing.query,
        "watched": watched or (),
    }
    if is_partial(request):
        return render(request, "market/_coin_list.html", context)
    context["summary"] = market.market_summary(coins=coins)
    return render(request, "market/list.html", context)


@require_safe
@limited("read")
def glance(request: HttpRequest) -> HttpResponse:
    """Show the first coins of a view, as the dashboard's part; without htmx, go to the list."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(f"{reverse('market:list')}?{request.GET.urlencode()}")
    watched = watched_by(request)
    listing = listing_of(request, market.latest_quotes(), watched=watched)
    context = {"listing": listing, "coins": listing.coins[:GLANCE], "watched": watched or ()}
    return render(request, "market/_glance.html", context)


@require_safe
@limited("read")
def export(request: HttpRequest) -> HttpResponseBase:
    """Answer the list as a CSV file: every coin of the view, in US dollars, with its source."""
    listing = listing_of(request, market.latest_quotes(), watched=watched_by(request), page=ALL)
    day = timezone.now().date().isoformat()
    return csv_response(f"coins-{listing.view.key}-{day}.csv", EXPORTED, _rows(listing))


def _rows(listing: Listing) -> Iterator[tuple[Any, ...]]:
    for coin in listing.coins:
        yield (
            coin.rank, coin.id, coin.symbol.upper(), coin.name, coin.last_price, coin.price_at,
            coin.change_24h, coin.change_7d, coin.market_cap, coin.volume_24h, coin.category,
            coin.source,
        )  # fmt: skip


def listing_of(
    request: HttpRequest, coins: list[Any], *, watched: set[str] | None, page: str = ""
) -> Listing:
    """Return the list that the address asks for."""
    return make_listing(
        coins,
        path=reverse("market:list"),
        query=request.GET.get("q", ""),
        sort=request.GET.get("sort", ""),
        page=page or request.GET.get("page", ""),
        view=request.GET.get("view", ""),
        watched=watched,
    )


def watched_by(request: HttpRequest) -> set[str] | None:
    """Return the ids that this person watches; None for a visitor, who has no watchlist."""
    return market.watched_ids(user=request.user) if request.user.is_authenticated else None


@require_safe
@limited("read")
def coin_search(request: HttpRequest) -> HttpResponse:
    """Suggest coins for what is being typed; without htmx, go to the list."""
    listing = make_listing((), path=reverse("market:list"), query=request.GET.get("q", ""))
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(f"{reverse('market:list')}?{request.GET.urlencode()}")
    found = search(market.latest_quotes(), query=listing.query) if listing.query else []
    context = {"coins": found[:SUGGESTIONS], "query": listing.query}
    return render(request, "market/_suggestions.html", context)


@require_safe
@limited("read")
@require(Permission.READ_MARKET)
@vary_on_headers("HX-Request")
def watchlist(request: HttpRequest) -> HttpResponse:
    """Show the coins that this person keeps an eye on."""
    coins = market.watchlist(user=member(request))
    listing = make_listing(coins, path=request.path, sort=request.GET.get("sort", ""), page=ALL)
    context: dict[str, Any] = {
        "listing": listing,
        "coins": listing.coins,
        "watched": {coin.id for coin in coins},
    }
    if is_partial(request):
        return render(request, "market/_watchlist.html", context)
    if not coins:
        context["popular"] = market.latest_quotes()[:POPULAR]
    return render(request, "market/watchlist.html", context)


@require_POST
@require(Permission.READ_MARKET)
@limited("watchlist")
def watch(request: HttpRequest, coin_id: str) -> HttpResponse:
    """Put a coin on the watchlist (watch=1) or take it off (watch=0)."""
    is_wanted = request.POST.get("watch") != "0"
    try:
        if is_wanted:
            market.watch(user=member(request), coin_id=coin_id)
        else:
            market.unwatch(user=member(request), coin_id=coin_id)
    except market.MarketRejected as refusal:
        return JsonResponse({"error": str(refusal), "code": refusal.code}, status=422)
    if not request.htmx:  # type: ignore[attr-defined]
        return safe_next(request, "market:watchlist")
    coin = market.coin(coin_id=coin_id)
    if coin is None:
        raise Http404
    return render(request, "market/_star.html", {"coin": coin, "is_watched": is_wanted})


@require_safe
@limited("read")
def news(request: HttpRequest) -> HttpResponse:
    """Show headlines, newest first: of a coin (?coin=), of a publisher (?publisher=). For all."""
    coin_id, publisher = request.GET.get("coin", ""), request.GET.get("publisher", "")
    coin = market.coin(coin_id=coin_id) if coin_id else None
    page = market.news_page(
        coin_id=coin.id if coin else None,
        publisher=publisher,
        cursor=request.GET.get("after", ""),
        limit=ARTICLES,
    )
    context = {
        "page": page,
        "coin": coin,
        "publisher": publisher,
        "publishers": market.publishers(),
        "is_later": "after" in request.GET,
    }
    return render(request, "market/news.html", context)
