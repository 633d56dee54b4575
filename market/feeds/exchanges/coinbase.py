"""Coinbase Exchange: `ticker` at every match, `heartbeat` once a second and product.

https://docs.cdp.coinbase.com/exchange/websocket-feed/overview; no key. We must subscribe within
5 seconds. Of several products, one that it does not know refuses the whole request.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from market.feeds.figures import moment, price
from market.quotes import Quote

from . import symbols
from .conversation import At, Conversation, Symbol, percent_change
from .exchange import ExchangeFeed
from .refusals import too_slow

logger = logging.getLogger(__name__)

CHANNELS = ["ticker", "heartbeat"]
#: How often a heartbeat says of a coin that nobody trades that its price still holds.
CONFIRM_EVERY = timedelta(seconds=10)


class CoinbaseFeed(ExchangeFeed):
    """Prices in US dollars at every match."""

    title = "Coinbase"
    address = "wss://ws-feed.exchange.coinbase.com"
    symbols = symbols.COINBASE

    def __init__(self, *, name: str = "coinbase", **options: Any) -> None:
        super().__init__(name=name, **options)

    def converse(self, coins: Mapping[str, str], at: At) -> Conversation:
        return CoinbaseConversation(
            self.name,
            coins,
            title=self.title,
            patience=self._patience,
            at=at,
            on_refused=self._refuse,
        )


class CoinbaseConversation(Conversation):
    """Trades are numbered, and the heartbeat says the last number: so a loss is noticed.

    The numbers of `ticker` alone do not tell: matches of one order come as one message.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._trades: dict[str, int] = {}  # symbol -> the last trade that we have
        self._behind: dict[
            str, int
        ] = {}  # symbol -> the trade that the last heartbeat was ahead by

    def subscribe(self, symbols: Sequence[str]) -> None:
        self._say("subscribe", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        self._say("unsubscribe", symbols)

    def _say(self, kind: str, symbols: Sequence[str]) -> None:
        self.outbox.append({"type": kind, "product_ids": list(symbols), "channels": CHANNELS})

    def read(self, message: dict[str, Any], at: At) -> list[Quote]:
        kind = message.get("type")
        if kind == "ticker":
            return self._ticker(message, at)
        if kind == "heartbeat":
            return self._heartbeat(message, at)
        if kind == "subscriptions":
            self.answered = True
        elif kind == "error":
            self._error(message)
        return []

    def _ticker(self, message: dict[str, Any], at: At) -> list[Quote]:
        name = str(message.get("product_id"))
        last = price(message.get("price"))
        trade = _count(message.get("trade_id"))
        if name in self.symbols and trade > self._trades.get(name, 0):
            self._trades[name] = trade
        return self.quoted(
            name,
            price=last,
            price_at=moment(message.get("time")),
            change=percent_change(last, price(message.get("open_24h"))),
            order=_count(message.get("sequence")),
            at=at,
        )

    def _heartbeat(self, message: dict[str, Any], at: At) -> list[Quote]:
        """Compare what was traded with what we have heard of."""
        name = str(message.get("product_id"))
        symbol = self.symbols.get(name)
        traded = _count(message.get("last_trade_id"))
        if symbol is None or not traded:
            return []
        have = self._trades.get(name, 0)
        if traded <= have:
            self._behind.pop(name, None)
            return self._quiet(symbol, message, at)
        missed = self._behind.get(name, 0)
        self._behind[name] = traded  # which may still be on its way
        if have < missed and not symbol.asked:
            logger.info("%s: trades of %s up to %d are missing", self.name, name, missed)
            self.ask_again([name], at)
        return []

    def _quiet(self, symbol: Symbol, message: dict[str, Any], at: At) -> list[Quote]:
        """Note that nothing was traded; every ten seconds that is as good as a new quote."""
        beat_at = moment(message.get("time"))
        since = symbol.confirmed_at or symbol.sent_at
        if beat_at is None or since is None or beat_at - since < CONFIRM_EVERY:
            self.alive(symbol, at)
            return []
        return self.confirmed(symbol, beat_at, at)

    def _error(self, message: dict[str, Any]) -> None:
        said = " ".join(str(message.get(part) or "") for part in ("message", "reason"))
        if "slow" in said.casefold():
            raise too_slow(self.title, said)
        if "unsubscribe" in said.casefold():  # what is asked for next matters, not what was
            return
        unknown = [name for name in re.findall(r"[A-Z0-9]+-USD\b", said) if name in self.symbols]
        if not unknown:
            self.fail(f"refused our request: {said.strip()[:140]}.")
        for name in unknown:
            self.refuse(name, said)
        self.begin()


def _count(value: object) -> int:
    """Return a number of a message; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
