"""Two workers with the same batch."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

from django.db import connections

from market import services as market
from market.models import Candle, Coin
from market.quotes import Quote
from tests.conftest import NOW, make_coin

from .scripted import quote


def in_threads(batches: list[list[Quote]]) -> list[market.IngestResult]:
    """Ingest each batch in a thread of its own, all at once."""
    start = threading.Barrier(len(batches))
    results: list[market.IngestResult] = []
    errors: list[BaseException] = []

    def work(batch: list[Quote]) -> None:
        start.wait()
        try:
            results.append(market.ingest(quotes=batch, now=NOW))
        except BaseException as error:  # shown by the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors
    return results


def test_two_threads_with_the_same_batch_store_it_once(shared_database: None) -> None:
    for number in range(30):
        make_coin(f"coin-{number}", price=None)
    batch = [quote(f"coin-{number}", "10", volume=Decimal(2)) for number in range(30)]
    results = in_threads([batch, list(reversed(batch))])
    moved = [one.coin_id for result in results for one in result.moved]
    assert sorted(moved) == sorted({one.coin_id for one in batch})
    assert set(Candle.objects.values_list("volume", flat=True)) == {Decimal(2)}
    assert Candle.objects.count() == 30 * 4


def test_threads_with_different_prices_of_one_coin_lose_none(shared_database: None) -> None:
    make_coin(price=None)
    batches = [
        [quote(price=str(100 + second), at=NOW - timedelta(seconds=second))] for second in range(8)
    ]
    in_threads(batches)
    coin = Coin.objects.get()
    assert (coin.last_price, coin.price_at) == (100, NOW)
    day = Candle.objects.get(resolution="1d")
    assert (day.low, day.high, day.open, day.close) == (100, 107, 107, 100)
