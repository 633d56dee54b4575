"""One of the product's processes, trading: `python -m tests.dynamodb.trader NAME THREADS TRADES`.

DATABASE_URL names a database that `prepare()` has made. Every fifth order is sent by all traders.
Each answer is one line of JSON on stdout as soon as it is there: ["order", person, order,
transaction]. TRADES 0 means until killed.
"""

# ruff: noqa: E402 (the environment and Django come first)

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from itertools import count
from typing import Any

import tests.environment  # noqa: F401 (the environment that settings read)

os.environ["DJANGO_SETTINGS_MODULE"] = "cryptopulse.settings"

import django

django.setup()

from decimal import Decimal

from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection

from accounts.models import User
from cryptopulse.dynamodb import metering
from portfolio import services as portfolio
from tests.conftest import NOW, make_coin

PEOPLE = 5
COINS = ("bitcoin", "ethereum")
SHARED = 5  # every fifth order has been or will be sent by the others too


def prepare() -> None:
    """Make the tables, the coins, and the people, none of whom has a portfolio yet."""
    call_command("migrate", verbosity=0)
    make_coin(rank=1, symbol="btc", at=NOW)
    make_coin("ethereum", price="3417.83", rank=2, symbol="eth", at=NOW)
    for number in range(PEOPLE):
        User.objects.create_user(username=f"u{number}", email=f"u{number}@example.com")


def say(*line: Any) -> None:
    """Print a line at once and in one piece: the log goes to the same pipe."""
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


class Trader:
    """One thread that trades."""

    def __init__(self, name: str, people: list[User]) -> None:
        self.name = name
        self.people = people
        self.choose = random.Random(name)
        self.met: Counter[str] = Counter()

    def run(self, trades: int) -> None:
        try:
            for number in range(trades) if trades else count():
                self.trade(number)
        finally:
            connection.close()

    def trade(self, number: int) -> None:
        """Send one order until it has an answer, as a page does."""
        is_shared = number % SHARED == 0
        order = f"shared-{number}" if is_shared else f"{self.name}-{number}"
        choose = random.Random(order) if is_shared else self.choose
        person = choose.choice(self.people)
        wanted: dict[str, Any] = choose.choice([
            {"side": "buy", "amount": Decimal("1.37")},
            {"side": "buy", "quantity": Decimal("0.00021")},
            {"side": "sell", "quantity": Decimal("0.00013")},
            {"side": "sell", "sell_all": True},
        ])  # fmt: skip
        coin_id = choose.choice(COINS)
        while True:
            try:
                done = portfolio.place_order(
                    user=person, coin_id=coin_id, client_order_id=order, now=NOW, **wanted
                )
            except portfolio.TradeRejected as refusal:
                self.met[refusal.code] += 1
                return
            except (OperationalError, IntegrityError) as error:
                self.met[f"{type(error.__cause__ or error).__name__}: {str(error)[:60]}"] += 1
                time.sleep(0.05)
            else:
                say("order", person.username, order, str(done.pk))
                return


def main() -> None:
    name, threads, trades = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    people = list(User.objects.filter(username__in=[f"u{n}" for n in range(PEOPLE)]))
    traders = [Trader(f"{name}-{number}", people) for number in range(threads)]
    say("ready")
    began = time.monotonic()
    running = [threading.Thread(target=one.run, args=(trades,), daemon=True) for one in traders]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    met = sum((one.met for one in traders), Counter[str]())
    say("end", round(time.monotonic() - began, 2), met, metering.totals().conflicts)


if __name__ == "__main__":
    main()
