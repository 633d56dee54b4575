"""Kraken, websocket API v2: `ticker` at every trade, a heartbeat about once a second.

https://docs.kraken.com/api/docs/websocket-v2/ticker; no key. Numbers are JSON numbers; each symbol
is confirmed or refused by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from market.feeds.figures import moment, number, price
from market.quotes import Quote

from . import symbols
from .conversation import At, Conversation, fitting_change
from .exchange import ExchangeFeed

RATE_LIMIT = timedelta(seconds=60)
MAINTENANCE = timedelta(minutes=5)


class KrakenFeed(ExchangeFeed):
    """Prices in US dollars at every trade."""

    title = "Kraken"
    address = "wss://ws.kraken.com/v2"
    symbols = symbols.KRAKEN

    def __init__(
        self,
        *,
        name: str = "kraken",
        silence: float = 10.0,
        symbol_silence: float = 40.0,  # a price is the stream's for a minute
        **options: Any,
    ) -> None:
        super().__init__(name=name, silence=silence, symbol_silence=symbol_silence, **options)

    def converse(self, coins: Mapping[str, str], at: At) -> Conversation:
        return KrakenConversation(
            self.name,
            coins,
            title=self.title,
            patience=self._patience,
            at=at,
            on_refused=self._refuse,
        )


class KrakenConversation(Conversation):
    """A coin that nobody trades is asked for again: the snapshot says that its price holds.

    It holds as of the answer before it, which carries the exchange's time.
    """

    _answered_at: datetime | None = None

    def subscribe(self, symbols: Sequence[str]) -> None:
        self._say("subscribe", symbols, event_trigger="trades", snapshot=True)

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        self._say("unsubscribe", symbols, event_trigger="trades")

    def _say(self, method: str, symbols: Sequence[str], **more: object) -> None:
        parameters = {"channel": "ticker", "symbol": list(symbols), **more}
        self.outbox.append({"method": method, "params": parameters})

    def read(self, message: dict[str, Any], at: At) -> list[Quote]:
        channel = message.get("channel")
        rows = message.get("data")
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if channel == "ticker":
            snapshot = message.get("type") == "snapshot"
            return [quote for row in rows for quote in self._row(row, at, snapshot=snapshot)]
        if channel == "status":
            self._status(rows)
        elif message.get("method", "subscribe") == "subscribe":
            self._answer(message)
        return []

    def _row(self, row: dict[str, Any], at: At, *, snapshot: bool) -> list[Quote]:
        traded_at = moment(row.get("timestamp")) or (at.now if "timestamp" not in row else None)
        holds_at = self._answered_at if snapshot else None
        last = row.get("last")
        return self.quoted(
            str(row.get("symbol")),
            price=None if isinstance(last, str) else price(last),
            price_at=traded_at and max(traded_at, holds_at or traded_at),
            order=int(traded_at.timestamp() * 1e6) if traded_at and "timestamp" in row else None,
            change=fitting_change(number(row.get("change_pct"))),
            at=at,
        )

    def _status(self, rows: Sequence[dict[str, Any]]) -> None:
        system = str(rows[0].get("system")) if rows else "online"
        if system in {"maintenance", "cancel_only"}:
            self.fail(
                f"does not trade at the moment ({system}).",
                retry_after=MAINTENANCE,
                elsewhere=True,
            )

    def _answer(self, message: dict[str, Any]) -> None:
        said = str(message.get("error"))[:140]
        if message.get("success") is True or "already" in said.casefold():
            self.answered = True
            self._answered_at = moment(message.get("time_out")) or self._answered_at
            return
        if "error" not in message:
            return
        if re.search(r"\brate\b", said, re.IGNORECASE):
            self.fail(f"finds that we ask too often: {said}.", retry_after=RATE_LIMIT)
        named = {str(message.get("symbol")), *re.findall(r"[A-Z0-9]+/USD\b", said)}
        unknown = [name for name in self.symbols if name in named]
        if not unknown:
            self.fail(f"refused our subscription: {said}.")
        for name in unknown:
            self.refuse(name, said)
