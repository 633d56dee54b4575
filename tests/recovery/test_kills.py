"""SIGKILL in the middle of trades: what was acknowledged is there, and nothing by half.

KILLS says how often (20).
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from pathlib import Path

import pytest
import requests

from .books import Books
from .conftest import StartPulse
from .product import Person, Pulse

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

KILLS = int(os.environ.get("KILLS", "20"))
TRADERS = 4


class Trader(threading.Thread):
    """Buys until the product is gone, and notes what it was promised."""

    def __init__(self, person: Person) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.sent: list[str] = []
        self.acknowledged: dict[str, str] = {}  # order -> transaction

    def run(self) -> None:
        while True:
            order = uuid.uuid4().hex
            self.sent.append(order)
            try:
                answer = self.person.buy("bitcoin", amount="1.37", order=order)
                if answer.status_code == 200:
                    self.acknowledged[order] = answer.json()["transaction"]["id"]
                elif answer.status_code == 429:
                    time.sleep(0.02)
            except (requests.RequestException, ValueError):
                return


def trade_until_killed(product: Pulse, people: list[Person], moment: random.Random) -> list[Trader]:
    """Let everybody trade, kill the product at some moment, and return what they noted."""
    traders = [Trader(person) for person in people]
    for trader in traders:
        trader.start()
    while not any(trader.acknowledged for trader in traders):
        time.sleep(0.005)
    time.sleep(moment.uniform(0, 0.4))
    product.kill()
    for trader in traders:
        trader.join(30)
    return traders


def test_every_acknowledged_trade_survives_and_no_half_of_one(
    pulse: StartPulse, tmp_path: Path
) -> None:
    moment = random.Random(20)
    product = pulse()
    product.wait_until_it_serves()
    people = [Person(product.port, f"trader{number}") for number in range(TRADERS)]
    for person in people:
        person.sign_up()
    promised: dict[str, str] = {}
    resent = 0

    for _ in range(KILLS):
        traders = trade_until_killed(product, people, moment)
        product = pulse()
        product.wait_until_it_serves()

        books = Books(tmp_path)
        books.check()
        for trader in traders:
            promised |= trader.acknowledged
        assert set(promised.values()) <= books.transaction_ids()
        assert set(promised) <= set(books.order_ids())

        for trader in traders:
            trader.person.move_to(product.port)
            resent += send_again(trader, set(books.order_ids()), promised)

    Books(tmp_path).check()
    print(f"{KILLS} kills, {len(promised)} trades acknowledged, {resent} sent again")
    assert len(promised) > KILLS
    assert product.stop() == 0


def send_again(trader: Trader, booked: set[str], promised: dict[str, str]) -> int:
    """Send what got no answer again, as a page does: it trades once, whatever had become of it."""
    unanswered = [order for order in trader.sent[-1:] if order not in trader.acknowledged]
    for order in unanswered:
        answer = trader.person.buy("bitcoin", amount="1.37", order=order)
        assert answer.status_code == 200, answer.text
        known = answer.json()["transaction"]["id"]
        again = trader.person.buy("bitcoin", amount="1.37", order=order)
        assert again.json()["transaction"]["id"] == known
        promised[order] = known
    return len(unanswered)
