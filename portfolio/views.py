"""Pages about portfolios and transactions; what they do is in `services`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited
from market import services as market

from . import services
from .forms import TypedOrder, returned_form, trade_form
from .models import Portfolio
from .numbers import trade_sentence
from .refusals import TradeRejected

if TYPE_CHECKING:
    from accounts.models import User

RECENT = 8
PAGE = 50
#: The form that asked has been replaced by then, so the event starts at the body.
CHANGED = '{"portfolio-changed": {"target": "body"}}'


@require_safe
@never_cache
@limited("read")
@require(Permission.TRADE)
def overview(request: HttpRequest) -> HttpResponse:
    """A portfolio: what it is worth, what is in it, what happened last, and a form to trade."""
    return _overview(request)


def _overview(
    request: HttpRequest, *, status: int = 200, portfolio_error: str = "", name: str = ""
) -> HttpResponse:
    user, now = _me(request), timezone.now()
    own = services.portfolios(user=user)
    portfolio = _chosen(own, request.GET.get("portfolio", ""))
    url = reverse("portfolio:overview")
    here = url if portfolio.is_default else f"{url}?portfolio={portfolio.pk}"
    context = {
        "portfolios": own,
        "portfolio": portfolio,
        "valuation": services.valuation(portfolio=portfolio, now=now),
        "transactions": services.own_transactions(
            user=user, portfolio=portfolio, limit=RECENT
        ).rows,
        "trade": trade_form(user=user, portfolio=portfolio, next_url=here),
        "here": here,
        "portfolio_error": portfolio_error,
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
    sentence = trade_sentence(
        side=done.side, quantity=done.quantity, symbol=done.coin.symbol, amount=done.amount
    )
    if "HX-Request" not in request.headers:
        messages.success(request, f"{sentence}.")
        return accounts.safe_next(request, "portfolio:overview")
    form = trade_form(
        user=user,
        coin=market.coin(coin_id=done.coin_id),
        portfolio=services.own_portfolio(user=user, portfolio_id=done.portfolio_id),
        side=done.side,
        next_url=back,
    )
    form.saved = f"{sentence}."
    response = _form_page(request, form)
    response["HX-Trigger"] = CHANGED
    return response


def _fresh_form(request: HttpRequest, user: User) -> HttpResponse:
    coin_id = request.GET.get("coin", "")
    coin = market.coin(coin_id=coin_id) if coin_id.isprintable() else None
    if coin_id and coin is None:
        raise Http404("There is no such coin.")
    portfolio = _chosen(services.portfolios(user=user), request.GET.get("portfolio", ""))
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
        raise TradeRejected("This coin is not traded here.", "unknown_coin")
    return coin


@require_safe
@never_cache
@limited("read")
@require(Permission.VIEW_OWN_TRANSACTIONS)
def transactions(request: HttpRequest) -> HttpResponse:
    """One's own transactions, newest first."""
    user = _me(request)
    own = services.portfolios(user=user)
    wanted = request.GET.get("portfolio", "")
    portfolio = _chosen(own, wanted) if wanted else None
    page = services.own_transactions(
        user=user, portfolio=portfolio, cursor=request.GET.get("cursor", ""), limit=PAGE
    )
    kept = {"portfolio": str(portfolio.pk)} if portfolio else {}
    context = {
        "portfolios": own,
        "portfolio": portfolio,
        "transactions": page.rows,
        **_pager(request, page.next_cursor, **kept),
    }
    return render(request, "portfolio/transactions.html", context)


@require_safe
@never_cache
@limited("read")
@require(Permission.VIEW_ALL_TRANSACTIONS)
def all_transactions(request: HttpRequest) -> HttpResponse:
    """Everybody's transactions, newest first, or one person's; to be read, not changed."""
    username = request.GET.get("user", "").strip()[:150]
    person = accounts.person_called(username=username) if username else None
    rows, next_cursor = [], ""
    if person is not None or not username:
        page = services.all_transactions(
            cursor=request.GET.get("cursor", ""),
            limit=PAGE,
            user_id=person.pk if person is not None else None,
        )
        rows, next_cursor = page.rows, page.next_cursor
    context = {
        "username": username,
        "person": person,
        "transactions": rows,
        **_pager(request, next_cursor, user=username),
    }
    return render(request, "portfolio/all_transactions.html", context)


@require_POST
@limited("trade")
@require(Permission.TRADE)
def create(request: HttpRequest) -> HttpResponse:
    """Make another portfolio and show it."""
    name = request.POST.get("name", "")
    try:
        portfolio = services.create_portfolio(user=_me(request), name=name)
    except TradeRejected as refusal:
        return _overview(request, status=422, portfolio_error=refusal.sentence, name=name)
    messages.success(request, f"Portfolio {portfolio.name} is ready.")
    return redirect(f"{reverse('portfolio:overview')}?portfolio={portfolio.pk}")


@require_POST
@limited("trade")
@require(Permission.TRADE)
def rename(request: HttpRequest, portfolio_id: uuid.UUID) -> HttpResponse:
    """Give a portfolio another name and show it."""
    name = request.POST.get("name", "")
    try:
        portfolio = services.rename(user=_me(request), portfolio_id=portfolio_id, name=name)
    except TradeRejected as refusal:
        if refusal.code == "unknown_portfolio":
            raise Http404(refusal.sentence) from refusal
        return _overview(request, status=422, portfolio_error=refusal.sentence, name=name)
    messages.success(request, f"The portfolio is called {portfolio.name} now.")
    return redirect(f"{reverse('portfolio:overview')}?portfolio={portfolio.pk}")


def _chosen(own: list[Portfolio], wanted: str) -> Portfolio:
    """Return the portfolio that the address names, or the default one."""
    return next((one for one in own if str(one.pk) == wanted), own[0])


def _pager(request: HttpRequest, next_cursor: str, **kept: str) -> dict[str, str]:
    """Return the links to older and to the newest rows, with the filters kept."""
    kept = {name: value for name, value in kept.items() if value}

    def link(**extra: str) -> str:
        query = urlencode(kept | extra)
        return f"{request.path}?{query}" if query else request.path

    return {
        "next_url": link(cursor=next_cursor) if next_cursor else "",
        "first_url": link() if request.GET.get("cursor") else "",
    }


def _me(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user
