"""The page of one coin: its chart and figures for everybody; trade and alert for those who may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from alerts import services as alerts
from cryptopulse.limits import limited
from market import services as market
from portfolio import services as portfolio

from .context import shell_of

ARTICLES_SHOWN = 5
#: What to show when nobody asked for a range: the first that has a line to draw. A database that
#: has just begun has minutes of history, not days.
RANGES_TO_TRY = ("7d", "1d", "1h")
PERIODS = {
    "1h": _("1 hour"),
    "24h": _("24 hours"),
    "7d": _("7 days"),
    "30d": _("30 days"),
    "90d": _("90 days"),
    "1y": _("1 year"),
    "all": _("All time"),
}


@require_safe
@limited("read")
def coin_page(request: HttpRequest, coin_id: str) -> HttpResponse:
    """Show a coin, tracked or removed."""
    now = timezone.now()
    coins = market.latest_quotes()
    shell_of(request).take_tape(coins)
    coin = next((one for one in coins if one.id == coin_id), None) or market.coin(coin_id=coin_id)
    if coin is None:
        raise Http404("There is no such coin here.")
    asked = request.GET.get("range", "")
    is_chosen = asked in market.CHART_RANGES
    chart = choose_chart(coin_id, [asked] if is_chosen else RANGES_TO_TRY, now=now)
    performance = market.performance(coin=coin, currency=shell_of(request).currency.code, now=now)
    context: dict[str, Any] = {
        "coin": coin,
        "is_stale": coin.is_stale(now=now),
        "chart": chart,
        "chart_range": chart.range_name,
        "chart_range_chosen": is_chosen,
        "performance": performance,
        "spans": [
            (_("24 hours"), performance.day),
            (_("7 days"), performance.week),
            (_("52 weeks"), performance.year),
        ],
        "returns": [(PERIODS[name], change) for name, change in performance.returns.items()],
        "volume_to_cap": volume_to_cap(coin),
        "is_watched": coin.id in market.watched_ids(user=request.user),
        **own_books(request, coin, coins, now=now),
        "own_alerts": alerts_on(request.user, coin, coins, now=now),
        "all_coins": coins,
        "others": [other for other in coins if other.id != coin.id],
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


def volume_to_cap(coin: Any) -> Any:
    """Return how much of the coin changes hands in a day, in percent of its capitalisation."""
    if not coin.market_cap or coin.volume_24h is None:
        return None
    return 100 * coin.volume_24h / coin.market_cap


def own_books(
    request: HttpRequest, coin: Any, coins: Sequence[Any], *, now: datetime
) -> dict[str, Any]:
    """Return the portfolio that this person looks at, its value, and what it holds of the coin."""
    user: Any = request.user
    if not (user.is_authenticated and user.may(Permission.TRADE)):
        return {"holding": None}
    own, valuation = portfolio.default_valuation(
        user=user,
        coins=coins,
        now=now,
        portfolio_id=portfolio.remembered_portfolio(request.session),
    )
    holding = next((held for held in valuation.holdings if held.coin.id == coin.id), None)
    return {"portfolio": own, "valuation": valuation, "holding": holding}


def alerts_on(user: Any, coin: Any, coins: Sequence[Any], *, now: datetime) -> list[Any]:
    """Return this person's alerts on the coin; nothing for those who set none."""
    if not (user.is_authenticated and user.may(Permission.SET_ALERTS)):
        return []
    own = alerts.own_alerts(user=user, now=now, coins=[*coins, coin])
    return [view for view in own if view.coin.id == coin.id]
