"""What the product is, what is simulated, whose work it stands on."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from market import services as market


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Show the page; everybody may."""
    context = {
        "origin": market.origin(),
        "last_tick_at": market.last_tick_at(),
        "stale_after_minutes": int(settings.STALE_AFTER.total_seconds() // 60),
        "start_balance": settings.START_BALANCE,
        "fee_percent": settings.TRADE_FEE_RATE * 100,
        "currencies": market.currencies(),
    }
    return render(request, "portals/about.html", context)
