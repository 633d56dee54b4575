"""The product's trades from many threads and processes at once on five portfolios.

TRADES says how many each thread and process makes (12; 200 is the full size).
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from cryptopulse.dynamodb import local
from tests.dynamodb.product import Books, Product, acknowledged, running, said
from tests.dynamodb.trader import SHARED
from tests.recovery.product import Process
from tests.requirements import require_or_skip

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

TRADES = int(os.environ.get("TRADES", "12"))


@pytest.fixture
def needs_server() -> None:
    if local.find_server() is None:
        require_or_skip("dynoxide", local.MISSING)


@pytest.fixture
def in_memory(
    needs_server: None, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Product]:
    with running(tmp_path, django_db_blocker) as product:
        yield product


@pytest.fixture
def on_disk(
    needs_server: None, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Product]:
    with running(tmp_path, django_db_blocker, tmp_path / "dynamodb.sqlite3") as product:
        yield product


def check(product: Product, traders: list[Process]) -> None:
    """Compare what traders were told with what is stored, and that with itself."""
    books = Books(product.server.url)
    books.check()
    promised: dict[tuple[str, str], str] = {}
    met: Counter[str] = Counter()
    for trader in traders:
        for order, transaction in acknowledged(trader).items():
            assert promised.setdefault(order, transaction) == transaction
        kind, seconds, its_met, conflicts = said(trader)[-1]
        assert kind == "end", trader.output
        met.update(its_met, conflicts=conflicts)
        print(f"{trader.name}: {seconds} s, {conflicts} conflicts, {its_met}")
    assert sorted(uuid.UUID(one).hex for one in promised.values()) == sorted(
        books.transaction_ids()
    )
    assert not [name for name in met if name.startswith(("Duplicate", "OutcomeUnknown"))]
    assert product.disorder() == []
    slowest = max(said(trader)[-1][1] for trader in traders)
    print(f"{len(promised)} trades, {len(promised) / slowest:.0f} a second, {met}")


def test_eight_threads_trade_and_the_books_agree(in_memory: Product) -> None:
    trader = in_memory.trader("threads", threads=8, trades=TRADES)
    assert trader.end(seconds=600) == 0, trader.output
    sent_by_all = [order for (_, order) in acknowledged(trader) if order.startswith("shared")]
    assert len(sent_by_all) <= -(-TRADES // SHARED)
    check(in_memory, [trader])


def test_four_processes_trade_and_the_books_agree(on_disk: Product) -> None:
    traders = [on_disk.trader(f"process-{number}", trades=TRADES) for number in range(4)]
    for trader in traders:
        assert trader.end(seconds=600) == 0, trader.output
    check(on_disk, traders)
