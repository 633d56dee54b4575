"""SIGKILL in the middle of trades on DynamoDB: of the traders, and of the database itself.

KILLS says how often (20).
"""

from __future__ import annotations

import os
import random
import time
import uuid
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from cryptopulse.dynamodb import local
from tests.dynamodb.product import Books, Product, acknowledged, running
from tests.requirements import require_or_skip

from .product import Process

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

KILLS = int(os.environ.get("KILLS", "20"))
THREADS = 3


def wait_for_trades(trader: Process, *, number: int = 1) -> None:
    """Wait until this trader has got answers to so many orders more."""
    wanted = len(acknowledged(trader)) + number
    deadline = time.monotonic() + 90
    while len(acknowledged(trader)) < wanted:
        assert not trader.has_ended, trader.output
        assert time.monotonic() < deadline, trader.output
        time.sleep(0.01)


def unlike(promised: dict[tuple[str, str], str], books: Books) -> set[str]:
    """Return the transactions that somebody was promised and that are not stored."""
    return {uuid.UUID(one).hex for one in promised.values()} - set(books.transaction_ids())


def test_every_acknowledged_trade_survives_and_no_half_of_one(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    if local.find_server() is None:
        require_or_skip("dynoxide", local.MISSING)
    with running(tmp_path, django_db_blocker, tmp_path / "dynamodb.sqlite3") as product:
        kill_again_and_again(product)


def kill_again_and_again(product: Product) -> None:
    """Kill one of two traders each time, every third time the database while both trade."""
    moment = random.Random(20)
    promised: dict[tuple[str, str], str] = {}
    traders = [product.trader(f"trader-{n}", threads=THREADS) for n in range(2)]
    for kill in range(KILLS):
        wait_for_trades(traders[0])
        time.sleep(moment.uniform(0, 0.3))
        if kill % 3 == 2:
            product.kill_server()
            for trader in traders:
                wait_for_trades(trader)
        traders[0].kill()
        promised |= acknowledged(traders[0])
        traders = [traders[1], product.trader(f"trader-{kill + 2}", threads=THREADS)]
        if kill % 5 == 4:  # nobody may be writing while the books are read
            for trader in traders:
                trader.kill()
                promised |= acknowledged(trader)
            check(product, promised)
            names = [f"trader-{kill}-{n}" for n in range(2)]
            traders = [product.trader(name, threads=THREADS) for name in names]
    for trader in traders:
        trader.kill()
        promised |= acknowledged(trader)
    check(product, promised)
    print(f"{KILLS} kills, {len(promised)} trades acknowledged")
    assert len(promised) > KILLS


def check(product: Product, promised: dict[tuple[str, str], str]) -> None:
    """Compare what was promised with what is stored, and that with itself."""
    books = Books(product.server.url)
    books.check()
    assert unlike(promised, books) == set()
    assert product.disorder() == []
