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
SHORTEST_BAR = timedelta(milliseconds=500)  # of our time
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
        bars = recording.read_bars(self._path, coin_id=self._coin_id)
        hours = _length(bars[0]) / timedelta(hours=1)
        fastest = _length(bars[0]) / SHORTEST_BAR
        if not 0 < self._speed <= fastest:
            raise FeedError(
                f"REPLAY_SPEED is {self._speed:g}; with bars of {hours:g} h it must be "
                f"greater than 0 and at most {fastest:g}.",
                misconfigured=True,
            )
        return bars

    def ticks(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Quote]:
        """Yield the quotes of all bars that begin in [start, end), at their recorded times."""
        return recording.ticks(self._between(start, end), source=self.name)

    def _between(self, start: datetime | None, end: datetime | None) -> list[Bar]:
        first = 0 if start is None else bisect_left(self.bars, start, key=_start)
        last = len(self.bars) if end is None else bisect_left(self.bars, end, key=_start)
        return self.bars[first:last]

    def interval(self, *, now: datetime) -> timedelta:  # noqa: ARG002 (part of the contract)
        try:
            between_ticks = self._our_step / recording.TICKS_PER_BAR
        except FeedError:  # which `quotes` will raise, where it is expected
            return LONGEST_INTERVAL
        return min(max(between_ticks / FETCHES_PER_TICK, SHORTEST_INTERVAL), LONGEST_INTERVAL)

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        """Return the ticks that are due by now: the latest, and those shortly before it.

        So no high or low is lost when fetches are slower than the ticks; the market leaves out
        what it has already.
        """
        if coin_ids and self._coin_id not in coin_ids:
            return []
        began = self._began(now)
        recently = now - 4 * self.interval(now=now)
        if recently > self._on_our_clock(self.bars[-1], began).start + self._our_step:
            raise FeedError(
                f"The recording {self._path} is over. Start again to replay it from its beginning.",
                permanent=True,
            )
        bars = [self._on_our_clock(bar, began) for bar in self._playing(recently, now, began)]
        due = [t for t in recording.ticks(bars, source=self.name) if t.price_at <= now]
        due = [tick for tick in due if tick.price_at >= recently] or due[-1:]
        known = BY_ID.get(self._coin_id)
        return (
            [replace(tick, symbol=known.symbol, name=known.name) for tick in due] if known else due
        )

    def _playing(self, start: datetime, end: datetime, began: datetime) -> list[Bar]:
        """Return the bars, one at least, that play between two moments of our clock."""
        first_start = self.bars[0].start
        first = bisect_right(self.bars, first_start + (start - began) * self._speed, key=_start)
        last = bisect_right(self.bars, first_start + (end - began) * self._speed, key=_start)
        return self.bars[max(0, first - 1) : max(1, last)]

    def _on_our_clock(self, bar: Bar, began: datetime) -> Bar:
        after = (bar.start - self.bars[0].start) / self._speed
        return replace(bar, start=began + after, step=self._our_step)

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:
        """Return the recorded bars themselves, at their recorded times."""
        return self._between(start, end) if coin_id == self._coin_id else []

    def _began(self, now: datetime) -> datetime:
        """Return when, on our clock, the recording began; all processes agree on it."""
        if self._since is not None:
            return self._since
        key = f"replay-began:{self._path}"
        began = cache.get_or_set(key, now.timestamp(), timeout=None)
        return datetime.fromtimestamp(float(began or now.timestamp()), tz=UTC)

    @property
    def _our_step(self) -> timedelta:
        return _length(self.bars[0]) / self._speed


def _length(bar: Bar) -> timedelta:
    return bar.step or timedelta(days=1)


def _start(bar: Bar) -> datetime:
    return bar.start
