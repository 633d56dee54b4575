"""The hub: one per process, one frame per tick to every browser.

Prices come in by `post` (any thread) as they travel between processes; they are merged into the
board, and a single task writes what moved to every client. Ticks that come faster than they can
be written merge into one frame. What got lost on the way (a Redis outage, a coin that was just
added) is healed from the database: at a reconnect, at a coin that the board does not know, and
once a minute in any case.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress

from .board import Board, Entry
from .clients import Client
from .frames import Frame

logger = logging.getLogger(__name__)

#: Clients written to before other work of the process (pages, say) gets its turn.
CHUNK = 250
#: Seconds between two looks into the database.
REFRESH_EVERY = 60.0
#: The same after a failure, or when a tick named a coin that is not on the board.
REFRESH_SOON = 5.0
#: A page that hears nothing for some multiple of this knows that it is offline.
HEARTBEAT_AFTER = 15.0
#: Seconds between two probes (see `clients.RawClient`); they travel with a tick.
PROBE_EVERY = 2.0
#: A snapshot is made anew when it is older than this, so that its `at` is the time of sending.
SNAPSHOT_AGE = 0.5

Loader = Callable[[], Awaitable[Iterable[Entry]]]
Listener = Callable[["Hub"], Coroutine[None, None, None]]


class Hub:
    """Lives on the event loop that `start` ran on; only `post` may be called from elsewhere.

    `load` reads the coins from the database; `listen` brings ticks of other processes to `post`
    for as long as the hub lives (None: all ticks are made in this process).
    """

    def __init__(self, *, stale_after: float, load: Loader, listen: Listener | None = None) -> None:
        self.board = Board(stale_after=stale_after)
        self.clients: set[Client] = set()
        self.ticks = 0  # received
        self.frames = 0  # sent to everybody
        self._load = load
        self._listen = listen
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []  # a task that nobody holds may vanish
        self._forget_loop_state()

    def _forget_loop_state(self) -> None:
        self._moved: set[str] = set()
        self._everything = False
        self._snapshot: Frame | None = None
        self._snapshot_at = 0.0
        self._last_frame_at = time.monotonic()
        self._last_probe_at = 0.0
        self._probe = 0
        self._wake = asyncio.Event()
        self._refresh = asyncio.Event()

    # --- Life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the board and start working; again on the same loop, this does nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self.clients.clear()
        self._forget_loop_state()
        await self._reload()
        jobs = [self._broadcast(), self._keep_fresh(), self._beat()]
        if self._listen is not None:
            jobs.append(self._listen(self))
        self._tasks = [loop.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """End all tasks; clients are the server's to close."""
        tasks, self._tasks = self._tasks, []
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_running(self) -> bool:
        return self._loop is not None and not self._loop.is_closed()

    # --- What comes in ------------------------------------------------------------------------

    def post(self, payload: str) -> None:
        """Take a tick, from any thread; where no hub runs, nobody is there to see it."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(self.receive, payload)
        except RuntimeError:  # the loop closed in between
            logger.debug("the hub stopped before a tick reached it")

    def receive(self, payload: str) -> None:
        """Take a tick, on the hub's own loop."""
        self.ticks += 1
        try:
            moved, strangers = self.board.merge(payload)
        except ValueError:
            logger.warning("dropped a tick that cannot be read: %.100r", payload)
            return
        if strangers:
            self._refresh.set()
        if moved:
            self._moved |= moved
            self._snapshot = None
            self._wake.set()

    def refresh(self) -> None:
        """Look into the database soon: ticks may have been missed."""
        self._refresh.set()

    # --- Who listens --------------------------------------------------------------------------

    def add(self, client: Client) -> None:
        self.clients.add(client)

    def discard(self, client: Client) -> None:
        self.clients.discard(client)
        client.close()

    def snapshot(self) -> Frame:
        """Return everything as it is now: one frame for all who ask at the same time."""
        now = time.monotonic()
        if self._snapshot is None or now - self._snapshot_at > SNAPSHOT_AGE:
            self._snapshot = Frame(self.board.snapshot(now=time.time_ns() // 1_000_000))
            self._snapshot_at = now
        return self._snapshot

    # --- What goes out ------------------------------------------------------------------------

    async def _broadcast(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            moved, self._moved = self._moved, set()
            everything, self._everything = self._everything, False
            now = time.time_ns() // 1_000_000
            if everything:
                await self._write(self.board.snapshot(now=now))
            elif moved:
                await self._write(self.board.tick(moved, now=now))

    async def _write(self, text: str) -> None:
        frame = Frame(text, probe=self._next_probe())
        self._last_frame_at = time.monotonic()
        self.frames += 1
        for number, client in enumerate(list(self.clients), start=1):
            client.offer(frame)
            if number % CHUNK == 0:
                await asyncio.sleep(0)

    def _next_probe(self) -> int | None:
        now = time.monotonic()
        if now - self._last_probe_at < PROBE_EVERY:
            return None
        self._last_probe_at = now
        self._probe += 1
        return self._probe

    async def _beat(self) -> None:
        """Say that we are here when prices do not."""
        while True:
            silence = time.monotonic() - self._last_frame_at
            if silence < HEARTBEAT_AFTER:
                await asyncio.sleep(HEARTBEAT_AFTER - silence)
            else:
                now = time.time_ns() // 1_000_000
                await self._write(f'{{"type":"heartbeat","at":{now}}}')

    # --- The database -------------------------------------------------------------------------

    async def _keep_fresh(self) -> None:
        pause = REFRESH_EVERY if self.board.entries else REFRESH_SOON
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._refresh.wait()
            self._refresh.clear()
            if await self._reload():
                pause = REFRESH_EVERY
                await asyncio.sleep(REFRESH_SOON)  # every tick may name a coin nobody tracks
            else:
                pause = REFRESH_SOON

    async def _reload(self) -> bool:
        """Merge what is stored into the board, tell everybody if it was news."""
        try:
            entries = await self._load()
        except Exception:
            logger.exception("the stored prices cannot be read; trying again")
            return False
        if self.board.load(entries):
            self._snapshot = None
            if self.clients:
                self._everything = True
                self._wake.set()
        return True
