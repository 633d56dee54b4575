"""Which of their portfolios somebody looks at; remembered while they are logged in."""

from __future__ import annotations

import uuid
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from portfolio.models import Portfolio

from .portfolios import portfolios

if TYPE_CHECKING:
    from accounts.models import User

KEY = "portfolio"


def choose_portfolio(
    *, user: User, session: MutableMapping[str, Any], wanted: str = ""
) -> tuple[list[Portfolio], Portfolio]:
    """Return a person's portfolios, and the `wanted` one, else the last one chosen, else the first.

    What is wanted is remembered in the session if it is theirs. One query.
    """
    own = portfolios(user=user)
    by_key = {str(one.pk): one for one in own}
    chosen = by_key.get(wanted) or by_key.get(session.get(KEY, "")) or own[0]
    if wanted in by_key and session.get(KEY, str(own[0].pk)) != wanted:
        session[KEY] = wanted
    return own, chosen


def remembered_portfolio(session: MutableMapping[str, Any]) -> uuid.UUID | None:
    """Return the key of the portfolio that was chosen last; whoever reads it checks whose it is."""
    try:
        return uuid.UUID(session[KEY])
    except (KeyError, ValueError):
        return None
