"""A portfolio as it is now, with what it holds, read in one statement."""

from __future__ import annotations

import uuid
from decimal import Decimal

from portfolio.models import Portfolio, State

Positions = dict[str, tuple[Decimal, Decimal]]  # coin id -> quantity and cost
_COLUMNS = [field.attname for field in Portfolio._meta.concrete_fields]  # noqa: SLF001 (Django's public API)


def read_books(
    key: uuid.UUID, *, user_id: uuid.UUID | None = None
) -> tuple[Portfolio, Positions] | None:
    """Read a portfolio and what it holds; one that is another person's is not there.

    One statement, so that a trade that commits meanwhile is seen whole or not at all. What a
    portfolio that was begun anew still has of its old holdings does not count.
    """
    held = ("holdings__coin_id", "holdings__quantity", "holdings__cost")
    found = Portfolio.objects.filter(pk=key)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    rows = list(found.values_list(*_COLUMNS, *held))
    if not rows:
        return None
    portfolio = Portfolio.from_db(None, _COLUMNS, rows[0][: len(_COLUMNS)])
    if portfolio.state == State.CLEARING:
        return portfolio, {}
    return portfolio, {coin_id: (quantity, cost) for *_, coin_id, quantity, cost in rows if coin_id}
