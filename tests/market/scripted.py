"""A feed that says what a test tells it to, and quotes for it to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from market.feeds import Feed, FeedError
from market.quotes import Bar, Quote
from tests.conftest import NOW


def quote(
    coin_id: str = "bitcoin",
    price: str = "100000",
    at: datetime = NOW,
    source: str = "simulated",
    **more: Any,
) -> Quote:
    return Quote(coin_id=coin_id, price=Decimal(price), price_at=at, source=source, **more)


def values(row: object, names: str) -> tuple[Any, ...]:
    """Return these attributes of a row, to compare several at once."""
    return tuple(getattr(row, name) for name in names.split())


Answer = Callable[[Sequence[str], datetime], list[Quote]]


class ScriptedFeed(Feed):
    """Answers from the table of its alias; notes what it was asked."""

    answers: ClassVar[dict[str, Answer | Exception]] = {}
    bars: ClassVar[dict[str, list[Bar] | Exception]] = {}
    rates: ClassVar[dict[str, dict[str, Decimal] | Exception]] = {}
    asked: ClassVar[list[tuple[str, list[str]]]] = []

    def __init__(
        self, *, name: str, is_real: bool = True, interval: float = 60.0, **_: Any
    ) -> None:
        self.name = name
        self.is_real = is_real
        self._interval = timedelta(seconds=interval)

    def interval(self, *, now: datetime) -> timedelta:
        return self._interval

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        self.asked.append((self.name, list(coin_ids)))
        answer = self.answers.get(self.name, FeedError(f"{self.name} is down."))
        if isinstance(answer, Exception):
            raise answer
        return answer(coin_ids, now)

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:
        self.asked.append((f"{self.name} history", [coin_id]))
        answer = self.bars.get(coin_id, [])
        if isinstance(answer, Exception):
            raise answer
        return [bar for bar in answer if start <= bar.start < end]

    def exchange_rates(self, currencies: Sequence[str], *, now: datetime) -> dict[str, Decimal]:
        self.asked.append((f"{self.name} rates", list(currencies)))
        answer = self.rates.get(self.name, FeedError(f"{self.name} is down."))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def search(self, query: str, *, now: datetime) -> list[tuple[str, str, str]]:
        self.asked.append((f"{self.name} search", [query]))
        return [("wormhole", "w", "Wormhole"), ("bad id", "x", "X"), ("bitcoin", "btc", "Bitcoin")]
