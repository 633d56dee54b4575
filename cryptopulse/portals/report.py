"""A report of the market to print: the day, the sources, and what the analyst's pages say."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited
from market import services as market

from .analysis import PERIODS, analyse, read_coins
from .analyst import SPANS, breadth, cap_change, dominance, moves, volatile

MOVERS_PRINTED = 5
DOMINANT_PRINTED = 5


@require_safe
@require(Permission.ANALYSE_MARKET)
@limited("read")
def report(request: HttpRequest) -> HttpResponse:
    """Show summary, movers, breadth, returns, risk and correlation on pages for paper."""
    now = timezone.now()
    coins = read_coins(request)
    rows = market.analysed(coins=coins, now=now)
    context = {
        "now": now,
        "periods": PERIODS,
        "summary": market.market_summary(coins=coins, now=now),
        "dominance": dominance(coins, limit=DOMINANT_PRINTED),
        "spans": [
            {
                "span": span,
                "breadth": breadth(rows, span),
                "cap_change": cap_change(rows, span),
                "moves": moves(rows, span, limit=MOVERS_PRINTED),
            }
            for span in SPANS.values()
        ],
        "volatile": volatile(rows, limit=MOVERS_PRINTED),
        "analysis": analyse(request, coins=coins),
    }
    return render(request, "portals/report.html", context)
