"""Replays recorded bars, on their own clock or sped up against ours."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from django.core.cache import cache

from market.catalogue import BY_ID
from market.quotes import Bar, Quote

from . import recording
from .base import Feed, FeedError

SHORTEST_INTERVAL = timedelta(milliseconds=250)
LONGEST_INTERVAL = timedelta(seconds=60)
FETCHES_PER_TICK = 2  # so that a fetch that comes late still finds each tick


class ReplayFeed(Feed):
    """One coin's recorded bars as ticks: open, low, high, close or open, high, low, close.

    `ticks` runs on the recording's clock. As a feed of the running product the recording starts
    when it is first asked (or at `since`), runs `speed` times as fast as it was, once, and its
    quotes carry our time.
    """

    is_real = False

    def __init__(
        self,
        *,
        name: str = "replay",
        path: str = "",
        coin_id: str = "bitcoin",
        speed: float = 3600.0,
        since: datetime | None = None,
    ) -> None:
        self.name = name
        self._path = path
        self._coin_id = coin_id
        self._speed = speed
        self._since = since

    @cached_property
    def bars(self) -> list[Bar]:
        """The recording, read once. Raises FeedError with the line that cannot be used."""
        if not self._path:
            raise FeedError(
                "There is nothing to replay: set REPLAY_FILE to a CSV file of bars.",
                misconfigured=True,
            )
        if not 0 < self._speed <= 10**7:
            raise FeedError(
                f"REPLAY_SPEED is {self._speed}; it must lie between 0 and ten million.",
                misconfigured=True,
            )
        return recording.read_bars(self._path, coin_id=self._coin_id)

    def ticks(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Quote]:
        """Yield the quotes of all bars that begin in [start, end), at their recorded times."""
        return recording.ticks(self._between(start, end), source=self.name)

    def _between(self, start: datetime | None, end: datetime | None) -> list[Bar]:
        first = 0 if start is None else bisect_left(self.bars, start, key=_start)
        last = len(self.bars) if end is None else bisect_left(self.bars, end, key=_start)
        return self.bars[first:last]

    def interval(self, *, now: datetime) -> timedelta:  # noqa: ARG002 (part of the contract)
        try:
            step = self._step
        except FeedError:  # which `quotes` will raise, where it is expected
            return LONGEST_INTERVAL
        between_ticks = step / recording.TICKS_PER_BAR / self._speed
        return min(max(between_ticks / FETCHES_PER_TICK, SHORTEST_INTERVAL), LONGEST_INTERVAL)

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        """Return the ticks that are due by now: the latest, and those shortly before it.

        So no high or low is lost when fetches are slower than the ticks; the market leaves out
        what it has already.
        """
        if coin_ids and self._coin_id not in coin_ids:
            return []
        began = self._began(now)
        reached = self.bars[0].start + (now - began) * self._speed
        ends = self.bars[-1].start + self._step
        if reached > ends + 2 * self.interval(now=now) * self._speed:
            raise FeedError(
                f"The recording {self._path} is over. Start again to replay it from its beginning.",
                permanent=True,
            )
        earliest = reached - 4 * self.interval(now=now) * self._speed
        latest_bar = bisect_right(self.bars, reached, key=_start) - 1
        first_bar = min(bisect_left(self.bars, earliest - self._step, key=_start), latest_bar)
        due = [
            tick
            for tick in recording.ticks(self.bars[first_bar : latest_bar + 1], source=self.name)
            if tick.price_at <= reached
        ]
        recent = [tick for tick in due if tick.price_at >= earliest] or due[-1:]
        return [self._on_our_clock(tick, began) for tick in recent]

    def _on_our_clock(self, tick: Quote, began: datetime) -> Quote:
        known = BY_ID.get(self._coin_id)
        return replace(
            tick,
            price_at=began + (tick.price_at - self.bars[0].start) / self._speed,
            symbol=known.symbol if known else None,
            name=known.name if known else None,
        )

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:
        """Return the recorded bars themselves, at their recorded times."""
        return self._between(start, end) if coin_id == self._coin_id else []

    def _began(self, now: datetime) -> datetime:
        """Return when, on our clock, the recording began; all processes agree on it."""
        if self._since is not None:
            return self._since
        key = f"replay-began:{self._path}"
        began: float = cache.get_or_set(key, now.timestamp(), timeout=None)
        return datetime.fromtimestamp(began, tz=UTC)

    @property
    def _step(self) -> timedelta:
        return self.bars[0].step or timedelta(days=1)


def _start(bar: Bar) -> datetime:
    return bar.start
