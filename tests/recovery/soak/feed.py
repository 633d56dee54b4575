"""The feed: a process of its own that brings the script into the product, step by step.

`python -m tests.recovery.soak.feed FIRST_STEP SECONDS_PER_STEP`. Says `stored STEP MILLISECONDS`
after each. Killed, it is started again with the step that it had not said.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from market import services as market  # noqa: E402
from market.catalogue import COINS  # noqa: E402
from market.quotes import Quote  # noqa: E402

from .script import prices  # noqa: E402

SOURCE = "simulated"


def quotes(step: int, *, now: datetime) -> list[Quote]:
    """Return a step's quotes: the script's coins, and all others hardly moving."""
    scripted = prices(step)
    told = {coin_id for coin_id, _ in scripted}
    rest = [
        (coin.id, coin.price * (1000 + (step + place) % 10) / 1000)
        for place, coin in enumerate(COINS)
        if coin.id not in told
    ]
    return [
        *(_quote(coin_id, price, now) for coin_id, price in rest),
        *(
            _quote(coin_id, price, now - timedelta(milliseconds=len(scripted) - 1 - place))
            for place, (coin_id, price) in enumerate(scripted)
        ),
    ]


def _quote(coin_id: str, price: Decimal, at: datetime) -> Quote:
    return Quote(coin_id=coin_id, price=price, price_at=at, source=SOURCE)


def store(step: int) -> int:
    """Bring a step into the product; return the moment of its prices in milliseconds."""
    now = timezone.now()
    tick = quotes(step, now=now)
    market.ingest(quotes=tick, now=now)
    newest = next(quote.price_at for quote in tick if quote.coin_id == "bitcoin")
    return int(newest.timestamp() * 1000)


def main() -> None:
    step, pace = int(sys.argv[1]), float(sys.argv[2])
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    due = time.monotonic()
    while not asked:
        print("stored", step, store(step), flush=True)
        step += 1
        due = max(due + pace, time.monotonic())
        while not asked and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))


if __name__ == "__main__":
    main()
