"""The measured process: the product's server on a filled database, ticking as it is told.

It reads commands from standard input and answers each with one line of JSON: `ticks <rate>`
(frames a second; 0 is none), `usage`, `end`.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import resource
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from benchmarks.load import site

if TYPE_CHECKING:
    from datetime import datetime

    from market.quotes import Quote


class Ticks:
    """What a stream does, in threads of the server as `manage.py pulse` has it.

    Each tick goes to the browsers at once; one a second is stored, rolled up into candles and
    looked at for alerts, in a thread of its own (see `market.services.streaming`).
    """

    def __init__(self) -> None:
        self.rate = 0
        self.stored: list[float] = []  # milliseconds
        self._changed = threading.Event()
        self._to_store: queue.Queue[tuple[list[Quote], datetime]] = queue.Queue()
        for run in (self._tick, self._store):
            threading.Thread(target=run, daemon=True).start()

    def change(self, rate: int) -> None:
        """Tick so often from now on."""
        self.rate = rate
        self.stored.clear()
        self._changed.set()

    def _tick(self) -> None:
        from django.utils import timezone

        from market.signals import prices_ticked

        quotes = read_quotes()
        due, stored_at = time.monotonic(), 0.0
        for number in itertools.count():
            while not (rate := self.rate):
                self._changed.wait()
                self._changed.clear()
                due = time.monotonic()
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - 1) + 1 / rate
            now = timezone.now()
            factor = Decimal(1000 + number % 7) / 1000
            moved = [replace(one, price=one.price * factor, price_at=now) for one in quotes]
            prices_ticked.send_robust(sender=Ticks, quotes=moved, now=now)
            if time.monotonic() - stored_at > 1 - 1 / (2 * rate) and self._to_store.empty():
                stored_at = time.monotonic()
                self._to_store.put((moved, now))

    def _store(self) -> None:
        from market import services as market

        while True:
            moved, now = self._to_store.get()
            began = time.monotonic()
            market.ingest(quotes=moved, now=now, is_shown=True)
            self.stored.append((time.monotonic() - began) * 1000)


def read_quotes() -> list[Quote]:
    """Return a quote for every coin, as the database has it."""
    from django.utils import timezone

    from market import services as market
    from market.quotes import Quote

    now = timezone.now()
    return [
        Quote(coin_id=coin.id, price=coin.last_price, price_at=now, source=coin.source)
        for coin in market.latest_quotes()
        if coin.last_price is not None
    ]


def obey(server: Any, ticks: Ticks) -> None:
    """Answer commands until there are no more."""
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        answer: dict[str, Any] = {}
        if command == "ticks":
            answer = {"stored": sorted(ticks.stored)}
            ticks.change(int(argument))
        elif command == "usage":
            used = resource.getrusage(resource.RUSAGE_SELF)
            answer = {"cpu": used.ru_utime + used.ru_stime, "threads": threading.active_count()}
        elif command == "end":
            break
        print(json.dumps(answer), flush=True)
    server.should_exit = True


def main(folder: str, core: str) -> None:
    """Serve until standard input ends."""
    if core:
        os.sched_setaffinity(0, {int(core)})
    site.set_up(folder)
    from cryptopulse.embedded import Server, listen

    listener = listen(host="127.0.0.1", port=0)
    port = listener.getsockname()[1]
    server = Server(on_started=lambda: print(json.dumps({"port": port}), flush=True))
    ticks = Ticks()
    threading.Thread(target=obey, args=(server, ticks), daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
