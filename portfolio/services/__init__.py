"""The door of the portfolio app: everything that another app may ask of it."""

from __future__ import annotations

from portfolio.refusals import TradeRejected
from portfolio.valuation import HoldingValue, Share, Valuation

from .orders import Preview, place_order, preview
from .portfolios import create_portfolio, default_portfolio, own_portfolio, portfolios, rename
from .reading import (
    TradeStatistics,
    all_transactions,
    default_valuation,
    own_transactions,
    trade_statistics,
    trades_by_day,
    valuation,
)

__all__ = [
    "HoldingValue",
    "Preview",
    "Share",
    "TradeRejected",
    "TradeStatistics",
    "Valuation",
    "all_transactions",
    "create_portfolio",
    "default_portfolio",
    "default_valuation",
    "own_portfolio",
    "own_transactions",
    "place_order",
    "portfolios",
    "preview",
    "rename",
    "trade_statistics",
    "trades_by_day",
    "valuation",
]
