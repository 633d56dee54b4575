"""Conflation: many ticks a second in, a few out, and no price that mattered is lost. No I/O.

Browsers get the newest tick of each coin that moved. The database gets, at most once per coin and
second, the first, the lowest, the highest and the last tick of each minute since the write before:
that is all a candle and an alert can ever ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from .candles import add_volumes
from .quotes import Quote

#: Seconds between two writes of one coin, from the end of one to the begin of the next.
STORE_EVERY = 1.0
#: Minutes of a coin that wait for a database that is away; older ones are merged into one.
MOST_MINUTES = 30

_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)

Place = tuple[datetime, int]  # when it was traded, and which tick it was of those of one moment


@dataclass(frozen=True, slots=True)
class _Tick:
    quote: Quote
    number: int

    @property
    def place(self) -> Place:
        return (self.quote.price_at, self.number)


@dataclass(slots=True)
class _Minute:
    """The ticks of one coin in one minute that are worth keeping, and what was traded in it."""

    first: _Tick
    low: _Tick
    high: _Tick
    last: _Tick
    volume: Decimal | None

    def add(self, other: _Minute) -> None:
        self.first = min(self.first, other.first, key=_place)
        self.last = max(self.last, other.last, key=_place)
        self.low = min(self.low, other.low, key=lambda tick: tick.quote.price)
        self.high = max(self.high, other.high, key=lambda tick: tick.quote.price)
        self.volume = add_volumes(self.volume, other.volume)

    def quotes(self, *, opens: bool) -> list[Quote]:
        """Return the ticks in their order, each once; the first only where it `opens` a candle.

        The minute's volume goes with the last of them.
        """
        kept = {tick.number: tick for tick in (self.low, self.high, self.last)}
        if opens:
            kept[self.first.number] = self.first
        ordered = sorted(kept.values(), key=_place)
        return [
            replace(tick.quote, volume=self.volume if tick is self.last else None)
            if self.volume is not None
            else tick.quote
            for tick in ordered
        ]


def _place(tick: _Tick) -> Place:
    return tick.place


def _minute_of(at: datetime) -> int:
    return int(at.timestamp()) // 60


Pending = dict[int, _Minute]  # by minute


class Conflator:
    """What has come and has not gone out yet. Lives on one thread.

    Several trades of the same moment are in order of arrival; what goes out is strictly later
    than what went out before, so that the last one wins everywhere. A late tick moves nobody's
    screen and completes its candle.
    """

    def __init__(self) -> None:
        self._newest: dict[str, Quote] = {}
        self._unshown: dict[str, None] = {}  # a set in order of arrival
        self._shown_at: dict[str, datetime] = {}
        self._pending: dict[str, Pending] = {}
        self._in_flight: dict[str, Pending] = {}
        self._stored: dict[str, tuple[datetime, datetime]] = {}  # traded at, and stored as of
        self._out: dict[str, tuple[datetime, datetime]] = {}  # the same of the batch in flight
        self._written_at: dict[str, float] = {}
        self._number = 0

    def add(self, quotes: Iterable[Quote]) -> bool:
        """Take ticks; tell whether there was news in them."""
        is_news = False
        for quote in quotes:
            newest = self._newest.get(quote.coin_id)
            if newest is not None and (newest.price_at, newest.price) == (
                quote.price_at,
                quote.price,
            ):
                continue
            is_news = True
            self._number += 1
            if newest is None or quote.price_at >= newest.price_at:
                self._newest[quote.coin_id] = quote
                self._unshown[quote.coin_id] = None
            tick = _Tick(quote, self._number)
            minutes = self._pending.setdefault(quote.coin_id, {})
            _put(minutes, _minute_of(quote.price_at), _Minute(tick, tick, tick, tick, quote.volume))
        return is_news

    # --- To browsers ----------------------------------------------------------------------------

    def take_for_browsers(self) -> list[Quote]:
        """Return the newest tick of each coin that has one since the last call."""
        taken = []
        for coin_id in self._unshown:
            quote, shown_at = self._newest[coin_id], self._shown_at.get(coin_id)
            # Browsers compare milliseconds, and take nothing that is not later.
            if shown_at is not None and quote.price_at < shown_at + _MILLISECOND:
                quote = replace(quote, price_at=shown_at + _MILLISECOND)
            self._shown_at[coin_id] = quote.price_at
            taken.append(quote)
        self._unshown.clear()
        return taken

    # --- To the database ------------------------------------------------------------------------

    def due_in(self, now: float) -> float | None:
        """Return the seconds until a coin may be written; None while nothing waits."""
        if not self._pending:
            return None
        soonest = min(self._written_at.get(coin_id, -STORE_EVERY) for coin_id in self._pending)
        return max(0.0, soonest + STORE_EVERY - now)

    def take_for_database(self, now: float, *, is_last: bool = False) -> list[Quote]:
        """Return the ticks worth storing of all coins that are due, in order for each coin.

        `written` or `not_written` says what became of them; one batch is out at a time. `is_last`
        takes everything, due or not: the process ends.
        """
        if self._in_flight:
            raise RuntimeError("The batch before has not been written yet.")
        due = [
            coin_id
            for coin_id in self._pending
            if is_last or now - self._written_at.get(coin_id, -STORE_EVERY) >= STORE_EVERY
        ]
        self._in_flight = {coin_id: self._pending.pop(coin_id) for coin_id in due}
        self._out = {}
        return [
            quote
            for coin_id, minutes in self._in_flight.items()
            for quote in self._in_order(coin_id, minutes)
        ]

    def written(self, now: float) -> None:
        """Note that the batch is in the database."""
        self._written_at.update(dict.fromkeys(self._in_flight, now))
        self._stored.update(self._out)
        self._in_flight = {}

    def not_written(self) -> None:
        """Take the batch back: it goes out with what has come since."""
        for coin_id, minutes in self._in_flight.items():
            waiting = self._pending.setdefault(coin_id, {})
            for minute, one in minutes.items():
                _put(waiting, minute, one)
        self._in_flight = {}

    def _in_order(self, coin_id: str, minutes: Pending) -> list[Quote]:
        """Return a coin's quotes with strictly later times, after those already stored.

        A sweep through the order book is many prices of one moment; the database tells what is
        news by its time, so each gets a microsecond of its own, within its minute.
        """
        traded_at, until = stored = self._stored.get(coin_id, (None, None))
        stored_minute = None if until is None else _minute_of(until)
        quotes = []
        for minute in sorted(minutes):
            batch = minutes[minute].quotes(opens=minute != stored_minute)
            end = batch[-1].price_at.replace(second=59, microsecond=999_999)
            for behind, quote in zip(range(len(batch) - 1, -1, -1), batch, strict=True):
                at = quote.price_at
                is_late = stored[0] is not None and at < stored[0]
                if not is_late:
                    traded_at = at if traded_at is None else max(at, traded_at)
                    if until is not None and at <= until:
                        at = min(until + _MICROSECOND, end - behind * _MICROSECOND)
                    until = at
                quotes.append(quote if at == quote.price_at else replace(quote, price_at=at))
        if traded_at is not None and until is not None:
            self._out[coin_id] = (traded_at, until)
        return quotes


def _put(minutes: Pending, minute: int, one: _Minute) -> None:
    known = minutes.get(minute)
    if known is not None:
        known.add(one)
        return
    minutes[minute] = one
    if len(minutes) > MOST_MINUTES:
        oldest, second = sorted(minutes)[:2]
        minutes[second].add(minutes.pop(oldest))
