"""An exchange of this machine that speaks as Coinbase does, and whose prices follow the script.

Two counters drive it. `fast` goes on twice a second while somebody listens: those prices only ever
rise or only ever fall, so a step that was missed changes nothing. `slow` goes on when the product
has stored and evaluated what the step before brought: a swing back, or a wick, that nobody had
evaluated would be no fault.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from market.feeds.exchanges.symbols import COINBASE
from tests.market.exchange_frames import coinbase_heartbeat, coinbase_subscribed, coinbase_ticker
from tests.market.exchange_server import Visit

from .script import FAST, SLOW, SLOW_HOLD, peak, price_of

#: Seconds between two rounds of matches, and between two heartbeats.
PACE, BEAT = 0.5, 1.0

Told = Callable[[int], None]
Settled = Callable[[str, Decimal, datetime], Awaitable[bool]]


@dataclass
class Exchange:
    """Where the prices stand, and who listens.

    `published` hears the moment (in milliseconds) of each price of bitcoin that was sent;
    `is_settled` says whether a coin's price of this moment or later is stored and evaluated.
    """

    published: Told
    is_settled: Settled
    fast: int = 0
    slow: int = 0
    stands: bool = False  # prices go no further
    visits: int = 0
    current: Visit | None = None
    settling: list[float] = field(default_factory=list)  # seconds that slow steps took
    _trades: int = 1000

    async def meet(self, visit: Visit) -> None:
        """Serve whoever connects."""
        products = await coinbase_subscribed(visit)
        self.current = visit
        self.visits += 1
        try:
            await asyncio.gather(
                self._match(visit, products),
                self._swing(visit),
                self._beat(visit, products),
                visit.rest(),
            )
        finally:
            if self.current is visit:
                self.current = None

    async def _match(self, visit: Visit, products: list[str]) -> None:
        coins = {product: coin_id for coin_id, product in COINBASE.items()}
        while True:
            if self._goes_on(visit):
                self.fast += 1
            for place, product in enumerate(products):
                coin_id = coins[product]
                if coin_id not in SLOW:
                    price = price_of(coin_id, self.fast) if coin_id in FAST else _idle(place, self)
                    await self._trade(visit, product, price)
            await asyncio.sleep(PACE)

    async def _swing(self, visit: Visit) -> None:
        """Hold each slow step until it is settled, on one connection."""
        while True:
            began, since = time.monotonic(), datetime.now(tz=UTC)
            await self._wick(visit)
            while True:
                for coin_id in SLOW:
                    await self._trade(visit, COINBASE[coin_id], price_of(coin_id, self.slow))
                await asyncio.sleep(PACE)
                held = time.monotonic() - began
                if held >= SLOW_HOLD and await self._is_over(since) and self._goes_on(visit):
                    break
            self.settling.append(time.monotonic() - began)
            self.slow += 1

    def _goes_on(self, visit: Visit) -> bool:
        return not self.stands and self.current is visit

    async def _is_over(self, since: datetime) -> bool:
        return all(
            [
                await self.is_settled(coin_id, price_of(coin_id, self.slow), since)
                for coin_id in SLOW
            ]
        )

    async def _wick(self, visit: Visit) -> None:
        if self.slow:
            for price in (price_of("dogecoin", 0), peak(self.slow), price_of("dogecoin", 0)):
                await self._trade(visit, COINBASE["dogecoin"], price)
                await asyncio.sleep(0.002)  # its moments differ by milliseconds

    async def _trade(self, visit: Visit, product: str, price: Decimal) -> None:
        self._trades += 1
        now = datetime.now(tz=UTC)
        await visit.say(
            coinbase_ticker(
                product, f"{price:f}", sequence=self._trades, trade_id=self._trades, at=now
            )
        )
        if product == COINBASE["bitcoin"]:
            self.published(int(now.timestamp() * 1000))

    async def _beat(self, visit: Visit, products: list[str]) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for product in products:
                await visit.say(coinbase_heartbeat(product, trade_id=1))


def _idle(place: int, exchange: Exchange) -> Decimal:
    """Return a price that hardly moves, of a coin that the script is not about."""
    return Decimal(100 + place) + Decimal((exchange.fast + place) % 10) / 100
