"""Making, naming, clearing and removing portfolios: a form each on the portfolio's page."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited

from . import services
from .models import Portfolio
from .refusals import TradeRejected
from .views import show_portfolio

if TYPE_CHECKING:
    from accounts.models import User


@require_POST
@limited("trade")
@require(Permission.TRADE)
def create(request: HttpRequest) -> HttpResponse:
    """Make another portfolio and show it."""
    name = request.POST.get("name", "")
    try:
        portfolio = services.create_portfolio(user=_me(request), name=name)
    except TradeRejected as refusal:
        return _refused(request, "create", refusal, name=name)
    messages.success(request, _("Portfolio %(name)s is ready.") % {"name": portfolio.name})
    return _show(portfolio)


@require_POST
@limited("trade")
@require(Permission.TRADE)
def rename(request: HttpRequest, portfolio_id: uuid.UUID) -> HttpResponse:
    """Give a portfolio another name and show it."""
    name = request.POST.get("name", "")
    try:
        portfolio = services.rename(user=_me(request), portfolio_id=portfolio_id, name=name)
    except TradeRejected as refusal:
        return _refused(request, "rename", refusal, name=name)
    messages.success(request, _("The portfolio is called %(name)s now.") % {"name": portfolio.name})
    return _show(portfolio)


@require_POST
@limited("trade")
@require(Permission.TRADE)
def reset(request: HttpRequest, portfolio_id: uuid.UUID) -> HttpResponse:
    """Begin a portfolio anew, if its name was typed to confirm it."""
    name = request.POST.get("confirmation", "")
    try:
        portfolio = services.reset_portfolio(
            user=_me(request),
            portfolio_id=portfolio_id,
            name=name,
            now=timezone.now(),
            address=accounts.client_address(request),
        )
    except TradeRejected as refusal:
        return _refused(request, "reset", refusal, name=name)
    messages.success(request, _("%(name)s begins anew.") % {"name": portfolio.name})
    return _show(portfolio)


@require_POST
@limited("trade")
@require(Permission.TRADE)
def archive(request: HttpRequest, portfolio_id: uuid.UUID) -> HttpResponse:
    """Take a portfolio out of the lists, if its name was typed to confirm it."""
    name = request.POST.get("confirmation", "")
    try:
        services.archive_portfolio(
            user=_me(request),
            portfolio_id=portfolio_id,
            name=name,
            address=accounts.client_address(request),
        )
    except TradeRejected as refusal:
        return _refused(request, "archive", refusal, name=name)
    messages.success(request, _("The portfolio %(name)s is removed.") % {"name": name.strip()})
    return redirect("portfolio:overview")


def _refused(request: HttpRequest, form: str, refusal: TradeRejected, *, name: str) -> HttpResponse:
    if refusal.code == "unknown_portfolio":
        raise Http404(refusal.sentence) from refusal
    return show_portfolio(request, status=422, refused=form, error=refusal.sentence, name=name)


def _show(portfolio: Portfolio) -> HttpResponse:
    return redirect(f"{reverse('portfolio:overview')}?portfolio={portfolio.pk}")


def _me(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user
