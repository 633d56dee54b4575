"""The hub: one per process, one frame per tick to everybody who watches the same coins.

Prices come in by `post` (any thread) as they travel between processes; they are merged into the
board, and a single task writes what moved to every client. Ticks that come faster than they can
be written merge into one frame. Clients that watch a set of coins share their frames with all who
watch the same set (`audience`). What got lost on the way (a Redis outage, a coin that was just
added) is healed from the database: at a reconnect, at a coin that the board does not know, and
once a minute in any case.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress

from .audience import Audience
from .board import Board, Entry
from .clients import Client
from .frames import Frame
from .pace import OwnTime

logger = logging.getLogger(__name__)

#: Clients written to before other work of the process (pages, say) gets its turn.
CHUNK = 64
#: Seconds between two looks into the database.
REFRESH_EVERY = 60.0
#: The same after a failure, or when a tick named a coin that is not on the board.
REFRESH_SOON = 5.0
#: A page that hears nothing for some multiple of this knows that it is offline.
HEARTBEAT_AFTER = 15.0
#: Sets of coins that may be watched at a time, each of which costs a frame per tick.
MOST_SETS = 500

Loader = Callable[[], Awaitable[Iterable[Entry]]]
Listener = Callable[["Hub"], Coroutine[None, None, None]]


class Hub:
    """Lives on the event loop that `start` ran on; only `post` may be called from elsewhere.

    `load` reads the coins from the database; `listen` brings ticks of other processes to `post`
    for as long as the hub lives (None: all ticks are made in this process).
    """

    def __init__(self, *, stale_after: float, load: Loader, listen: Listener | None = None) -> None:
        self.board = Board(stale_after=stale_after)
        self.clock = OwnTime()
        self.ticks = 0  # received
        self.frames = 0  # sent to everybody
        self._load = load
        self._listen = listen
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []  # a task that nobody holds may vanish
        self._forget_loop_state()

    def _forget_loop_state(self) -> None:
        self._audiences: dict[frozenset[str] | None, Audience] = {}
        self._moved: set[str] = set()
        self._everything = False
        self._wake = asyncio.Event()
        self._refresh = asyncio.Event()
        self._somebody = asyncio.Event()

    # --- Life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the board and start working; again on the same loop, this does nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self._forget_loop_state()
        await self._reload()
        jobs = [self._broadcast(), self._keep_fresh(), self._beat(), self._keep_time()]
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
            self._wake.set()

    def refresh(self) -> None:
        """Look into the database soon: ticks may have been missed."""
        self._refresh.set()

    # --- Who listens --------------------------------------------------------------------------

    @property
    def clients(self) -> set[Client]:
        """All of them, whatever they watch."""
        return {each for audience in self._audiences.values() for each in audience.clients}

    def audience(self, coins: frozenset[str] | None = None) -> Audience:
        """Return those who watch these coins; all coins where too many sets are watched already.

        Whoever asked for a few then gets more than that, which is right all the same, and costs
        no frame of its own.
        """
        if coins not in self._audiences and len(self._audiences) > MOST_SETS:
            coins = None
        if coins not in self._audiences:
            self._audiences[coins] = Audience(self.board, self.clock, coins)
        return self._audiences[coins]

    def add(self, client: Client) -> None:
        """Count a client in, whose audience is one of this hub's."""
        client.audience.clients.add(client)
        self._somebody.set()

    def discard(self, client: Client) -> None:
        audience = client.audience
        audience.clients.discard(client)
        if not audience.clients and self._audiences.get(audience.coins) is audience:
            del self._audiences[audience.coins]
        if not self._audiences:
            self._somebody.clear()
        client.close()

    # --- What goes out ------------------------------------------------------------------------

    async def _broadcast(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            moved, self._moved = self._moved, set()
            everything, self._everything = self._everything, False
            if not moved and not everything:
                continue
            number = self.board.number
            self.frames += 1
            for turn, audience in enumerate(list(self._audiences.values()), start=1):
                frame = audience.everything() if everything else audience.tick(moved, number=number)
                if frame is not None:
                    await self._write(frame, audience)
                if turn % CHUNK == 0:
                    await asyncio.sleep(0)

    async def _write(self, frame: Frame, audience: Audience) -> None:
        asked = audience.asked(frame)
        for turn, client in enumerate(list(audience.clients), start=1):
            client.offer(frame.asking if asked[client.cohort] else frame)
            if turn % CHUNK == 0:
                await asyncio.sleep(0)

    async def _beat(self) -> None:
        """Say that we are here when prices do not."""
        while True:
            now = self.clock()
            for audience in list(self._audiences.values()):
                if now - audience.last_frame_at >= HEARTBEAT_AFTER:
                    await self._write(audience.heartbeat(), audience)
            last = (each.last_frame_at for each in self._audiences.values())
            await asyncio.sleep(min(last, default=now) + HEARTBEAT_AFTER - now)

    async def _keep_time(self) -> None:
        """Read the clock often enough that a standstill shows (see `OwnTime`)."""
        while True:
            await self._somebody.wait()
            self.clock()
            await asyncio.sleep(OwnTime.LONGEST_STEP / 2)

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
        if self.board.load(entries) and self._audiences:
            self._everything = True
            self._wake.set()
        return True
