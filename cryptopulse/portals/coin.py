"""The page of one coin: its chart and figures for everybody; trade and alert for those who may."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from cryptopulse.limits import limited
from market import services as market
from portfolio import services as portfolio

from .context import shell_of

ARTICLES_SHOWN = 5
#: What to show when nobody asked for a range: the first that has a line to draw. A database that
#: has just begun has minutes of history, not days.
RANGES_TO_TRY = ("7d", "1d", "1h")


@require_safe
@limited("read")
def coin_page(request: HttpRequest, coin_id: str) -> HttpResponse:
    """Show a coin, tracked or removed."""
    now = timezone.now()
    coin = market.coin(coin_id=coin_id)
    if coin is None:
        raise Http404("There is no such coin here.")
    asked = request.GET.get("range", "")
    is_chosen = asked in market.CHART_RANGES
    chart = choose_chart(coin_id, [asked] if is_chosen else RANGES_TO_TRY, now=now)
    currency = shell_of(request).currency.code
    context: dict[str, Any] = {
        "coin": coin,
        "is_stale": coin.is_stale(now=now),
        "chart": chart,
        "chart_range": chart.range_name,
        "chart_range_chosen": is_chosen,
        "averages": market.averages(coin_id=coin.id, currency=currency, now=now),
        "is_watched": coin.id in market.watched_ids(user=request.user),
        "holding": own_holding(request.user, coin, now=now),
        "articles": market.articles(limit=ARTICLES_SHOWN, coin_id=coin.id),
    }
    return render(request, "market/coin.html", context)


def choose_chart(coin_id: str, ranges: Any, *, now: datetime) -> market.ChartData:
    """Return the first of these ranges that has two candles, or the last of them."""
    for range_name in ranges:
        chart = market.chart(coin_id=coin_id, range_name=range_name, now=now)
        if len(chart.candles) > 1:
            break
    return chart


def own_holding(user: Any, coin: Any, *, now: datetime) -> portfolio.HoldingValue | None:
    """Return what this person holds of the coin in their first portfolio; None for others."""
    if not (user.is_authenticated and user.may(Permission.TRADE)):
        return None
    _, valuation = portfolio.default_valuation(user=user, coins=[coin], now=now)
    return next((held for held in valuation.holdings if held.coin.id == coin.id), None)
