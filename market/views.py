"""The market's pages: the list of coins, comparison, watchlist, news, and charts as JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.roles import Permission
from accounts.services import require, safe_next
from cryptopulse.limits import limited

from . import services as market
from .comparison import MOST_COINS, Comparison, compare
from .listing import make_listing, search

if TYPE_CHECKING:
    from accounts.models import User

SUGGESTIONS = 8
MOVERS = 5
CHOICES = 20  # coins that the comparison offers as buttons
ARTICLES = 40
DEFAULT_RANGE = "7d"


@require_safe
@limited("read")
@vary_on_headers("HX-Request")
def coin_list(request: HttpRequest) -> HttpResponse:
    """Show all tracked coins: sorted, searched, with who rose and fell. Open to visitors."""
    coins = market.latest_quotes()
    listing = make_listing(
        coins,
        path=request.path,
        query=request.GET.get("q", ""),
        sort=request.GET.get("sort", ""),
        page=request.GET.get("page", ""),
    )
    context: dict[str, Any] = {
        "listing": listing,
        "coins": listing.coins,
        "query": listing.query,
        "watched": market.watched_ids(user=request.user),
    }
    if is_partial(request):
        return render(request, "market/_coin_list.html", context)
    context |= {
        "summary": market.market_summary(coins=coins),
        "movers": market.movers(limit=MOVERS, coins=coins),
    }
    return render(request, "market/list.html", context)


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
def chart_data(request: HttpRequest, coin_id: str) -> JsonResponse:
    """Answer the candles of a range: [Unix seconds, open, high, low, close, volume], as strings."""
    coin = market.coin(coin_id=coin_id)
    if coin is None:
        return JsonResponse({"error": "There is no such coin.", "code": "unknown_coin"}, status=404)
    range_name = request.GET.get("range", DEFAULT_RANGE)
    try:
        chart = market.chart(coin_id=coin_id, range_name=range_name, now=timezone.now())
    except market.MarketRejected as refusal:
        return JsonResponse({"error": str(refusal), "code": refusal.code}, status=422)
    return JsonResponse(
        {
            "id": coin.id,
            "symbol": coin.symbol.upper(),
            "range": chart.range_name,
            "seconds": chart.seconds,
            "source": chart.source,
            "simulated": chart.is_simulated,
            "candles": [_row(candle) for candle in chart.candles],
        }
    )


@require_safe
@limited("read")
@require(Permission.READ_MARKET)
def charts(request: HttpRequest) -> HttpResponse:
    """Compare up to five coins: each one's change since the range began."""
    coins = market.latest_quotes()
    range_name = request.GET.get("range", DEFAULT_RANGE)
    if range_name not in market.CHART_RANGES:
        range_name = DEFAULT_RANGE
    asked = dict.fromkeys(request.GET.getlist("coins"))
    chosen = [coin for coin in coins if coin.id in asked][:MOST_COINS]
    if not asked:
        chosen = coins[:3]
    now = timezone.now()
    comparison = compare(
        [(coin, market.chart(coin_id=coin.id, range_name=range_name, now=now)) for coin in chosen]
    )
    chosen_ids = {coin.id for coin in chosen}
    offered = coins[:CHOICES] + [coin for coin in chosen if coin not in coins[:CHOICES]]
    context = {
        "comparison": comparison,
        "compare_data": _compare_data(comparison),
        "chosen_ids": chosen_ids,
        "offered": offered,
        "range_name": range_name,
        "most": MOST_COINS,
        "too_many": len(asked) > MOST_COINS,
    }
    return render(request, "market/charts.html", context)


@require_safe
@limited("read")
@require(Permission.READ_MARKET)
def watchlist(request: HttpRequest) -> HttpResponse:
    """Show the coins that this person keeps an eye on."""
    coins = market.watchlist(user=_member(request))
    context = {"coins": coins, "watched": {coin.id for coin in coins}}
    return render(request, "market/watchlist.html", context)


@require_POST
@require(Permission.READ_MARKET)
@limited("watchlist")
def watch(request: HttpRequest, coin_id: str) -> HttpResponse:
    """Put a coin on the watchlist (watch=1) or take it off (watch=0)."""
    is_wanted = request.POST.get("watch") != "0"
    try:
        if is_wanted:
            market.watch(user=_member(request), coin_id=coin_id)
        else:
            market.unwatch(user=_member(request), coin_id=coin_id)
    except market.MarketRejected as refusal:
        return JsonResponse({"error": str(refusal), "code": refusal.code}, status=422)
    if not request.htmx:  # type: ignore[attr-defined]
        return safe_next(request, "market:watchlist")
    coin = market.coin(coin_id=coin_id)
    return render(request, "market/_star.html", {"coin": coin, "is_watched": is_wanted})


@require_safe
@limited("read")
def news(request: HttpRequest) -> HttpResponse:
    """Show the newest headlines, of one coin where ?coin= names one. Open to visitors."""
    coin_id = request.GET.get("coin", "")
    coin = market.coin(coin_id=coin_id) if coin_id else None
    articles = market.articles(limit=ARTICLES, coin_id=coin.id if coin else None)
    return render(request, "market/news.html", {"articles": articles, "coin": coin})


def is_partial(request: HttpRequest) -> bool:
    """Tell whether htmx wants a part of the page, and not the page for its history."""
    return bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]


def _member(request: HttpRequest) -> User:
    """Return the person whom `require` let in."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 (for the type: `require` has looked)
    return user


def _row(candle: Any) -> list[int | str | None]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [
        int(candle.start.astimezone(UTC).timestamp()),
        *(None if price is None else f"{price.normalize():f}" for price in prices),
    ]


def _compare_data(comparison: Comparison) -> dict[str, Any]:
    """Return what compare-chart.js draws."""
    return {
        "times": [int(at.timestamp()) for at in comparison.times],
        "lines": [
            {
                "symbol": line.coin.symbol.upper(),
                "points": [None if p is None else round(p, 4) for p in line.points],
            }
            for line in comparison.lines
        ],
    }
