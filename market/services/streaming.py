"""Running the streams: from the ticks of an exchange to every screen and into the database.

Everything that may block happens in threads (`desk`), so that reading keeps up whatever the
database does. While it is away prices are shown and kept; what was worth storing is stored when it
is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from market import budget
from market.conflation import Conflator
from market.feeds import FeedError, StreamFeed, feed
from market.models import Coin, FeedState
from market.quotes import Quote
from market.signals import prices_ticked

from .catalogue import seed_demo_coins
from .desk import Desk
from .errors import MarketRejected
from .fetching import ids_to_fetch
from .lease import STREAM_LEASE, hold_lease, release_lease
from .listening import Listener
from .origin import REAL, SIMULATED, origin, refusal_of
from .prices import CLOCK_TOLERANCE, ingest
from .rounding import round_price
from .sources import active_feeds, stream_feeds

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Job = Callable[[], Coroutine[None, None, None]]

#: Seconds between two renewals of the lease, and between two looks of who waits for it.
RENEW_EVERY = 5.0
#: Seconds between two looks for coins that came or went.
COINS_EVERY = 15.0
#: Seconds that a new database has for a catalogue; then the well-known coins have to do.
CATALOGUE_WITHIN = 5.0
#: Seconds between two notes that a feed is well.
NOTE_EVERY = 15.0
#: Seconds between two tries of a database that is away.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
#: Seconds that the last prices have to reach the database when the process ends.
LAST_WORDS = 2.5


class _AwayError(Exception):
    """The database did not do it; that is in the log already."""


class StreamRunner:
    """Runs the streams that MARKET_FEEDS names, in whichever process has the turn.

    Raises MarketRejected where there is nothing to run (no_stream) or, from `run`, where the
    database holds simulated prices (wrong_origin).
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = timezone.now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        names = stream_feeds()
        if not names:
            raise MarketRejected(
                "MARKET_FEEDS names no stream. Name one before the feed that is asked, such as "
                "MARKET_FEEDS=coinbase,kraken,coingecko.",
                code="no_stream",
            )
        self._names = names
        self._now, self._clock = now, clock
        self._pause = 1 / settings.STREAM_RATE
        self._conflator = Conflator()
        self._listener = Listener(names, take=self._take, note=self._note, clock=clock)
        self._lease: datetime | None = None
        self._notes: dict[str, tuple[FeedError | None, float]] = {}
        self._noted_at: dict[str, float] = {}
        self._dropped: set[str] = set()
        self._away: set[Desk] = set()  # those whose last job failed
        self._should_stop = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- Life -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End soon: from any thread, and from a signal handler."""
        self._should_stop = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stopped.set)

    async def run(self) -> None:
        """Run until `stop`; then store what has come, and let another process have the turn."""
        self._loop = asyncio.get_running_loop()
        self._stopped, self._to_show = asyncio.Event(), asyncio.Event()
        self._to_store, self._to_note = asyncio.Event(), asyncio.Event()
        self._may_show = asyncio.Event()
        self._storing, self._chores = Desk("stream-storing"), Desk("stream-chores")
        self._showing = Desk("stream-showing")
        if self._should_stop:
            self._stopped.set()
        try:
            await _first_of(self._work, self._until_stopped)
        finally:
            await self._finish()
            for desk in (self._storing, self._chores, self._showing):
                desk.close()

    async def _until_stopped(self) -> None:
        await self._stopped.wait()

    async def _work(self) -> None:
        while True:
            await self._take_turn()
            await self._prepare()
            self._conflator.not_written()  # what was under way when the turn was lost
            await _first_of(
                self._keep_turn,
                self._listener.follow,
                self._watch_coins,
                self._show,
                self._store,
                self._write_notes,
            )

    async def _finish(self) -> None:
        """Say the last words, if the database listens."""
        with suppress(_AwayError, TimeoutError, MarketRejected):
            async with asyncio.timeout(LAST_WORDS):
                if self._may_show.is_set():
                    await self._show_now()
                self._conflator.not_written()  # what was under way is told once more
                await self._store_due(is_last=True)
                if self._lease is not None:
                    release = partial(release_lease, name=STREAM_LEASE, mine=self._lease)
                    await self._ask(release, at=self._chores)

    # --- Whose turn it is -------------------------------------------------------------------------

    async def _take_turn(self) -> None:
        is_told = False
        while True:
            with suppress(_AwayError):
                held = await self._ask(origin, at=self._chores)
                if held == SIMULATED:
                    raise MarketRejected(refusal_of(SIMULATED), code="wrong_origin")
                if await self._hold(mine=None):
                    if held == REAL:
                        self._may_show.set()
                    return
                if not is_told:
                    logger.info("another process runs the streams; this one waits for its turn")
                    is_told = True
            await asyncio.sleep(RENEW_EVERY)

    async def _keep_turn(self) -> None:
        """Return when another process has taken over."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            with suppress(_AwayError):
                if not await self._hold(mine=self._lease):
                    logger.warning("another process has taken over the streams")
                    return

    async def _hold(self, *, mine: datetime | None) -> bool:
        hold = partial(hold_lease, name=STREAM_LEASE, mine=mine, now=self._now())
        self._lease = await self._ask(hold, at=self._chores)
        return self._lease is not None

    # --- Which coins there are --------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Wait a little for a new database's catalogue; without one take the well-known coins."""
        patience = self._clock() + CATALOGUE_WITHIN
        while True:
            with suppress(_AwayError):
                if await self._look_for_coins():
                    return
                has_failed = await self._ask(_catalogue_has_failed, at=self._chores)
                if has_failed or self._clock() >= patience:
                    await self._ask(seed_demo_coins, at=self._chores)
                    continue
            await asyncio.sleep(0.5)

    async def _watch_coins(self) -> None:
        while True:
            await asyncio.sleep(COINS_EVERY)
            with suppress(_AwayError):
                await self._look_for_coins()

    async def _look_for_coins(self) -> bool:
        coin_ids = await self._ask(ids_to_fetch, at=self._chores)
        told = await self._ask(partial(_told, self._names), at=self._chores)
        self._listener.use(coin_ids, told)
        return bool(coin_ids)

    # --- Prices -----------------------------------------------------------------------------------

    def _take(self, quotes: list[Quote]) -> None:
        usable = [one for quote in quotes if (one := self._usable(quote)) is not None]
        if usable and self._conflator.add(usable):
            self._to_show.set()
            self._to_store.set()

    def _usable(self, quote: Quote) -> Quote | None:
        """Return the quote as it will be stored; what cannot be is named once in the log."""
        price = round_price(quote.price)
        is_dated = quote.price_at.tzinfo is not None
        if price is None or not is_dated or quote.price_at > self._now() + CLOCK_TOLERANCE:
            if quote.coin_id not in self._dropped:
                self._dropped.add(quote.coin_id)
                logger.warning(
                    "%s: %s at %s of %s is no price of now; it and its like are left out",
                    quote.source, quote.price, quote.price_at, quote.coin_id,
                )  # fmt: skip
            return None
        self._dropped.discard(quote.coin_id)
        # What is traded at one exchange is not what the market trades.
        return replace(quote, price=price, volume_24h=None, market_cap=None, rank=None)

    async def _show(self) -> None:
        """Send what ticked to browsers: the first tick at once, then STREAM_RATE times a second."""
        await self._may_show.wait()
        while True:
            await self._to_show.wait()
            self._to_show.clear()
            await self._show_now()
            await asyncio.sleep(self._pause)

    async def _show_now(self) -> None:
        if quotes := self._conflator.take_for_browsers():
            await self._showing.do(partial(_announce, quotes, now=self._now()))

    async def _store(self) -> None:
        failures = 0
        while True:
            due = self._conflator.due_in(self._clock())
            if due is None:
                await self._to_store.wait()
                self._to_store.clear()
                continue
            if due > 0:
                await asyncio.sleep(min(due, self._pause))
                continue
            try:
                await self._store_due()
            except _AwayError:
                failures += 1
                await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10)))
            else:
                failures = 0
                await asyncio.sleep(self._pause)

    async def _store_due(self, *, is_last: bool = False) -> None:
        quotes = self._conflator.take_for_database(self._clock(), is_last=is_last)
        if not quotes:
            return
        store = partial(ingest, quotes=quotes, now=self._now(), is_shown=True)
        try:
            await self._ask(store, at=self._storing)
        except _AwayError:
            self._conflator.not_written()
            raise
        self._conflator.written(self._clock())
        self._may_show.set()

    # --- How the feeds do -------------------------------------------------------------------------

    def _note(self, name: str, error: FeedError | None, again_in: float) -> None:
        now = self._clock()
        if error is None:
            if now - self._noted_at.get(name, -NOTE_EVERY) < NOTE_EVERY:
                return
            self._noted_at[name] = now
        else:
            self._noted_at.pop(name, None)
        self._notes[name] = (error, again_in)
        self._to_note.set()

    async def _write_notes(self) -> None:
        while True:
            await self._to_note.wait()
            self._to_note.clear()
            notes, self._notes = self._notes, {}
            for name, (error, again_in) in notes.items():
                write = partial(_write_note, name, error, again_in, now=self._now())
                with suppress(_AwayError):  # the next one says more
                    await self._ask(write, at=self._chores)

    # --- The database -----------------------------------------------------------------------------

    async def _ask(self, operation: Callable[[], Result], *, at: Desk) -> Result:
        """Do database work at a desk; the log hears once that it is away, and that it is back."""
        try:
            result = await at.do(operation)
        except MarketRejected:
            raise
        except Exception as error:
            if not self._away:
                is_expected = isinstance(error, (DatabaseError, InterfaceError, OSError))
                logger.warning(
                    "the database does not answer, prices are kept until it does: %s", error,
                    exc_info=None if is_expected else error,
                )  # fmt: skip
            self._away.add(at)
            raise _AwayError from error
        if at in self._away:
            self._away.remove(at)
            if not self._away:
                logger.warning("the database answers again")
        return result


