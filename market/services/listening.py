"""Listening to streams: the best one that speaks, the next one when it fails, and back again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Protocol

from market.failover import FailOver
from market.feeds import FeedError, StreamFeed, feed
from market.quotes import Quote

logger = logging.getLogger(__name__)

#: Seconds within which a feed that was opened brings its first price, and every further one.
FIRST_PRICE_WITHIN = 30.0
NEXT_PRICE_WITHIN = 300.0
#: Different sentences that one feed's trouble puts into the log.
MOST_SENTENCES = 3


class Notes(Protocol):
    """Who wants to know how the feeds do."""

    def __call__(self, name: str, error: FeedError | None, again_in: float) -> None:
        """Hear that a feed has delivered (no error), or failed and is tried again in seconds."""


class Listener:
    """Holds a line to the best feed; `take` gets its ticks, in the order in which they came.

    A better feed that may be tried again is opened beside the one that speaks, and takes over
    with its first price, so that nothing is missed.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        take: Callable[[list[Quote]], None],
        note: Notes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.current: str | None = None
        self._order = FailOver(names)
        self._take = take
        self._note = note
        self._clock = clock
        self._coin_ids: list[str] = []
        self._told: list[Quote] = []
        self._lines: dict[str, asyncio.Task[FeedError]] = {}
        self._closing: set[asyncio.Task[FeedError]] = set()
        self._changed = asyncio.Event()
        self._said: dict[str, set[str]] = {}

    def use(self, coin_ids: Sequence[str], told: Sequence[Quote]) -> None:
        """Listen to these coins from now on; `told` are prices that feeds convert with."""
        self._told = list(told)
        for name in self._lines:
            self._tell(name)
        if list(coin_ids) != self._coin_ids:
            self._coin_ids = list(coin_ids)
            self._changed.set()

    async def follow(self) -> None:
        """Listen for ever."""
        try:
            while True:
                await self._wait(self._open_what_is_due())
        finally:
            for name in list(self._lines):
                self._close(name)
            await asyncio.gather(*self._closing, return_exceptions=True)

    # --- Which lines are open ---------------------------------------------------------------------

    def _open_what_is_due(self) -> float | None:
        """Open a line where one is wanted; return in how many seconds the next one is."""
        if not self._coin_ids:
            return None
        now = self._clock()
        if self._lines:
            better = self._order.better_than(self.current or min(self._lines, key=self._rank), now)
            if better is None or better[0] in self._lines:
                return None
            name, wait = better
        else:
            self._changed.clear()  # the line that is opened now knows
            name, wait = self._order.choose(now)
        if wait > 0:
            return wait
        self._lines[name] = asyncio.create_task(self._line(name), name=f"stream {name}")
        return self._open_what_is_due()  # a better one may be due soon

    def _rank(self, name: str) -> int:
        return self._order.names.index(name)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until a line has ended, the coins have changed, or the time has passed."""
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait(
                {changed, *self._lines.values()},
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            changed.cancel()
        for name, line in list(self._lines.items()):
            if line.done():
                del self._lines[name]
                self._ended(name, line.result())
        if self._changed.is_set():
            self._changed.clear()
            for name in list(self._lines):
                self._close(name)

    def _close(self, name: str) -> None:
        line = self._lines.pop(name)
        if self.current == name:
            self.current = None
        self._closing.add(line)
        line.add_done_callback(self._closing.discard)
        line.cancel()

    # --- One line ---------------------------------------------------------------------------------

    async def _line(self, name: str) -> FeedError:
        """Listen until the feed fails, and return why."""
        try:
            source = _stream(name)
            coin_ids = source.serves(self._coin_ids)
            if not coin_ids:
                return FeedError(f"{name} trades none of the coins here.", elsewhere=True)
            self._tell(name)
            await self._read(name, source, coin_ids)
        except FeedError as error:
            return error
        except TimeoutError:
            return FeedError(f"{name} is connected and has said nothing for too long.")
        except Exception as error:
            logger.exception("the feed %s broke", name)
            return FeedError(f"{name} broke: {type(error).__name__}: {error}")
        return FeedError(f"{name} ended without saying why.")

    async def _read(self, name: str, source: StreamFeed, coin_ids: Sequence[str]) -> None:
        async with aclosing(source.ticks(coin_ids)) as ticks:
            patience = FIRST_PRICE_WITHIN
            while True:
                try:
                    async with asyncio.timeout(patience):
                        quotes = await anext(ticks)
                except StopAsyncIteration:
                    return
                patience = NEXT_PRICE_WITHIN
                self._heard(name, quotes, len(coin_ids))

    def _heard(self, name: str, quotes: list[Quote], coins: int) -> None:
        if name != self.current:
            logger.info("prices stream from %s: %d of %d coins", name, coins, len(self._coin_ids))
            self.current = name
            for other in [one for one in self._lines if self._rank(one) > self._rank(name)]:
                self._close(other)
        self._order.delivered(name, self._clock())
        self._note(name, None, 0.0)
        self._take(quotes)

    def _tell(self, name: str) -> None:
        source = _stream(name)
        for quote in self._told:
            if quote.coin_id in source.needs:
                source.told(quote)

    def _ended(self, name: str, error: FeedError) -> None:
        """Note why a line has ended; the log hears it once, not at every attempt."""
        now = self._clock()
        if self.current == name:
            self.current = None
        if error.retry_after == timedelta(0) and self._order.ended(name, now):
            logger.info("%s", error)
            return
        pause = self._order.failed(
            name,
            now,
            is_elsewhere=error.elsewhere or error.permanent,
            at_least=error.retry_after.total_seconds() if error.retry_after else 0.0,
        )
        if self._order.failures(name) == 1:
            self._said.pop(name, None)
        said = self._said.setdefault(name, set())
        if str(error) not in said and len(said) < MOST_SENTENCES:
            said.add(str(error))
            logger.warning("feed %s: %s", name, error)
        self._note(name, error, pause)


def _stream(name: str) -> StreamFeed:
    source = feed(name)
    if not isinstance(source, StreamFeed):
        raise FeedError(f"{name} is no stream.", misconfigured=True)
    return source
