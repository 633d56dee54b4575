"""The front door: what the product is, for visitors; for everybody else, their own portal."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.roles import HOME_URL_NAMES, Role
from cryptopulse.limits import limited
from market import services as market

COINS_SHOWN = 10


@require_safe
@limited("read")
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is, over live prices; a person who is logged in is sent home."""
    if request.user.is_authenticated:
        return redirect("portals:home")
    context = {
        "coins": market.latest_quotes()[:COINS_SHOWN],
        "start_balance": settings.START_BALANCE,
        "now": timezone.now(),
    }
    return render(request, "portals/landing.html", context)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send a person to the portal of their role."""
    if not request.user.is_authenticated:
        return redirect("portals:landing")
    return redirect(HOME_URL_NAMES[Role(request.user.role)])
