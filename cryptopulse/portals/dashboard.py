"""A user's dashboard: what they own, what moves, what they asked to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from alerts import services as alerts
from market import services as market
from portfolio import services as portfolio

from .coin import RANGES_TO_TRY, choose_chart
from .context import shell_of
from .requests import me

COINS_SHOWN = 12
ALERTS_SHOWN = 5
ACTIVITY_SHOWN = 6
ARTICLES_SHOWN = 4


@require_safe
@require(Permission.USE_DASHBOARD)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show a user everything at a glance; each part has its own page."""
    user, now = me(request), timezone.now()
    coins = market.latest_quotes()
    shell_of(request).take_tape(coins)
    listed, chosen = portfolio.choose_portfolio(
        user=user, session=request.session, wanted=request.GET.get("portfolio", "")
    )
    own, valuation = portfolio.default_valuation(
        user=user, coins=coins, now=now, portfolio_id=chosen.pk
    )
    curve = portfolio.equity(portfolio=own, range_name="7d", now=now, valuation=valuation)
    context: dict[str, Any] = {
        "now": now,
        "coins": coins[:COINS_SHOWN],
        "all_coins": coins,
        **first_chart(coins, now=now),
        "watched": market.watched_ids(user=user),
        "portfolios": listed,
        "portfolio": own,
        "valuation": valuation,
        "curve": curve,
        "live": portfolio.live_books(portfolio=own, valuation=valuation, curve=curve),
        "armed": nearest(alerts.own_alerts(user=user, now=now, coins=coins)),
        "activity": accounts.recent_activity(user=user, limit=ACTIVITY_SHOWN),
        "articles": market.articles(limit=ARTICLES_SHOWN),
    }
    return render(request, "portals/dashboard.html", context)


def first_chart(coins: list[Any], *, now: datetime) -> dict[str, Any]:
    """Return what the chart of the best ranked coin needs."""
    if not coins:
        return {"coin": None}
    chart = choose_chart(coins[0].id, RANGES_TO_TRY, now=now)
    return {"coin": coins[0], "chart": chart, "chart_range": chart.range_name}


def nearest(own: list[Any]) -> list[Any]:
    """Return the armed alerts that the price is closest to."""
    armed = [view for view in own if view.alert.state == "armed"]
    armed.sort(key=lambda view: (view.distance_percent is None, abs(view.distance_percent or 0)))
    return armed[:ALERTS_SHOWN]
