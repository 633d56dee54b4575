"""Hundreds of browsers that come and go, and how far behind each of them is."""

from __future__ import annotations

import asyncio
import json
import random
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

#: Client addresses that they come from, as a proxy would name them: the product limits each.
ADDRESSES = 200
#: Seconds between two looks at how far behind each one is.
LOOK_EVERY = 0.2
#: Seconds for which our own lateness explains what we have not read.
MEMORY = 2.0
REFERENCE = "bitcoin"

Now = Callable[[], float]


class Told(NamedTuple):
    """What a frame says: its kind, the reference coin's moment (0: nothing), an ack it asks for."""

    kind: str
    at: int
    ack: int | None


@lru_cache(maxsize=256)  # a frame is the same for all
def read(text: str | bytes) -> Told:
    frame: dict[str, Any] = json.loads(text)
    at = max((coin["at"] for coin in frame.get("coins", ()) if coin["id"] == REFERENCE), default=0)
    return Told(kind=frame["type"], at=at, ack=frame.get("ack"))


class Published:
    """The moments of the prices that the product has stored, and when it had."""

    def __init__(self) -> None:
        self.moments: list[int] = []
        self.since: list[float] = []

    def add(self, moment: int) -> None:
        self.moments.append(moment)
        self.since.append(time.monotonic())

    def forget(self) -> None:
        """Expect none of these any more: who had them has gone."""
        self.moments.clear()
        self.since.clear()

    def behind(self, newest: int, *, now: float, joined: float) -> float:
        """Return for how long a browser that knows this moment has lacked a newer one."""
        place = bisect_right(self.moments, newest)
        return now - max(self.since[place], joined) if place < len(self.moments) else 0.0


class Browser:
    """One page with the ticker open."""

    def __init__(self, number: int, connection: ClientConnection) -> None:
        self.number = number
        self.connection = connection
        self.joined = time.monotonic()
        self.newest = 0
        self.leaves = False


class Crowd:
    """All browsers. `is_outage` says whether what happens now is nobody's fault."""

    def __init__(self, *, is_outage: Callable[[], bool]) -> None:
        self.published = Published()
        self.browsers: set[Browser] = set()
        self.wanted = 0
        self.opened = 0
        self.frames = 0
        self.worst_behind = 0.0
        self.worst_lateness = 0.0  # of ours
        self.closed_on: Counter[str] = Counter()
        #: Milliseconds from a price's moment to the browser, as often as each was seen.
        self.latencies: Counter[int] = Counter()
        self.ports: list[int] = []
        self._is_outage = is_outage
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = iter(range(10**9))
        self._choice = random.Random(1)

    def open(self) -> None:
        task = asyncio.create_task(self._browse(next(self._numbers)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def fill(self, wanted: int) -> None:
        """Open so many, and wait until all have been told where the prices stand."""
        self.wanted = wanted
        for _ in range(wanted):
            self.open()
            await asyncio.sleep(0.004)
        deadline = time.monotonic() + 60
        while sum(browser.newest > 0 for browser in self.browsers) < wanted:
            assert time.monotonic() < deadline, f"not all are told: {self.closed_on}"
            await asyncio.sleep(0.05)

    async def churn(self, rate: float) -> None:
        """Close one and open another, so many times a second."""
        due = time.monotonic()
        while True:
            due = max(due + 1 / rate, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(self.browsers) >= self.wanted:
                self._leave(self._choice.choice(tuple(self.browsers)))
            if len(self.browsers) + len(self._tasks) < 2 * self.wanted + 100:
                self.open()

    def _leave(self, browser: Browser) -> None:
        browser.leaves = True
        self.browsers.discard(browser)
        task = asyncio.create_task(browser.connection.close())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.wanted = 0
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(self) -> None:
        """Note the worst that anybody is behind, outages left out.

        So is what we are late ourselves: what waits here unread has been delivered.
        """
        ours: deque[float] = deque(maxlen=round(MEMORY / LOOK_EVERY))
        while True:
            due = time.monotonic() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            now = time.monotonic()
            ours.append(now - due)
            self.worst_lateness = max(self.worst_lateness, ours[-1])
            if self._is_outage():
                continue
            for browser in self.browsers:
                behind = self.published.behind(browser.newest, now=now, joined=browser.joined)
                self.worst_behind = max(self.worst_behind, behind - max(ours))

    async def _browse(self, number: int) -> None:
        port = self.ports[number % len(self.ports)]
        address = f"10.0.{number % ADDRESSES // 100}.{number % ADDRESSES % 100 + 1}"
        try:
            connection = await connect(
                f"ws://127.0.0.1:{port}/ws/ticker/",
                origin=Origin(f"http://127.0.0.1:{port}"),
                additional_headers={"X-Forwarded-For": address},
                proxy=None,
                open_timeout=20,
                close_timeout=5,
                ping_interval=None,
            )
        except (OSError, TimeoutError, ConnectionClosed) as error:
            self._note(f"no connection: {type(error).__name__}")
            return
        browser = Browser(number, connection)
        self.opened += 1
        self.browsers.add(browser)
        try:
            async with connection:
                async for message in connection:
                    await self._hear(browser, message)
        except ConnectionClosed:
            pass
        finally:
            self.browsers.discard(browser)
        if not browser.leaves and self.wanted:
            self._note(f"closed by the server: {connection.close_code} {connection.close_reason}")

    async def _hear(self, browser: Browser, message: str | bytes) -> None:
        told = read(message)
        self.frames += 1
        if told.at > browser.newest:
            browser.newest = told.at
            if told.kind == "tick" and not self._is_outage():
                self.latencies[round(time.time() * 1000) - told.at] += 1
        if told.ack is not None:
            with suppress(ConnectionClosed):
                await browser.connection.send(json.dumps({"ack": told.ack}))

    def _note(self, what: str) -> None:
        self.closed_on[what + (" (outage)" if self._is_outage() else "")] += 1

    def latency(self, share: float) -> int:
        """Return within how many milliseconds this share of all ticks was there."""
        left = share * self.latencies.total()
        for milliseconds, times in sorted(self.latencies.items()):
            left -= times
            if left <= 0:
                return milliseconds
        return 0


class Listener:
    """One person's page, which hears of their alerts."""

    def __init__(self, port: int, cookie: str, name: str = "sessionid") -> None:
        self.events: Counter[str] = Counter()  # event's row -> how often
        self._port = port
        self._cookie = f"{name}={cookie}"
        self.reconnects = 0
        self.until = 0.0  # by time.time()

    async def run(self) -> None:
        """Listen, and connect again as the page does."""
        try:
            await self._listen()
        finally:
            self.until = time.time()

    async def _listen(self) -> None:
        while True:
            with suppress(OSError, TimeoutError, ConnectionClosed):
                async with connect(
                    f"ws://127.0.0.1:{self._port}/ws/me/",
                    origin=Origin(f"http://127.0.0.1:{self._port}"),
                    additional_headers={
                        "Cookie": self._cookie,
                        "X-Forwarded-For": "10.0.9.1",
                    },
                    proxy=None,
                    ping_interval=None,
                ) as connection:
                    async for message in connection:
                        self.events[json.loads(message)["id"]] += 1
            self.reconnects += 1
            await asyncio.sleep(1)
