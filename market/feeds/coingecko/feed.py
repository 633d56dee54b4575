"""The CoinGecko feed: what the market asks, in CoinGecko's words."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from market import budget
from market.feeds.base import Feed, FeedError
from market.feeds.figures import number
from market.quotes import Bar, Quote, is_coin_id

from . import rows
from .answers import history_too_long
from .client import Client
from .plans import access

logger = logging.getLogger(__name__)

COINS_PER_CALL = 250
LONGEST_LIST = 6000  # characters of ids: with everything else, an address under 8 kB
SEARCH_RESULTS = 25


def _utc_now() -> datetime:
    return datetime.now(tz=UTC)


class CoinGeckoFeed(Feed):
    """Real prices from CoinGecko, on one of its plans."""

    is_real = True

    def __init__(
        self,
        *,
        name: str = "coingecko",
        plan: str = "keyless",
        api_key: str = "",
        base_url: str = "",
        monthly_calls: int = 0,
        calls_per_minute: int = 0,
        attempts: int = 3,
        deadline: float = 40.0,
        clock: Callable[[], datetime] = _utc_now,
        **client_options: Any,
    ) -> None:
        """`deadline` is in seconds, over all attempts; 0 leaves a limit to the plan."""
        self.name = name
        self._clock = clock
        self._calls_per_fetch = 1
        allowed = access(
            plan=plan,
            api_key=api_key,
            base_url=base_url,
            monthly_calls=monthly_calls,
            calls_per_minute=calls_per_minute,
        )
        self._plan = allowed.plan
        self._client = Client(
            name=name, access=allowed, attempts=attempts, deadline=deadline, **client_options
        )

    @property
    def monthly_calls(self) -> int | None:
        return self._plan.monthly

    def interval(self, *, now: datetime) -> timedelta:
        if self._plan.monthly is None:
            return self._plan.interval
        return budget.paced_interval(
            name=self.name,
            shortest=self._plan.interval,
            monthly=self._plan.monthly,
            calls_per_fetch=self._calls_per_fetch,
            now=now,
        )

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        batches = list(_batches(coin_ids)) if coin_ids else [""]
        self._calls_per_fetch = max(1, len(batches))
        found: list[Quote] = []
        for index, ids in enumerate(batches):
            try:
                found += self._markets(ids, now=now)
            except FeedError:
                if not found:
                    raise
                # What has arrived is good; the coins that are missing grow stale and say so.
                logger.warning(
                    "%s: only %d of %d calls succeeded", self.name, index, len(batches),
                    exc_info=True,
                )  # fmt: skip
                break
        return found

    def _markets(self, ids: str, *, now: datetime) -> list[Quote]:
        params = {
            "vs_currency": "usd",
            "order": "market_cap_desc",
            "per_page": str(COINS_PER_CALL),
            "page": "1",
            "sparkline": "true",
            "price_change_percentage": "24h,7d",
            "include_rehypothecated": "true",
            "precision": "full",
        }
        if ids:
            params["ids"] = ids
        body = self._client.get("/coins/markets", params, now=now)
        if isinstance(body, dict):  # some mirrors and recordings wrap the list
            body = body.get("data")
        if not isinstance(body, list):
            raise _unexpected("/coins/markets")
        return rows.quotes(body, source=self.name)

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:
        """CoinGecko's grain: five minutes for the last day, hours up to 90 days, then days."""
        now = self._clock()
        end = min(end, now)
        if not is_coin_id(coin_id):
            raise FeedError(f"“{coin_id}” is no id of a coin.", permanent=True)
        if start >= end:
            return []
        start = self._reachable(start, now=now)
        path = f"/coins/{coin_id}/market_chart"
        params = {"vs_currency": "usd", "precision": "full"}
        if now - end < timedelta(minutes=5):
            params["days"] = str(max(1, math.ceil((now - start) / timedelta(days=1))))
        else:
            path += "/range"
            params["from"] = str(int(start.timestamp()))
            params["to"] = str(int(end.timestamp()))
        body = self._client.get(path, params, now=now)
        if not isinstance(body, dict) or "prices" not in body:
            raise _unexpected(path)
        return rows.bars(body, coin_id=coin_id, start=start, end=end)

    def _reachable(self, start: datetime, *, now: datetime) -> datetime:
        """Refuse what the plan does not reach before a call is spent on asking for it."""
        if self._plan.history_days is None:
            return start
        earliest = now - timedelta(days=self._plan.history_days)
        if start < earliest - timedelta(days=1):
            raise history_too_long(self._plan)
        return max(start, earliest)  # a caller whose "a year ago" is a moment old by now

    def exchange_rates(self, currencies: Sequence[str], *, now: datetime) -> dict[str, Decimal]:
        body = self._client.get("/exchange_rates", now=now)
        listed = body.get("rates") if isinstance(body, dict) else None
        if not isinstance(listed, dict):
            raise _unexpected("/exchange_rates")
        per_bitcoin = {}
        for currency in {"USD", *currencies}:
            row = listed.get(currency.lower())
            value = number(row.get("value")) if isinstance(row, dict) else None
            if value is not None and value > 0:
                per_bitcoin[currency] = value
        dollars = per_bitcoin.get("USD")
        if dollars is None:
            raise _unexpected("/exchange_rates")
        rates = {c: (per_bitcoin[c] / dollars) for c in currencies if c in per_bitcoin}
        return {c: rate.quantize(Decimal("1e-8")) for c, rate in rates.items() if rate < 10**11}

    def search(self, query: str, *, now: datetime) -> list[tuple[str, str, str]]:
        query = rows.text(query, 100)
        if not query:
            return []
        body = self._client.get("/search", {"query": query}, now=now)
        coins = body.get("coins") if isinstance(body, dict) else None
        if not isinstance(coins, list):
            raise _unexpected("/search")
        found = [
            (row["id"], rows.text(row.get("symbol"), 32), rows.text(row.get("name"), 128))
            for row in coins
            if isinstance(row, dict) and is_coin_id(row.get("id"))
        ]
        return [row for row in found if row[1] and row[2]][:SEARCH_RESULTS]


def _batches(coin_ids: Sequence[str]) -> Iterator[str]:
    """Yield the ids, each once, as lists that one call takes; what can be no id is skipped."""
    batch: list[str] = []
    length = 0
    for coin_id in dict.fromkeys(filter(is_coin_id, coin_ids)):
        cost = len(coin_id.encode()) + 3  # a comma travels as %2C
        if batch and (len(batch) == COINS_PER_CALL or length + cost > LONGEST_LIST):
            yield ",".join(batch)
            batch, length = [], 0
        batch.append(coin_id)
        length += cost
    if batch:
        yield ",".join(batch)


def _unexpected(path: str) -> FeedError:
    return FeedError(
        f"CoinGecko's answer to {path} has a form that it never had; check COINGECKO_URL."
    )
