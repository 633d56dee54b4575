"""Many threads at one portfolio, in a process of its own, so that any database can be meant.

Run by test_contention.py with DATABASE_URL set: `python -m tests.portfolio.contention SCENARIO`.
Prints what the database says afterwards as one line of JSON.
"""

# ruff: noqa: E402 (the environment and Django come first)

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import tests.environment  # noqa: F401 (the environment that settings read)

os.environ["DJANGO_SETTINGS_MODULE"] = "cryptopulse.settings"

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections, connection

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Holding, Portfolio, Transaction
from tests.conftest import make_coin, make_person

THREADS = 8
EACH = 25
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class _NoMigrations:
    """Makes tables straight from the models, as the test suite does."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def make_tables() -> None:
    settings.MIGRATION_MODULES = _NoMigrations()
    call_command("migrate", run_syncdb=True, verbosity=0)


def in_threads(work: Callable[[int], None]) -> Counter[str]:
    """Run `work` in all threads at once; return what was raised, by name."""
    together = threading.Barrier(THREADS)
    raised: Counter[str] = Counter()

    def one(number: int) -> None:
        together.wait()
        try:
            work(number)
        except Exception as error:
            raised[f"{type(error).__name__}: {error}"] += 1
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(THREADS)))
    return raised


def trade_at_random(user: User) -> dict[str, Any]:
    """Buy and sell two coins in all threads, more than there is money for."""
    acknowledged: list[str] = []
    refused: Counter[str] = Counter()

    def work(number: int) -> None:
        choose = random.Random(number)
        for step in range(EACH):
            side = choose.choice(["buy", "buy", "sell"])
            how = choose.choice(["amount", "quantity"])
            amount = Decimal(choose.randrange(1, 300_000)) / 100
            wanted: dict[str, Any] = {"amount": amount}
            if how == "quantity":
                wanted = {"quantity": Decimal(choose.randrange(1_000, 300_000)).scaleb(-7)}
            try:
                traded = portfolio.place_order(
                    user=user,
                    side=side,
                    coin_id=choose.choice(["bitcoin", "ethereum"]),
                    client_order_id=f"{number}-{step}",
                    now=NOW,
                    **wanted,
                )
                acknowledged.append(str(traded.pk))
            except portfolio.TradeRejected as refusal:
                refused[refusal.code] += 1

    raised = in_threads(work)
    return {"raised": raised, "refused": refused, "acknowledged": acknowledged}


def click_at_once(user: User) -> dict[str, Any]:
    """Send one and the same order from all threads; the portfolio does not exist yet."""
    keys: list[str] = []

    def work(_: int) -> None:
        traded = portfolio.place_order(
            user=user,
            side="buy",
            coin_id="bitcoin",
            amount=Decimal(1000),
            client_order_id="one-click",
            now=NOW,
        )
        keys.append(str(traded.pk))

    return {"raised": in_threads(work), "keys": keys}


def spend_the_last(user: User) -> dict[str, Any]:
    """Spend all the money eight times at once."""
    refused: Counter[str] = Counter()

    def work(number: int) -> None:
        try:
            portfolio.place_order(
                user=user,
                side="buy",
                coin_id="bitcoin",
                amount=Decimal(10000),
                client_order_id=str(number),
                now=NOW,
            )
        except portfolio.TradeRejected as refusal:
            refused[refusal.code] += 1

    return {"raised": in_threads(work), "refused": refused}


def make_many(user: User) -> dict[str, Any]:
    """Make more portfolios than there may be."""
    refused: Counter[str] = Counter()

    def work(number: int) -> None:
        for step in range(5):
            try:
                portfolio.create_portfolio(user=user, name=f"{number} {step}")
            except portfolio.TradeRejected as refusal:
                refused[refusal.code] += 1

    return {"raised": in_threads(work), "refused": refused}


def books() -> dict[str, Any]:
    """Return what the database holds, decimals as text."""
    own = Portfolio.objects.order_by("-is_default").first()
    assert own is not None
    signs = {"buy": -1, "sell": 1}
    trades = list(Transaction.objects.all())
    held: dict[str, Decimal] = {}
    for one in trades:
        change = -signs[one.side] * one.quantity
        held[one.coin_id] = held.get(one.coin_id, Decimal(0)) + change
    return {
        "cash": str(own.cash),
        "paid_in": str(own.paid_in),
        "realised": str(own.realised_profit),
        "cost": str(sum((one.cost for one in Holding.objects.all()), Decimal(0))),
        "holdings": {one.coin_id: str(one.quantity) for one in Holding.objects.all()},
        "bought_less_sold": {key: str(value) for key, value in held.items() if value},
        "cash_moved": str(sum((signs[one.side] * one.amount for one in trades), Decimal(0))),
        "transactions": [str(one.pk) for one in trades],
        "portfolios": Portfolio.objects.count(),
    }


SCENARIOS: dict[str, Callable[[User], dict[str, Any]]] = {
    "random": trade_at_random,
    "click": click_at_once,
    "last": spend_the_last,
    "portfolios": make_many,
}


def main() -> None:
    make_tables()
    make_coin(rank=1, symbol="btc", at=NOW)
    make_coin("ethereum", price="3417.83", rank=2, symbol="eth", at=NOW)
    assert Coin.objects.count() == 2
    result = SCENARIOS[sys.argv[1]](make_person("alice"))
    print(json.dumps(result | {"books": books()}))


if __name__ == "__main__":
    main()
