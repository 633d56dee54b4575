"""The newest price of every coin, as one process shows it to its browsers. No Django, no I/O.

Between processes and to browsers go the same entries:
`{"id", "price": "97412.2", "at": Unix ms, "change_24h": "2.31" | null, "source"}`; to browsers
also `symbol`, and in a snapshot `name` and `rank`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from market.quotes import SIMULATED_SOURCES, Quote


def milliseconds(at: datetime) -> int:
    """Return Unix milliseconds, exactly."""
    return int(at.timestamp() * 1000)


def decimal_text(value: Decimal | None) -> str | None:
    """Return a decimal as JSON carries it: a string without exponent or idle zeros."""
    if value is None:
        return None
    text = format(value, "f")  # normalize() would round to the context's precision
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One coin as the ticker shows it. A coin without a price has `price` None."""

    id: str
    symbol: str
    name: str
    rank: int | None
    price: str | None
    at: int
    change_24h: str | None
    source: str

    def brief(self) -> dict[str, Any]:
        """What a tick says about it."""
        return {
            "id": self.id,
            "symbol": self.symbol,
            "price": self.price,
            "at": self.at,
            "change_24h": self.change_24h,
            "source": self.source,
        }

    def full(self) -> dict[str, Any]:
        """What a snapshot says about it."""
        return self.brief() | {"name": self.name, "rank": self.rank}


def encode_quotes(quotes: Iterable[Quote]) -> str:
    """Return a tick as it travels between processes."""
    return json.dumps(
        [
            {
                "id": quote.coin_id,
                "price": decimal_text(quote.price),
                "at": milliseconds(quote.price_at),
                "change_24h": decimal_text(quote.change_24h),
                "source": quote.source,
            }
            for quote in quotes
        ],
        separators=(",", ":"),
    )


class Board:
    """The merged state. The newer quote of a coin wins, from wherever it comes."""

    def __init__(self, *, stale_after: float) -> None:
        self.stale_after = stale_after
        self.entries: dict[str, Entry] = {}

    def load(self, entries: Iterable[Entry]) -> bool:
        """Take over what the database holds; tell whether that changed anything.

        Which coins there are is the database's word; a price that came by a tick and is newer
        than the row that was read stays.
        """
        fresh: dict[str, Entry] = {}
        for entry in entries:
            known = self.entries.get(entry.id)
            if known is not None and known.at > entry.at:
                fresh[entry.id] = replace(
                    known, symbol=entry.symbol, name=entry.name, rank=entry.rank
                )
            else:
                fresh[entry.id] = entry
        changed = fresh != self.entries
        self.entries = fresh
        return changed

    def merge(self, payload: str) -> tuple[set[str], bool]:
        """Take in a tick; return the coins that moved, and whether it names one we do not know.

        Raises ValueError when the payload is not a tick.
        """
        moved: set[str] = set()
        strangers = False
        try:
            for quote in json.loads(payload):
                known = self.entries.get(quote["id"])
                if known is None:
                    strangers = True
                elif quote["at"] > known.at:
                    self.entries[known.id] = _moved(known, quote)
                    moved.add(known.id)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a tick: {error!r}") from error
        return moved, strangers

    def snapshot(self, *, now: int) -> str:
        """Return the frame that a client gets first: every coin, by rank."""
        entries = sorted(self.entries.values(), key=lambda entry: (entry.rank or 10**9, entry.id))
        return self._frame("snapshot", now, entries, [entry.full() for entry in entries])

    def tick(self, ids: set[str], *, now: int) -> str:
        """Return the frame that says where these coins stand now."""
        entries = [self.entries[coin_id] for coin_id in ids if coin_id in self.entries]
        return self._frame("tick", now, entries, [entry.brief() for entry in entries])

    def _frame(self, kind: str, now: int, entries: list[Entry], coins: list[dict[str, Any]]) -> str:
        newest = max(entries, key=lambda entry: entry.at, default=None)
        frame = {
            "type": kind,
            "at": now,
            "source": newest.source if newest else "",
            "simulated": any(entry.source in SIMULATED_SOURCES for entry in entries),
            "stale_after": self.stale_after,
            "coins": coins,
        }
        return json.dumps(frame, separators=(",", ":"))


def _moved(known: Entry, quote: dict[str, Any]) -> Entry:
    """Return the coin with its new price; what the quote does not say stays as it was."""
    change = quote["change_24h"]
    return replace(
        known,
        price=quote["price"],
        at=quote["at"],
        source=quote["source"],
        change_24h=known.change_24h if change is None else change,
    )
