"""What is said on one connection to an exchange: messages in, quotes and requests out, no I/O."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from market.feeds.base import FeedError
from market.quotes import Quote

from .refusals import AT_ONCE

logger = logging.getLogger(__name__)

AHEAD = timedelta(seconds=60)  # of our clock; more than this is somebody's fault
STRIKES = 5  # unusable messages within STRIKES_WITHIN; one more ends the connection
STRIKES_WITHIN = 60.0  # seconds
MOST_PATIENT = 6  # doublings of the pause between two requests for a symbol that says nothing
CHANGE_DIGITS = 11  # before the point: what the column takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds."""

    answer: float  # for the answer to the first request
    silence: float  # while nothing at all is sent, not even a heartbeat
    symbol: float  # while nothing is sent about one symbol, before it is asked for again
    prices: float  # while there are heartbeats and no price
    lifetime: float  # of the whole connection, where the exchange ends it anyhow


class At(NamedTuple):
    """A moment on both clocks: the wall's for prices, the one that never jumps for waiting."""

    now: datetime
    seconds: float


@dataclass(slots=True)
class Symbol:
    """What is known of one symbol on this connection."""

    coin_id: str
    heard: float  # when there was last a sign of it, or it was asked for
    asked: int = 0  # how often in vain
    quote: Quote | None = None  # the last one
    order: int = 0  # of the last one: a number or a time that the exchange gave it
    sent_at: datetime | None = None  # the time that the exchange gave the last one
    confirmed_at: datetime | None = None  # since the last one
    complained: bool = False


