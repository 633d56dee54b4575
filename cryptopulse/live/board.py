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
        #: How often anything changed: who has seen the board at a number needs what came later.
        self.number = 1
        self._loaded_at = 0  # the number
        self._moved_at: dict[str, int] = {}  # coin id -> the number
        self._briefs: dict[str, str] = {}  # coin id -> its JSON in a tick, until it moves

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
        if changed:
            self.entries = fresh
            self.number += 1
            self._loaded_at = self.number
            self._moved_at.clear()
            self._briefs.clear()
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
        finally:
            self._note(moved)
        return moved, strangers

    def _note(self, moved: set[str]) -> None:
        if not moved:
            return
        self.number += 1
        for coin_id in moved:
            self._moved_at[coin_id] = self.number
            self._briefs.pop(coin_id, None)

    def moved_since(self, number: int, coins: frozenset[str] | None = None) -> set[str] | None:
        """Return the coins that moved after this number; None where it takes a snapshot to say."""
        if number < self._loaded_at:
            return None
        moved = self._moved_at
        return {each for each in (coins or moved) if moved.get(each, 0) > number}

    def snapshot(
        self, *, now: int, coins: frozenset[str] | None = None, ack: int | None = None
    ) -> str:
        """Return the frame that a client gets first: every coin (of these), by rank."""
        chosen = self.entries.values() if coins is None else self._chosen(coins)
        entries = sorted(chosen, key=lambda entry: (entry.rank or 10**9, entry.id))
        return _frame(
            self._head("snapshot", now, entries, ack), [_json(entry.full()) for entry in entries]
        )

    def tick(self, ids: Iterable[str], *, now: int, ack: int | None = None) -> str:
        """Return the frame that says where these coins stand now."""
        entries = self._chosen(ids)
        return _frame(
            self._head("tick", now, entries, ack), [self._brief(entry) for entry in entries]
        )

    def _chosen(self, ids: Iterable[str]) -> list[Entry]:
        return [self.entries[coin_id] for coin_id in ids if coin_id in self.entries]

    def _brief(self, entry: Entry) -> str:
        """Encode a coin once for all frames that name it, until it moves."""
        text = self._briefs.get(entry.id)
        if text is None:
            text = self._briefs[entry.id] = _json(entry.brief())
        return text

    def _head(self, kind: str, now: int, entries: list[Entry], ack: int | None) -> dict[str, Any]:
        newest = max(entries, key=lambda entry: entry.at, default=None)
        return {
            "type": kind,
            "at": now,
            **({} if ack is None else {"ack": ack}),
            "source": newest.source if newest else "",
            "simulated": any(entry.source in SIMULATED_SOURCES for entry in entries),
            "stale_after": self.stale_after,
        }


#: `json.dumps` makes an encoder at each call that asks for separators: a third of a tick's cost.
_json = json.JSONEncoder(separators=(",", ":")).encode


def _frame(head: dict[str, Any], coins: list[str]) -> str:
    return f'{_json(head)[:-1]},"coins":[{",".join(coins)}]}}'


def _moved(known: Entry, quote: dict[str, Any]) -> Entry:
    """Return the coin with its new price; what the quote does not say stays as it was."""
    change = quote["change_24h"]
    return Entry(  # `replace` takes twice as long, and this is for every coin of every tick
        id=known.id,
        symbol=known.symbol,
        name=known.name,
        rank=known.rank,
        price=quote["price"],
        at=quote["at"],
        change_24h=known.change_24h if change is None else change,
        source=quote["source"],
    )
