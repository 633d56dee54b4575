"""What a page's script needs to know of a portfolio to keep its figures current between reloads."""

from __future__ import annotations

from typing import Any

from portfolio.models import Portfolio
from portfolio.numbers import plain
from portfolio.valuation import Valuation

from .curve import EquityCurve


def live_books(*, portfolio: Portfolio, valuation: Valuation, curve: EquityCurve) -> dict[str, Any]:
    """Return cash, costs and holdings for static/js/portfolio.js: decimals as text, US dollars."""
    return {
        "cash": plain(valuation.cash),
        "paid_in": plain(portfolio.paid_in),
        "cost": plain(valuation.cost),
        "realised": plain(valuation.realised),
        "day_start": None if curve.day_start is None else plain(curve.day_start),
        "held": [
            {
                "id": one.coin.id,
                "quantity": plain(one.quantity),
                "cost": plain(one.cost),
                "value": plain(one.value),
                "at": int(one.coin.price_at.timestamp() * 1000) if one.coin.price_at else 0,
            }
            for one in valuation.holdings
        ],
    }
