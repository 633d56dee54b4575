"""The front door: what the product is, for visitors; for everybody else, their own portal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.roles import HOME_URL_NAMES, Role
from cryptopulse.limits import limited
from market import services as market

COINS_SHOWN = 10
IN_THE_WINDOW = 5  # beside the first coin's trend
#: The example of an alert: this far above the price, to two digits.
ALERT_ABOVE = Decimal("1.1")
_TWO_DIGITS = Context(prec=2, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Examples:
    """What the product would say about one coin right now, from its real figures."""

    coin: Any
    paid: Decimal
    worth: Decimal | None  # what so much, put into the coin a week ago, is worth now
    target: Decimal
    distance: Decimal  # percent


@require_safe
@limited("read")
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is, over live prices; a person who is logged in is sent home."""
    if request.user.is_authenticated:
        return redirect("portals:home")
    coins = market.latest_quotes()[:COINS_SHOWN]
    context = {
        "coins": coins,
        "in_the_window": coins[1 : 1 + IN_THE_WINDOW],
        "examples": examples(coins[0]) if coins and coins[0].last_price else None,
        "start_balance": settings.START_BALANCE,
    }
    return render(request, "portals/landing.html", context)


def examples(coin: Any) -> Examples:
    """Work out a week's profit and an alert's distance for a coin with a price."""
    paid = settings.START_BALANCE / 10
    change = coin.change_7d
    target = _TWO_DIGITS.plus(coin.last_price * ALERT_ABOVE)
    return Examples(
        coin=coin,
        paid=paid,
        worth=None if change is None else paid * (1 + change / 100),
        target=target,
        distance=100 * (target / coin.last_price - 1),
    )


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send a person to the portal of their role."""
    if not request.user.is_authenticated:
        return redirect("portals:landing")
    return redirect(HOME_URL_NAMES[Role(request.user.role)])