async def _first_of(*jobs: Job) -> None:
    """Run jobs side by side until one ends; end the others, and raise what ended it."""
    tasks = [asyncio.create_task(job()) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _announce(quotes: Sequence[Quote], *, now: datetime) -> None:
    """Tell the listeners; one that fails is logged and keeps nobody else from hearing."""
    for receiver, answer in prices_ticked.send_robust(sender=Coin, quotes=quotes, now=now):
        if isinstance(answer, Exception):
            logger.error("%r failed on a tick", receiver, exc_info=answer)


def _catalogue_has_failed() -> bool:
    return FeedState.objects.filter(name__in=active_feeds(), failures__gt=0).exists()


def _told(names: Sequence[str]) -> list[Quote]:
    """Return the latest prices of the coins that these streams convert with. One query at most."""
    sources = [feed(name) for name in names]
    needed = {one for source in sources if isinstance(source, StreamFeed) for one in source.needs}
    rows = Coin.objects.filter(pk__in=needed, last_price__isnull=False) if needed else ()
    return [
        Quote(coin_id=coin.pk, price=coin.last_price, price_at=coin.price_at, source=coin.source)
        for coin in rows
        if coin.last_price is not None and coin.price_at is not None
    ]


def _write_note(name: str, error: FeedError | None, again_in: float, *, now: datetime) -> None:
    if error is None:
        budget.record_success(name=name, now=now)
    else:
        again_at = now + timedelta(seconds=again_in)
        budget.record_failure(name=name, error=error, now=now, again_at=again_at, is_quiet=True)
