"""Lets any page include the trade form: {% include "portfolio/_trade_form.html" %}."""

from __future__ import annotations

from django import template

from accounts.roles import Permission
from portfolio.forms import TradeForm, trade_form

register = template.Library()


@register.simple_tag(takes_context=True)
def trade_form_here(context: template.Context) -> TradeForm | None:
    """Return the page's own form (`trade`), or a fresh one about the page's `coin` if it has one.

    None where nobody is logged in or their role does not trade.
    """
    user = context.get("user")
    if user is None or not user.is_authenticated or not user.may(Permission.TRADE):
        return None
    kept: TradeForm | None = context.get("trade")
    if kept is not None:
        return kept
    return trade_form(user=user, coin=context.get("coin"), next_url=context["request"].path)
