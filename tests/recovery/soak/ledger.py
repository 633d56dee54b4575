"""What the database says of the script's coins, asked beside the product by plain SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_COIN = "SELECT last_price, price_at, evaluated_at FROM market_coin WHERE id = '{}'"
_WAITING = "SELECT count(*) FROM alerts_notification WHERE settled_at IS NULL"


class Ledger:
    """Reads one row at a time; a connection each, in a thread."""

    def __init__(self, url: str) -> None:
        self._read: Callable[[str], Any] = (
            self._of_postgres if url.startswith("postgres") else self._of_sqlite
        )
        self._url = url

    async def is_settled(self, coin_id: str, price: Decimal, since: datetime) -> bool:
        """Tell whether this price, of this moment or later, is stored and evaluated."""
        row = await asyncio.to_thread(self._read, _COIN.format(coin_id))
        if row is None or None in row:
            return False
        stored, at, evaluated = Decimal(str(row[0])), _moment(row[1]), _moment(row[2])
        return stored == price and since <= at <= evaluated

    async def waiting(self) -> int:
        """Return how many notifications have not been sent yet."""
        row = await asyncio.to_thread(self._read, _WAITING)
        return int(row[0])

    def _of_postgres(self, query: str) -> Any:
        import psycopg

        with psycopg.connect(self._url) as connection:
            return connection.execute(query).fetchone()

    def _of_sqlite(self, query: str) -> Any:
        path = self._url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(query).fetchone()


def _moment(value: str | datetime) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)
