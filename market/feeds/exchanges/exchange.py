"""The part of an exchange's feed that is the same for all: connect, subscribe, listen, watch."""

from __future__ import annotations

import ssl
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from market.feeds.base import FeedError, StreamFeed
from market.quotes import Quote

from .connection import Limits, connected
from .conversation import At, Conversation, Patience

REFUSED_FOR = 86_400.0  # seconds that a symbol which was refused is not asked for
WATCH_EVERY = 1.0  # seconds
DAY = 86_400.0


def _utc_now() -> datetime:
    return datetime.now(tz=UTC)


class ExchangeFeed(StreamFeed):
    """One exchange. What is said on a connection is its `Conversation`."""

    title: ClassVar[str]
    address: ClassVar[str]
    symbols: ClassVar[Mapping[str, str]]  # coin id -> the exchange's symbol

    def __init__(
        self,
        *,
        name: str,
        url: str = "",
        answer: float = 10.0,
        silence: float = 15.0,
        symbol_silence: float = 60.0,
        price_silence: float = 90.0,
        lifetime: float = float("inf"),
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`url` in place of the exchange's own; all waits are in seconds (see `Patience`)."""
        self.name = name
        self._url = url or self.address
        self._patience = Patience(
            answer=answer,
            silence=silence,
            symbol=symbol_silence,
            prices=price_silence,
            lifetime=lifetime,
        )
        self._limits = limits or Limits()
        self._tls = tls
        self._clock = clock
        self._refused: dict[str, float] = {}  # symbol -> when it may be asked for again

    def serves(self, coin_ids: Sequence[str]) -> list[str]:
        now = time.monotonic()
        wanted = dict.fromkeys(coin_ids)
        return [c for c in wanted if c in self.symbols and not self._is_refused(c, now)]

    def _is_refused(self, coin_id: str, now: float) -> bool:
        return self._refused.get(self.symbols[coin_id], now) > now

    def _refuse(self, symbol: str) -> None:
        self._refused[symbol] = time.monotonic() + REFUSED_FOR

    async def ticks(self, coin_ids: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        coins = {self.symbols[coin_id]: coin_id for coin_id in self.serves(coin_ids)}
        if not coins:
            raise FeedError(
                f"{self.title} trades none of these coins.", permanent=True, elsewhere=True
            )
        self.check_ready()
        async with connected(
            self.title, self._url, limits=self._limits, tls=self._tls
        ) as connection:
            at = self._at()
            conversation = self.converse(coins, at)
            conversation.begin()
            watched = at.seconds
            while True:
                for message in conversation.outbox:
                    await connection.send(message)
                conversation.outbox.clear()
                text = await connection.receive(within=self._pace)
                at = self._at()
                quotes = [] if text is None else conversation.hear(text, at)
                if at.seconds - watched >= self._pace:
                    watched = at.seconds
                    conversation.watch(at)
                if quotes:
                    yield quotes

    @property
    def _pace(self) -> float:
        waits = self._patience
        shortest = min(waits.answer, waits.silence, waits.symbol, waits.prices, waits.lifetime)
        return min(WATCH_EVERY, shortest / 4)

    def _at(self) -> At:
        return At(self._clock(), time.monotonic())

    def check_ready(self) -> None:
        """Raise FeedError when prices could not be made of what the exchange would send."""

    @abstractmethod
    def converse(self, coins: Mapping[str, str], at: At) -> Conversation:
        """Return what speaks this exchange's protocol, for symbol -> coin id."""
