"""Reads the books from the database file itself, with no help from the product."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
STEP = Decimal("1e-8")


def _exact(value: Any, step: Decimal) -> Decimal:
    """Return what SQLite stores as a double, as the decimal with at most 15 digits that it is."""
    return Decimal(repr(value)).quantize(step)


class Books:
    """Everything about money in one consistent read."""

    def __init__(self, folder: Path) -> None:
        with closing(sqlite3.connect(folder / "cryptopulse.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            database.execute("BEGIN")
            self.portfolios = database.execute("SELECT * FROM portfolio_portfolio").fetchall()
            self.holdings = database.execute("SELECT * FROM portfolio_holding").fetchall()
            self.transactions = database.execute("SELECT * FROM portfolio_transaction").fetchall()
            self.traded = database.execute(
                "SELECT count(*) FROM accounts_activity WHERE kind = 'traded'"
            ).fetchone()[0]
            self.confirmations = database.execute(
                "SELECT count(DISTINCT event_id) FROM alerts_notification WHERE kind = 'trade'"
            ).fetchone()[0]
            self.integrity = database.execute("PRAGMA integrity_check").fetchone()[0]

    def transaction_ids(self) -> set[str]:
        return {str(uuid.UUID(row["id"])) for row in self.transactions}

    def order_ids(self) -> list[str]:
        return [row["client_order_id"] for row in self.transactions]

    def check(self) -> None:
        """No trade is there by half: money, holdings, history and what was told agree."""
        assert self.integrity == "ok"
        for portfolio in self.portfolios:
            self._check_portfolio(portfolio)
        assert self.traded == len(self.transactions)
        assert self.confirmations == len(self.transactions)
        assert len(set(self.order_ids())) == len(self.transactions)

    def _check_portfolio(self, portfolio: sqlite3.Row) -> None:
        own = [row for row in self.transactions if row["portfolio_id"] == portfolio["id"]]
        held = [row for row in self.holdings if row["portfolio_id"] == portfolio["id"]]
        cash, paid_in = _exact(portfolio["cash"], CENT), _exact(portfolio["paid_in"], CENT)
        realised = _exact(portfolio["realised_profit"], CENT)
        cost = sum((_exact(row["cost"], CENT) for row in held), Decimal(0))
        assert cash + cost - realised == paid_in
        assert cash == paid_in + sum((_cash_moved(row) for row in own), Decimal(0))
        assert cash >= 0
        for holding in held:
            quantities = [_coins_moved(row) for row in own if row["coin_id"] == holding["coin_id"]]
            assert _exact(holding["quantity"], STEP) == sum(quantities, Decimal(0))
        assert {row["coin_id"] for row in held} <= {row["coin_id"] for row in own}


def _cash_moved(row: sqlite3.Row) -> Decimal:
    amount = _exact(row["amount"], CENT)
    return -amount if row["side"] == "buy" else amount


def _coins_moved(row: sqlite3.Row) -> Decimal:
    quantity = _exact(row["quantity"], STEP)
    return quantity if row["side"] == "buy" else -quantity
