"""What the database says of the script's coins, asked beside the product by plain SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_ROW = "SELECT last_price, price_at, evaluated_at FROM market_coin WHERE id = "


class Ledger:
    """Reads one row at a time; a connection each, in a thread."""

    def __init__(self, url: str) -> None:
        self._read: Callable[[str], Any] = (
            self._of_postgres if url.startswith("postgres") else self._of_sqlite
        )
        self._url = url

    async def is_settled(self, coin_id: str, price: Decimal, since: datetime) -> bool:
        """Tell whether this price, of this moment or later, is stored and evaluated."""
        row = await asyncio.to_thread(self._read, coin_id)
        if row is None or None in row:
            return False
        stored, at, evaluated = Decimal(str(row[0])), _moment(row[1]), _moment(row[2])
        return stored == price and since <= at <= evaluated

    def _of_postgres(self, coin_id: str) -> Any:
        import psycopg

        with psycopg.connect(self._url) as connection:
            return connection.execute(_ROW + "%s", [coin_id]).fetchone()

    def _of_sqlite(self, coin_id: str) -> Any:
        path = self._url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(_ROW + "?", [coin_id]).fetchone()


def _moment(value: str | datetime) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)
