"""A person's portfolios: the first is made when it is needed, others when they are asked for."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import services as accounts
from accounts.roles import Permission
from cryptopulse.atomic import run_atomic
from portfolio.models import Portfolio, State
from portfolio.order import CENT
from portfolio.refusals import TradeRejected

if TYPE_CHECKING:
    from accounts.models import User

MOST = 20
LONGEST_NAME = 64
#: What is still being imported and what was archived is in no list, and is not traded in.
SHOWN = frozenset({State.OPEN, State.CLEARING})


def default_portfolio(*, user: User) -> Portfolio:
    """Return a person's first portfolio, made with the start balance if there is none yet.

    Its key follows from the person's, so that two requests that make it at once make one.
    """
    start = settings.START_BALANCE.quantize(CENT)
    portfolio, _ = Portfolio.objects.get_or_create(
        pk=Portfolio.default_key(user.pk),
        defaults={"user": user, "is_default": True, "paid_in": start, "cash": start},
    )
    return portfolio


def portfolios(*, user: User) -> list[Portfolio]:
    """Return a person's portfolios: the default one, then the others as they were made."""
    own = _shown(user)
    if not any(one.is_default for one in own):
        own.append(default_portfolio(user=user))
    return sorted(own, key=lambda one: (not one.is_default, one.pk))


def own_portfolio(*, user: User, portfolio_id: str | uuid.UUID | None) -> Portfolio:
    """Return this portfolio of this person, or the default one without an id.

    Another person's portfolio is as unknown as one that does not exist.
    """
    if not portfolio_id:
        return default_portfolio(user=user)
    for one in portfolios(user=user):
        if str(one.pk) == str(portfolio_id):
            return one
    raise unknown_portfolio()


def open_portfolio(*, user: User, portfolio_id: uuid.UUID) -> Portfolio | None:
    """Return this portfolio of this person, if it is one that they see. One read by its key."""
    found = Portfolio.objects.filter(pk=portfolio_id, user=user).first()
    return found if found is not None and found.state in SHOWN else None


def create_portfolio(*, user: User, name: str) -> Portfolio:
    """Make another portfolio with the start balance.

    Refusals: name_missing, name_too_long, name_taken, too_many_portfolios; wrong_role, suspended.
    """

    def operation() -> Portfolio:
        trader = current_trader(user.pk)
        free = check_free(name=name, own=lock_all(trader))
        start = settings.START_BALANCE.quantize(CENT)
        return Portfolio.objects.create(user=trader, name=free, paid_in=start, cash=start)

    return run_atomic(operation)


def check_free(*, name: str, own: list[Portfolio]) -> str:
    """Return the name that one more portfolio beside these would get, or refuse it."""
    if len(own) >= MOST:
        raise TradeRejected(
            _("You have %(most)s portfolios already.") % {"most": MOST}, "too_many_portfolios"
        )
    return _free_name(name, own)


def rename(*, user: User, portfolio_id: str | uuid.UUID, name: str) -> Portfolio:
    """Give one of a person's portfolios another name. Refusals as for `create_portfolio`."""

    def operation() -> Portfolio:
        own = lock_all(current_trader(user.pk))
        portfolio = next((one for one in own if str(one.pk) == str(portfolio_id)), None)
        if portfolio is None:
            raise unknown_portfolio()
        portfolio.name = _free_name(name, [one for one in own if one is not portfolio])
        portfolio.save(update_fields=["name"])
        return portfolio

    return run_atomic(operation)


def current_trader(user_id: uuid.UUID) -> User:
    """Return the person as they are now, if they may trade: a session may be older than that."""
    trader = accounts.person(user_id=user_id)
    if trader is None or not trader.is_active:
        raise TradeRejected(_("Your account is suspended."), "suspended")
    check_role(trader)
    return trader


def check_role(user: User) -> None:
    """Refuse those whose role has no portfolio."""
    if not user.may(Permission.TRADE):
        raise TradeRejected(_("Your role does not trade."), "wrong_role")


def lock_portfolio(*, user: User, portfolio_id: uuid.UUID | None) -> Portfolio:
    """Return a person's portfolio, held until the transaction ends."""
    key = portfolio_id or Portfolio.default_key(user.pk)
    rows = Portfolio.objects.select_for_update().filter(pk=key, user=user)
    portfolio = rows.first()
    if portfolio is None and key == Portfolio.default_key(user.pk):
        default_portfolio(user=user)
        portfolio = rows.first()
    if portfolio is None or portfolio.state not in SHOWN:
        raise unknown_portfolio()
    return portfolio


def unknown_portfolio() -> TradeRejected:
    """Return the refusal of a portfolio that is not there, or not this person's."""
    return TradeRejected(_("You have no such portfolio."), "unknown_portfolio")


def lock_all(user: User) -> list[Portfolio]:
    """Hold all of a person's portfolios; the default one, always there, is the common lock."""
    lock_portfolio(user=user, portfolio_id=None)
    return _shown(user)


def _shown(user: User) -> list[Portfolio]:
    """Return the portfolios that a person sees. Those few that they do not are read as well."""
    rows = Portfolio.objects.filter(user=user).order_by("pk")
    return [one for one in rows if one.state in SHOWN]


def _free_name(name: str, others: list[Portfolio]) -> str:
    name = "".join(letter for letter in name if letter.isprintable()).strip()
    if not name:
        raise TradeRejected(_("Give the portfolio a name."), "name_missing")
    if len(name) > LONGEST_NAME:
        raise TradeRejected(
            _("A name has at most %(most)s characters.") % {"most": LONGEST_NAME},
            "name_too_long",
        )
    if any(one.name.casefold() == name.casefold() for one in others):
        raise TradeRejected(
            _("You have a portfolio called %(name)s already.") % {"name": name}, "name_taken"
        )
    return name
