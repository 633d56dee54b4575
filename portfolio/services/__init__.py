"""The door of the portfolio app: everything that another app may ask of it."""

from __future__ import annotations

from portfolio.paging import TransactionFilter
from portfolio.refusals import TradeRejected
from portfolio.statement import Problem, StatementRejected
from portfolio.valuation import HoldingValue, Share, Valuation, category_shares

from .choosing import choose_portfolio, remembered_portfolio
from .curve import EQUITY_RANGES, EquityCurve, Risk, equity, risk
from .daily import volume_by_day
from .importing import ImportPreview, import_transactions, preview_import
from .live import live_books
from .orders import Preview, place_order, preview
from .points import fill_equity, record_equity
from .portfolios import (
    create_portfolio,
    default_portfolio,
    open_portfolio,
    own_portfolio,
    portfolios,
    rename,
)
from .reading import (
    TradeStatistics,
    all_transactions,
    default_valuation,
    each_own_transaction,
    own_transactions,
    trade_statistics,
    trades_by_day,
    valuation,
)
from .resetting import archive_portfolio, finish_interrupted, reset_portfolio

__all__ = [
    "EQUITY_RANGES",
    "EquityCurve",
    "HoldingValue",
    "ImportPreview",
    "Preview",
    "Problem",
    "Risk",
    "Share",
    "StatementRejected",
    "TradeRejected",
    "TradeStatistics",
    "TransactionFilter",
    "Valuation",
    "all_transactions",
    "archive_portfolio",
    "category_shares",
    "choose_portfolio",
    "create_portfolio",
    "default_portfolio",
    "default_valuation",
    "each_own_transaction",
    "equity",
    "fill_equity",
    "finish_interrupted",
    "import_transactions",
    "live_books",
    "open_portfolio",
    "own_portfolio",
    "own_transactions",
    "place_order",
    "portfolios",
    "preview",
    "preview_import",
    "record_equity",
    "remembered_portfolio",
    "rename",
    "reset_portfolio",
    "risk",
    "trade_statistics",
    "trades_by_day",
    "valuation",
    "volume_by_day",
]
