"""The product's own database on a DynamoDB of this machine: its processes, and its books."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_django import DjangoDbBlocker

from cryptopulse.dynamodb import local
from cryptopulse.dynamodb_tables import TABLES
from tests.dynamodb.conftest import default_database
from tests.dynamodb.physical import client, disorder, is_sentinel, items, plain
from tests.recovery.product import Process, environment

PREFIX = "product"
ROWS = {
    "portfolios": "portfolio_portfolio",
    "holdings": "portfolio_holding",
    "transactions": "portfolio_transaction",
    "activities": "accounts_activity",
    "notifications": "alerts_notification",
}


class Product:
    """A migrated database on a server that may be killed and started again on its file."""

    def __init__(self, folder: Path, blocker: DjangoDbBlocker, file: Path | None = None) -> None:
        self.folder = folder
        self.file = file
        self.blocker = blocker
        self.server = local.start(file=file)
        self.processes: list[Process] = []
        self.run("-c", "from tests.dynamodb.trader import prepare; prepare()")

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in the environment."""
        names = ("SECRET_KEY", "ALLOWED_HOSTS", "HTTPS")
        return environment(
            self.folder,
            DATABASE_URL=f"dynamodb://us-east-1/{PREFIX}?endpoint={self.server.url}",
            DEBUG="0",
            **{name: os.environ[name] for name in names},
        )

    def run(self, *arguments: str) -> None:
        """Run a program of the product to its end."""
        process = Process(list(arguments), self.environment)
        assert process.end(seconds=120) == 0, process.output

    def trader(self, name: str, *, threads: int = 1, trades: int = 0) -> Process:
        """Start a process that trades; without a number of trades until it is killed."""
        arguments = ["-m", "tests.dynamodb.trader", name, str(threads), str(trades)]
        process = Process(arguments, self.environment)
        self.processes.append(process)
        return process

    def kill_server(self) -> None:
        """Let the database die in the middle of whatever it does, and come back on its file."""
        self.server.kill()
        self.server = local.start(port=self.server.port, file=self.file)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        self.server.stop()

    def disorder(self) -> list[str]:
        """Return what is wrong with the items of unique constraints."""
        config = {
            "ENGINE": "cryptopulse.dynamodb",
            "NAME": PREFIX,
            "HOST": "us-east-1",
            "OPTIONS": {"endpoint": self.server.url, "TABLES": TABLES},
        }
        with self.blocker.unblock(), default_database(config):
            return disorder()


@contextmanager
def running(folder: Path, blocker: DjangoDbBlocker, file: Path | None = None) -> Iterator[Product]:
    """Keep a product for the length of the block."""
    product = Product(folder, blocker, file)
    try:
        yield product
    finally:
        product.stop()


def said(process: Process) -> list[list[Any]]:
    """Return the whole lines of JSON that a trader has printed."""
    return [
        json.loads(line) for line in process.lines if line.startswith('["') and line.endswith("]\n")
    ]


def acknowledged(process: Process) -> dict[tuple[str, str], str]:
    """Return the orders that a trader got an answer to: (person, order) -> transaction."""
    return {(line[1], line[2]): line[3] for line in said(process) if line[0] == "order"}


class Books:
    """Everything about money, as it is stored."""

    def __init__(self, url: str) -> None:
        dynamodb = client(url)
        self.rows = {
            name: [
                plain(item)
                for item in items(dynamodb, f"{PREFIX}-{table}")
                if not is_sentinel(item)
            ]
            for name, table in ROWS.items()
        }

    def transaction_ids(self) -> list[str]:
        return [row["id"] for row in self.rows["transactions"]]

    def check(self) -> None:
        """No trade is there by half: money, holdings, history and what was told agree."""
        booked: dict[str, list[dict[str, str]]] = defaultdict(list)
        held: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in self.rows["transactions"]:
            booked[row["portfolio_id"]].append(row)
        for row in self.rows["holdings"]:
            held[row["portfolio_id"]].append(row)
        for row in self.rows["portfolios"]:
            check_portfolio(row, booked.pop(row["id"], []), held.pop(row["id"], []))
        assert not booked
        assert not held
        trades = Counter(self.transaction_ids())
        told = {row["event_id"] for row in self.rows["notifications"] if row["kind"] == "trade"}
        logged = sum(row["kind"] == "traded" for row in self.rows["activities"])
        assert set(trades.values()) <= {1}
        assert told == set(trades)
        assert logged == len(trades)


def check_portfolio(
    portfolio: dict[str, str], booked: list[dict[str, str]], held: list[dict[str, str]]
) -> None:
    """Compare one portfolio with the transactions that explain it."""
    cash, paid_in = Decimal(portfolio["cash"]), Decimal(portfolio["paid_in"])
    cost = sum((Decimal(row["cost"]) for row in held), Decimal(0))
    assert cash + cost - Decimal(portfolio["realised_profit"]) == paid_in
    moved = Decimal(0)
    coins: dict[str, Decimal] = defaultdict(Decimal)
    for row in booked:
        sign = 1 if row["side"] == "buy" else -1
        moved -= sign * Decimal(row["amount"])
        coins[row["coin_id"]] += sign * Decimal(row["quantity"])
    assert cash == paid_in + moved
    assert cash >= 0
    assert {row["coin_id"]: Decimal(row["quantity"]) for row in held} == {
        coin: quantity for coin, quantity in coins.items() if quantity
    }
    orders = [row["client_order_id"] for row in booked]
    assert len(set(orders)) == len(orders)
