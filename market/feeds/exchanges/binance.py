"""Binance Spot: `miniTicker` of each symbol, once a second when something changed.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams; no key. It trades
against Tether (USDT), which is not the dollar. A connection lasts 24 hours; before a server stops
it says `serverShutdown`. Five messages from us in a second are the most, pings included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from market.feeds.base import FeedError
from market.feeds.figures import moment, price
from market.quotes import PRICE_CONTEXT, Quote

from . import symbols
from .conversation import At, Conversation, percent_change
from .exchange import DAY, ExchangeFeed
from .refusals import AT_ONCE

TETHER = "tether"
BEFORE_A_DAY = 600.0  # seconds


class BinanceFeed(ExchangeFeed):
    """Prices in Tether, made dollars by a fresh price of Tether that another feed has given."""

    title = "Binance"
    address = "wss://stream.binance.com:9443/ws"
    symbols = symbols.BINANCE
    needs = (TETHER,)

    def __init__(
        self,
        *,
        name: str = "binance",
        silence: float = 60.0,  # there is no heartbeat but a ping every 20 s
        lifetime: float = DAY - BEFORE_A_DAY,
        tether_limit: float = 900.0,
        **options: Any,
    ) -> None:
        """`tether_limit`: how old, in seconds, the price of Tether may be."""
        super().__init__(name=name, silence=silence, lifetime=lifetime, **options)
        self._tether: Quote | None = None
        self._tether_limit = timedelta(seconds=tether_limit)

    def told(self, quote: Quote) -> None:
        known = self._tether
        if quote.coin_id == TETHER and (known is None or quote.price_at >= known.price_at):
            self._tether = quote

    def check_ready(self) -> None:
        self._dollars_per_tether(self._clock())

    def _dollars_per_tether(self, now: datetime) -> Decimal:
        tether = self._tether
        if tether is None or now - tether.price_at > self._tether_limit:
            minutes = self._tether_limit.total_seconds() / 60
            raise FeedError(
                f"{self.title} trades against Tether, and no feed has said within {minutes:g} min "
                "what Tether is worth in dollars. Track the coin “tether” and let MARKET_FEEDS "
                "name coingecko, coinbase or kraken too.",
                elsewhere=True,
            )
        return tether.price

    def converse(self, coins: Mapping[str, str], at: At) -> Conversation:
        return BinanceConversation(
            self.name,
            coins,
            title=self.title,
            patience=self._patience,
            at=at,
            on_refused=self._refuse,
            dollars=self._dollars_per_tether,
        )


class BinanceConversation(Conversation):
    """It never refuses a symbol that it does not know: that one just stays silent."""

    def __init__(self, *args: Any, dollars: Callable[[datetime], Decimal], **options: Any) -> None:
        super().__init__(*args, **options)
        self._dollars = dollars
        self._requests = 0

    def subscribe(self, symbols: Sequence[str]) -> None:
        self._say("SUBSCRIBE", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        self._say("UNSUBSCRIBE", symbols)

    def _say(self, method: str, symbols: Sequence[str]) -> None:
        self._requests += 1
        streams = [f"{name.lower()}@miniTicker" for name in symbols]
        self.outbox.append({"method": method, "params": streams, "id": self._requests})

    def read(self, message: dict[str, Any], at: At) -> list[Quote]:
        data = message.get("data")  # the combined stream wraps what the raw one sends
        message = data if isinstance(data, dict) else message
        kind = message.get("e")
        if kind == "24hrMiniTicker":
            return self._ticker(message, at)
        if kind == "serverShutdown":
            self.fail("is about to stop the server that we are connected to.", retry_after=AT_ONCE)
        if "result" in message:
            self.answered = True
        elif "error" in message or "code" in message:
            said = message.get("msg") or message.get("error")
            self.fail(f"refused our request: {str(said)[:140]}.")
        return []

    def _ticker(self, message: dict[str, Any], at: At) -> list[Quote]:
        last, sent = price(message.get("c")), message.get("E")
        return self.quoted(
            str(message.get("s")),
            price=last and PRICE_CONTEXT.multiply(last, self._dollars(at.now)),
            price_at=moment(sent),
            order=sent if isinstance(sent, int) else None,
            change=percent_change(last, price(message.get("o"))),
            at=at,
        )
