"""A portfolio's new start, and its end.

A reset is whole at once: one row says that the portfolio has its start balance again and that
what is left of its holdings is gone. Only then are those rows deleted, as many at a time as a
transaction takes; a portfolio whose rows are not all gone yet is not traded in. Transactions
stay, as the record of what was done, and no longer count.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import services as accounts
from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import reading_all
from market import services as market
from portfolio.models import Holding, Portfolio, State
from portfolio.numbers import dollars
from portfolio.order import CENT
from portfolio.refusals import TradeRejected

from .importing import remove_interrupted
from .portfolios import current_trader, lock_portfolio

if TYPE_CHECKING:
    from accounts.models import User


def reset_portfolio(
    *,
    user: User,
    portfolio_id: uuid.UUID,
    name: str,
    now: datetime,
    address: str | None = None,
) -> Portfolio:
    """Begin a portfolio anew with the start balance; `name` must be its name, as typed.

    Once it holds nothing and has its start balance, doing it again changes nothing. Refusals:
    unknown_portfolio, wrong_name; wrong_role, suspended.
    """
    start = settings.START_BALANCE.quantize(CENT)

    def operation() -> Portfolio:
        trader = current_trader(user.pk)
        portfolio = lock_portfolio(user=trader, portfolio_id=portfolio_id)
        _check_name(portfolio, name)
        if portfolio.state == State.CLEARING or _is_untouched(portfolio, start):
            return portfolio
        portfolio.state = State.CLEARING
        portfolio.cash = portfolio.paid_in = start
        portfolio.realised_profit = Decimal("0.00")
        portfolio.started_at = _after(portfolio.traded_at, now)
        portfolio.save(update_fields=[
            "state", "cash", "paid_in", "realised_profit", "started_at",
        ])  # fmt: skip
        accounts.record(
            kind=accounts.Activity.Kind.PORTFOLIO_CHANGED,
            summary=f"Began {portfolio.name} anew with {dollars(start)}",
            user=trader,
            address=address,
        )
        return portfolio

    portfolio = run_atomic(operation)
    clear_portfolio(portfolio_id=portfolio.pk)
    portfolio.refresh_from_db()
    return portfolio


def clear_portfolio(*, portfolio_id: uuid.UUID) -> None:
    """Delete what a portfolio that was begun anew still has of its old holdings, and open it.

    Two may do this at once: nothing is bought in it before it is open again.
    """
    keys = set(Holding.objects.filter(portfolio_id=portfolio_id).values_list("pk", flat=True))
    # A holding that was just made may be in no list yet, but has a key, and its coin is tracked.
    keys |= {Holding.key(portfolio_id, coin.pk) for coin in market.latest_quotes()}
    for chunk in in_chunks(sorted(keys), actions_per_item=1, besides=1):
        run_atomic(partial(_delete, portfolio_id, chunk))
    run_atomic(partial(_open, portfolio_id))


def archive_portfolio(
    *,
    user: User,
    portfolio_id: uuid.UUID,
    name: str,
    address: str | None = None,
) -> None:
    """Take a portfolio out of all lists for good; its transactions stay among all of the user's.

    Refusals: unknown_portfolio, wrong_name, default_portfolio; wrong_role, suspended.
    """

    def operation() -> None:
        trader = current_trader(user.pk)
        portfolio = lock_portfolio(user=trader, portfolio_id=portfolio_id)
        if portfolio.is_default:
            raise TradeRejected(
                _("The first portfolio stays; begin it anew instead."), "default_portfolio"
            )
        _check_name(portfolio, name)
        portfolio.state = State.ARCHIVED
        portfolio.save(update_fields=["state"])
        accounts.record(
            kind=accounts.Activity.Kind.PORTFOLIO_CHANGED,
            summary=f"Removed the portfolio {portfolio.name}",
            user=trader,
            address=address,
        )

    run_atomic(operation)


def finish_interrupted(*, now: datetime) -> None:
    """Finish resets and undo imports that a process left behind when it died."""
    with reading_all("what a process left behind is looked for once an hour"):
        left = list(
            Portfolio.objects.filter(
                state__in=[State.CLEARING, State.IMPORTING, State.REMOVING]
            ).order_by("pk")
        )
    for portfolio in left:
        if portfolio.state == State.CLEARING:
            clear_portfolio(portfolio_id=portfolio.pk)
        elif now - portfolio.created_at > timedelta(hours=1):
            remove_interrupted(portfolio_id=portfolio.pk)


def _check_name(portfolio: Portfolio, name: str) -> None:
    if name.strip() != portfolio.name:
        raise TradeRejected(
            _("To confirm, type the name %(name)s.") % {"name": portfolio.name}, "wrong_name"
        )


def _is_untouched(portfolio: Portfolio, start: Decimal) -> bool:
    """Tell whether nothing was traded since the start, which was with this balance."""
    traded, began = portfolio.traded_at, portfolio.started_at
    return (
        portfolio.cash == portfolio.paid_in == start
        and portfolio.realised_profit == 0
        and (traded is None or (began is not None and traded < began))
    )


def _after(traded_at: datetime | None, now: datetime) -> datetime:
    """Return a moment that is not before now, and after the latest trade."""
    return now if traded_at is None else max(now, traded_at + timedelta(microseconds=1))


def _delete(portfolio_id: uuid.UUID, keys: list[str]) -> None:
    if _locked(portfolio_id).state == State.CLEARING:
        Holding.objects.filter(pk__in=keys).delete()


def _open(portfolio_id: uuid.UUID) -> None:
    portfolio = _locked(portfolio_id)
    if portfolio.state == State.CLEARING:
        portfolio.state = State.OPEN
        portfolio.save(update_fields=["state"])


def _locked(portfolio_id: uuid.UUID) -> Portfolio:
    return Portfolio.objects.select_for_update().get(pk=portfolio_id)