class Conversation(ABC):
    """One connection's worth of an exchange's protocol.

    `hear` takes each message and `watch` is called about once a second; both may leave requests
    in `outbox` and raise FeedError when the connection is of no use any more.
    """

    def __init__(
        self,
        name: str,
        coins: Mapping[str, str],
        *,
        title: str,
        patience: Patience,
        at: At,
        on_refused: Callable[[str], None],
    ) -> None:
        """`coins` is symbol -> coin id; `on_refused` is told of symbols that do not exist."""
        self.name = name  # the source of the quotes
        self.title = title  # what people call it
        self.outbox: list[dict[str, Any]] = []
        self.symbols = {s: Symbol(coin_id, at.seconds) for s, coin_id in coins.items()}
        self.answered = False
        self._patience = patience
        self._on_refused = on_refused
        self._began = self._heard = self._priced = at.seconds
        self._strikes: deque[float] = deque(maxlen=STRIKES + 1)

    # --- What each exchange does in its own words ---------------------------------------------

    @abstractmethod
    def subscribe(self, symbols: Sequence[str]) -> None:
        """Put into the outbox what asks for the prices of these symbols."""

    @abstractmethod
    def unsubscribe(self, symbols: Sequence[str]) -> None:
        """Put into the outbox what takes that back, so that it can be asked anew."""

    @abstractmethod
    def read(self, message: dict[str, Any], at: At) -> list[Quote]:
        """Turn one message into quotes. Kinds that are not known are no fault."""

    # --- What is the same for all -------------------------------------------------------------

    def begin(self) -> None:
        self.subscribe(list(self.symbols))

    def hear(self, text: str | bytes, at: At) -> list[Quote]:
        """Read one message. A few unusable ones are left out; raises FeedError at too many."""
        self._heard = at.seconds
        message = _parse(text)
        if message is None:
            self._strike(text, at)
            return []
        return self.read(message, at)

    def watch(self, at: At) -> None:
        """Raise FeedError when the exchange has fallen silent; ask again for silent symbols."""
        waits = self._patience
        if not self.answered and at.seconds - self._began > waits.answer:
            self.fail(f"has not confirmed our subscription within {waits.answer:g} s.")
        if at.seconds - self._heard > waits.silence:
            self.fail(f"has sent nothing for {waits.silence:g} s, not even a heartbeat.")
        if at.seconds - self._priced > waits.prices:
            self.fail(f"has sent heartbeats but no price for {waits.prices:g} s.")
        if at.seconds - self._began > waits.lifetime:
            hours = waits.lifetime / 3600
            self.fail(
                f"ends every connection after a day; this one is {hours:.3g} hours old.",
                retry_after=AT_ONCE,
            )
        self.ask_again([name for name, s in self.symbols.items() if self._is_silent(s, at)], at)

    def _is_silent(self, symbol: Symbol, at: At) -> bool:
        pause = self._patience.symbol * (1 << min(symbol.asked, MOST_PATIENT))
        return at.seconds - symbol.heard > pause

    def ask_again(self, symbols: Sequence[str], at: At) -> None:
        """Subscribe anew to symbols that are silent or have lost something."""
        if not symbols:
            return
        for name in symbols:
            symbol = self.symbols[name]
            log = logger.warning if symbol.asked == 1 else logger.info
            log("%s: nothing new of %s (%s); subscribing anew", self.name, symbol.coin_id, name)
            symbol.heard = at.seconds
            symbol.asked += 1
        self.unsubscribe(symbols)
        self.subscribe(symbols)

    def refuse(self, name: str, said: str) -> None:
        """Go on without a symbol that the exchange does not know."""
        symbol = self.symbols.pop(name)
        logger.warning("%s does not trade %s (%s): %s", self.name, symbol.coin_id, name, said)
        self._on_refused(name)
        if not self.symbols:
            self.fail("trades none of the coins that we asked for.", permanent=True, elsewhere=True)

    def alive(self, symbol: Symbol, at: At) -> None:
        """Note a sign that this symbol's price is what we have."""
        symbol.heard = self._priced = at.seconds
        symbol.asked = 0
        self.answered = True

    def quoted(
        self,
        name: str,
        *,
        price: Decimal | None,
        price_at: datetime | None,
        change: Decimal | None,
        at: At,
        order: int | None,
    ) -> list[Quote]:
        """Return the quote of one message, nothing where it is late, odd or not asked for.

        `order`: what the exchange counts its messages about this symbol by, None where it does not.
        """
        symbol = self.symbols.get(name)
        if symbol is None:
            return []
        if price is None or price_at is None or price_at > at.now + AHEAD:
            self._complain(symbol, price=price, price_at=price_at)
            return []
        self.alive(symbol, at)
        if order is not None and self._is_late(symbol, price_at, order):
            return []
        symbol.sent_at, symbol.order, symbol.confirmed_at = price_at, order or symbol.order, None
        symbol.quote = Quote(
            coin_id=symbol.coin_id,
            price=price,
            price_at=min(price_at, at.now),
            source=self.name,
            change_24h=change,
        )
        return [symbol.quote]

    @staticmethod
    def _is_late(symbol: Symbol, price_at: datetime, order: int) -> bool:
        """Tell whether a later message came first. Numbers that begin anew are not late."""
        sent_at = symbol.sent_at
        return sent_at is not None and order < symbol.order and price_at <= sent_at

    def confirmed(self, symbol: Symbol, price_at: datetime, at: At) -> list[Quote]:
        """Return the last quote at a later moment: the exchange says that it still holds."""
        self.alive(symbol, at)
        if symbol.quote is None or price_at <= symbol.quote.price_at:
            return []
        symbol.confirmed_at = price_at
        return [replace(symbol.quote, price_at=min(price_at, at.now))]

    def fail(
        self,
        sentence: str,
        *,
        permanent: bool = False,
        elsewhere: bool = False,
        retry_after: timedelta | None = None,
    ) -> NoReturn:
        raise FeedError(
            f"{self.title} {sentence}",
            permanent=permanent,
            elsewhere=elsewhere,
            retry_after=retry_after,
        )

    def _complain(
        self, symbol: Symbol, *, price: Decimal | None, price_at: datetime | None
    ) -> None:
        if not symbol.complained:
            symbol.complained = True
            what = "a price" if price is None else f"a time ({price_at})"
            logger.warning(
                "%s sends %s of %s that cannot be used; such messages are left out",
                self.name,
                what,
                symbol.coin_id,
            )

    def _strike(self, text: str | bytes, at: At) -> None:
        start = text[:60]
        logger.warning("%s sent a message that is not a JSON object: %r", self.name, start)
        self._strikes.append(at.seconds)
        if len(self._strikes) > STRIKES and at.seconds - self._strikes[0] <= STRIKES_WITHIN:
            self.fail(
                f"keeps sending what is not JSON ({len(self._strikes)} messages within a minute); "
                f"the last began with {start!r}."
            )


def percent_change(price: Decimal | None, opened: Decimal | None) -> Decimal | None:
    """Return by how many percent a price lies above another; None where that says nothing."""
    if price is None or opened is None:
        return None
    return fitting_change((price / opened - 1) * 100)


def fitting_change(change: Decimal | None) -> Decimal | None:
    """Round percents to what the column takes; None for what has more digits."""
    if change is None or change.adjusted() >= CHANGE_DIGITS:
        return None
    return change.quantize(Decimal("0.0001"))


def _parse(text: str | bytes) -> dict[str, Any] | None:
    """Return a JSON object with its fractions as Decimal; None for all else."""
    if isinstance(text, bytes):  # none of the exchanges sends binary messages here
        return None
    try:
        message = json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
