"""Storing a tick: the upsert of 250 coins beside bulk_update of the same rows, and all of ingest.

Processor time on SQLite, whose work is done in this process and so is in the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from benchmarks.databases import product_on
from benchmarks.report import Line, compared, report
from benchmarks.rows import add_alerts, add_coins, add_people, later, tick

COINS, ALERTS, PEOPLE = 250, 10_000, 200
ROUNDS, TICKS = 5, 6


def main() -> None:
    with product_on("sqlite"):
        report(measure())


def measure() -> list[Line]:
    """Fill a database and return the two lines."""
    from django.utils import timezone

    now = timezone.now()
    add_coins(COINS, now)
    add_alerts(ALERTS, add_people(PEOPLE), COINS)
    return [upsert_line(), ingest_line(now)]


def upsert_line() -> Line:
    """Measure how the product writes the coins of a tick, and how one would do it at first."""
    from django.db import transaction

    from market.models import Coin
    from market.services import prices

    rows = list(Coin.objects.values(*prices._READ))  # noqa: SLF001 (what ingest reads)

    def ours() -> None:
        with transaction.atomic():
            prices._save_coins(rows, with_sparkline=False)  # noqa: SLF001 (the real one)

    def theirs() -> None:
        with transaction.atomic():
            Coin.objects.bulk_update([Coin(**row) for row in rows], prices._WRITTEN)  # noqa: SLF001

    ours()
    theirs()
    rounds = [(cpu(ours, TICKS), cpu(theirs, TICKS)) for _ in range(ROUNDS)]
    return compared(
        f"quote upsert of {COINS} coins", "bulk_update", rounds, unit="ms CPU", at_most=1 / 4
    )


def ingest_line(now: datetime) -> Line:
    """Measure `ingest` whole: coins, four candles each, frames for browsers, resting alerts."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from market import services as market
    from market.models import Coin
    from market.services import prices

    step = 0

    def one_tick() -> Any:
        nonlocal step
        step += 1
        at = later(now, step / 10)
        return market.ingest(quotes=tick(COINS, at, step), now=at)

    def one_upsert() -> None:
        prices._save_coins(rows, with_sparkline=False)  # noqa: SLF001

    rows = list(Coin.objects.values(*prices._READ))  # noqa: SLF001
    assert len(one_tick().moved) == COINS
    with CaptureQueriesContext(connection) as captured:
        one_tick()
    made = sorted({query["sql"].split()[0] for query in captured})
    rounds = [(cpu(one_tick, TICKS), cpu(one_upsert, TICKS)) for _ in range(ROUNDS)]
    return compared(
        f"whole ingest of {COINS} coins, {ALERTS:,} alerts at rest",
        "its upsert of the coins alone",
        rounds,
        unit="ms CPU",
        note=f"{len(captured)} statements a tick, {', '.join(made)} among them; "
        "four candles a coin, the frame's state and the alerts' probe included",
        details={"statements": len(captured)},
    )


def cpu(call: Callable[[], object], times: int) -> float:
    """Return milliseconds of processor time that one call takes."""
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1000


if __name__ == "__main__":
    main()
