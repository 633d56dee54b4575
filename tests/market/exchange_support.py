"""What the tests of the exchanges share: each of the three as a case, and ways to listen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from market.feeds import FeedError
from market.feeds.exchanges import BinanceFeed, CoinbaseFeed, KrakenFeed
from market.feeds.exchanges.exchange import ExchangeFeed
from market.quotes import Quote

from . import exchange_frames as frames


def tether(price: str = "1", at: datetime | None = None) -> Quote:
    return Quote(
        coin_id="tether",
        price=Decimal(price),
        price_at=at or datetime.now(tz=UTC),
        source="coingecko",
    )


def binance_feed(**options: Any) -> BinanceFeed:
    """Make a Binance feed that knows that Tether is worth a dollar."""
    feed = BinanceFeed(**options)
    feed.told(tether())
    return feed


@dataclass(frozen=True)
class Exchange:
    """One exchange, in what its tests need: bitcoin and solana, and frames about them."""

    name: str
    make: Callable[..., ExchangeFeed]
    subscribed: Callable[..., Awaitable[list[str]]]  # by a visit; of these symbols, where given
    bitcoin: str
    solana: str
    frame: Callable[..., dict[str, object]]  # of a symbol and a price
    text: bool  # whether prices are text in its JSON
    beat: Mapping[str, object]  # a frame without a price

    def price(self, price: str, **more: Any) -> dict[str, object]:
        return self.frame(self.bitcoin, price if self.text else float(price), **more)


COINBASE = Exchange(
    name="coinbase",
    make=CoinbaseFeed,
    subscribed=frames.coinbase_subscribed,
    bitcoin="BTC-USD",
    solana="SOL-USD",
    frame=frames.coinbase_ticker,
    text=True,
    beat=frames.coinbase_heartbeat("ETH-USD"),
)
KRAKEN = Exchange(
    name="kraken",
    make=KrakenFeed,
    subscribed=frames.kraken_subscribed,
    bitcoin="BTC/USD",
    solana="SOL/USD",
    frame=frames.kraken_ticker,
    text=False,
    beat=frames.KRAKEN_HEARTBEAT,
)
BINANCE = Exchange(
    name="binance",
    make=binance_feed,
    subscribed=frames.binance_subscribed,
    bitcoin="BTCUSDT",
    solana="SOLUSDT",
    frame=frames.binance_ticker,
    text=True,
    beat={"e": "trade", "s": "BTCUSDT"},
)


@pytest.fixture(params=[COINBASE, KRAKEN, BINANCE], ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Exchange:
    """Each of the three in turn."""
    chosen: Exchange = request.param
    return chosen


async def first(feed: ExchangeFeed, coin_ids: list[str], count: int) -> list[Quote]:
    """Return the first quotes of a feed; fails after five seconds."""
    got: list[Quote] = []
    async with asyncio.timeout(5), aclosing(feed.ticks(coin_ids)) as ticks:
        async for quotes in ticks:
            assert quotes, "an empty list"
            got += quotes
            if len(got) >= count:
                break
    return got[:count]


async def until_it_ends(feed: ExchangeFeed, coin_ids: list[str]) -> tuple[list[Decimal], FeedError]:
    """Listen until the feed gives up; return the prices before that, and why."""
    prices: list[Decimal] = []
    try:
        async with asyncio.timeout(5), aclosing(feed.ticks(coin_ids)) as ticks:
            async for quotes in ticks:
                prices += [quote.price for quote in quotes]
    except FeedError as error:
        return prices, error
    raise AssertionError("it ended without saying why")
