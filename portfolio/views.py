"""Pages about portfolios and transactions; what they do is in `services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited
from market import services as market

from . import services
from .forms import TypedOrder, returned_form, trade_form
from .models import Transaction
from .numbers import price, trade_sentence
from .refusals import TradeRejected

if TYPE_CHECKING:
    from accounts.models import User

RECENT = 8
DEFAULT_RANGE = "1m"
EQUITY_LABELS = (
    ("1d", "1D"),
    ("7d", "7D"),
    ("1m", "1M"),
    ("3m", "3M"),
    ("1y", "1Y"),
    ("all", pgettext_lazy("range of time", "All")),
)
#: The form that asked has been replaced by then, so the event starts at the body.
CHANGED = '{"portfolio-changed": {"target": "body"}}'


@require_safe
@never_cache
@limited("read")
@require(Permission.TRADE)
def overview(request: HttpRequest) -> HttpResponse:
    """A portfolio: what it is worth, what is in it, what happened last, and a form to trade."""
    return show_portfolio(request)


def show_portfolio(
    request: HttpRequest, *, status: int = 200, refused: str = "", error: str = "", name: str = ""
) -> HttpResponse:
    """Draw the page; `refused` names the form (create, rename, reset, archive) of the `error`."""
    user, now = _me(request), timezone.now()
    wanted = request.GET.get("portfolio", "")
    own, portfolio = services.choose_portfolio(user=user, session=request.session, wanted=wanted)
    url = reverse("portfolio:overview")
    here = url if portfolio.is_default else f"{url}?portfolio={portfolio.pk}"
    coins = market.latest_quotes()
    portfolio, valuation = services.default_valuation(
        user=user, coins=coins, now=now, portfolio_id=portfolio.pk
    )
    asked = request.GET.get("range", "")
    curve = services.equity(
        portfolio=portfolio,
        range_name=asked if asked in services.EQUITY_RANGES else DEFAULT_RANGE,
        now=now,
        valuation=valuation,
        against_bitcoin=True,
    )
    context = {
        "portfolios": own,
        "portfolio": portfolio,
        "valuation": valuation,
        "curve": curve,
        "ranges": EQUITY_LABELS,
        "risk": services.risk(curve.points),
        "categories": services.category_shares(valuation),
        "live": services.live_books(portfolio=portfolio, valuation=valuation, curve=curve),
        "transactions": services.own_transactions(
            user=user, portfolio=portfolio, limit=RECENT
        ).rows,
        "trade": trade_form(
            user=user,
            portfolio=portfolio,
            next_url=here,
            tracked=coins,
            held={one.coin.id: one.quantity for one in valuation.holdings},
        ),
        "here": here,
        "start_balance": settings.START_BALANCE,
        "refused": refused,
        "portfolio_error": error,
        "portfolio_name": name,
    }
    return render(request, "portfolio/overview.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limited("trade")
@require(Permission.TRADE)
def trade(request: HttpRequest) -> HttpResponse:
    """The trade form alone (GET), and the door that all trade forms post to."""
    user = _me(request)
    if request.method != "POST":
        return _fresh_form(request, user)
    typed = TypedOrder.read(request.POST)
    back = accounts.local_path(request.POST.get("next", ""))
    try:
        done = services.place_order(
            user=user,
            now=timezone.now(),
            client_order_id=typed.client_order_id,
            address=accounts.client_address(request),
            **typed.wanted(),
        )
    except TradeRejected as refusal:
        form = returned_form(user=user, typed=typed, next_url=back)
        form.refuse(refusal)
        return _form_page(request, form, status=422)
    sentence = _what_was_done(done)
    if "HX-Request" not in request.headers:
        messages.success(request, sentence)
        return accounts.safe_next(request, "portfolio:overview")
    form = trade_form(
        user=user,
        coin=market.coin(coin_id=done.coin_id),
        portfolio=services.own_portfolio(user=user, portfolio_id=done.portfolio_id),
        side=done.side,
        next_url=back,
    )
    form.saved = sentence
    response = _form_page(request, form)
    response["HX-Trigger"] = CHANGED
    return response


def _what_was_done(done: Transaction) -> str:
    """Say what was traded, at which price."""
    traded = trade_sentence(
        side=done.side, quantity=done.quantity, symbol=done.coin.symbol, amount=done.amount
    )
    return _("%(traded)s, at %(price)s each.") % {"traded": traded, "price": price(done.price)}


def _fresh_form(request: HttpRequest, user: User) -> HttpResponse:
    coin_id = request.GET.get("coin", "")
    coin = market.coin(coin_id=coin_id) if coin_id.isprintable() else None
    if coin_id and coin is None:
        raise Http404("There is no such coin.")
    _own, portfolio = services.choose_portfolio(
        user=user, session=request.session, wanted=request.GET.get("portfolio", "")
    )
    form = trade_form(
        user=user,
        coin=coin,
        portfolio=portfolio,
        side=request.GET.get("side", ""),
        next_url=accounts.local_path(request.GET.get("next", "")),
    )
    return _form_page(request, form)


def _form_page(request: HttpRequest, form: Any, *, status: int = 200) -> HttpResponse:
    template = "_trade_form.html" if "HX-Request" in request.headers else "trade.html"
    return render(request, f"portfolio/{template}", {"trade": form}, status=status)


@require_safe
@never_cache
@limited("read")
@require(Permission.TRADE)
def preview(request: HttpRequest) -> HttpResponse:
    """What an order would do, as a fragment under the form; a refusal is a sentence there."""
    user, now = _me(request), timezone.now()
    typed = TypedOrder.read(request.GET)
    context: dict[str, Any] = {"now": now}
    try:
        if typed.is_empty:
            context["coin"] = _known_coin(typed.coin_id)
        else:
            context["preview"] = typed.preview(user=user, now=now)
    except TradeRejected as refusal:
        context["refusal"] = refusal.sentence
    return render(request, "portfolio/_preview.html", context)


def _known_coin(coin_id: str) -> Any:
    coin = market.coin(coin_id=coin_id) if coin_id.isprintable() else None
    if coin is None:
        raise TradeRejected(_("This coin is not traded here."), "unknown_coin")
    return coin


def _me(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user
