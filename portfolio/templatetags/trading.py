"""What portfolio pages say: {% load trading %}.

  {% include "portfolio/_trade_form.html" %}   the trade form, on any page; it loads this itself
  {{ value|dollars }}            an amount to the cent: $1,234.50
  {{ value|signed_dollars }}     a profit: +$58.19
  {{ value|exact_price }}        the price of a trade, with all its digits: $3,478.818
  {% change part|share_of:whole %}   a share in percent
  {{ portfolio.start|is_today }}  whether that was less than 24 hours ago
  {% cash value signed=True %}   to the cent, in the display currency: for pages that convert

Cash, orders and what they cost are in US dollars, whatever currency prices are shown in.
`money`, which all pages have, writes prices short: four digits that count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import timezone

from accounts.roles import Permission
from cryptopulse import figures, notation
from portfolio import numbers, services
from portfolio.forms import TradeForm, trade_form
from portfolio.valuation import percent_of

register = template.Library()

register.filter("dollars", numbers.dollars)
register.filter("signed_dollars", numbers.signed_dollars)
register.filter("exact_price", numbers.price)


@register.filter
def share_of(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return the part in percent of the whole; None of nothing."""
    return percent_of(part, whole)


@register.filter
def in_coins_of(amount: Decimal, code: str) -> str:
    """Write an amount with as many decimals as its currency has coins: yen have none."""
    return figures.number(amount, figures.currency(code, Decimal(1)).places)


@register.filter
def is_today(at: datetime) -> bool:
    """Tell whether this moment is less than 24 hours ago."""
    return timezone.now() - at < timedelta(days=1)


@register.simple_tag(takes_context=True)
def cash(context: template.Context, value: Decimal | None, *, signed: bool = False) -> str:
    """Write an amount to the cent in the display currency; None is a dash."""
    if value is None:
        return "\N{EM DASH}"
    currency = context["shell"].currency
    amount = value * currency.rate
    size = notation.current().spell(f"{abs(amount):,.{currency.places}f}")
    sign = "+" if signed else ""
    if amount < 0:
        sign = "\N{MINUS SIGN}"
    if not any(digit in size for digit in "123456789"):
        sign = ""
    return f"{sign}{currency.sign}{size}"


@register.simple_tag(takes_context=True)
def trade_form_here(context: template.Context) -> TradeForm | None:
    """Return the page's own form (`trade`), or a fresh one about the page's `coin` if it has one.

    What the page knows is not asked for again: `portfolio` with its `valuation`, `all_coins`.

    None where nobody is logged in or their role does not trade.
    """
    user = context.get("user")
    if user is None or not user.is_authenticated or not user.may(Permission.TRADE):
        return None
    kept: TradeForm | None = context.get("trade")
    if kept is not None:
        return kept
    valuation, portfolio = context.get("valuation"), context.get("portfolio")
    if portfolio is None and (chosen := services.remembered_portfolio(context["request"].session)):
        portfolio = services.open_portfolio(user=user, portfolio_id=chosen)
    return trade_form(
        user=user,
        coin=context.get("coin"),
        portfolio=portfolio,
        next_url=context["request"].path,
        tracked=context.get("all_coins"),
        held={one.coin.id: one.quantity for one in valuation.holdings} if valuation else None,
    )
