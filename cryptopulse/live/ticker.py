"""This process's hub, tied to the market: where its prices come from."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from market import services as market
from market.quotes import Quote

from . import transport
from .board import Entry, decimal_text, encode_quotes, milliseconds
from .hub import Hub

logger = logging.getLogger(__name__)


@database_sync_to_async
def stored_entries() -> Iterable[Entry]:
    """Read all tracked coins: one query."""
    return [
        Entry(
            id=coin.id,
            symbol=coin.symbol,
            name=coin.name,
            rank=coin.rank,
            price=decimal_text(coin.last_price),
            at=milliseconds(coin.price_at) if coin.price_at else 0,
            change_24h=decimal_text(coin.change_24h),
            source=coin.source,
        )
        for coin in market.latest_quotes()
    ]


hub = Hub(
    stale_after=settings.STALE_AFTER.total_seconds(),
    load=stored_entries,
    listen=transport.listen if settings.REDIS_URL else None,
)


def publish_quotes(
    *,
    quotes: list[Quote],
    now: datetime,  # noqa: ARG001 (part of the signal)
    is_shown: bool = False,
    **_: Any,
) -> None:
    """Send a tick to all browsers, unless they have it.

    Receiver of `market.signals.prices_updated` and, while a stream runs, of `prices_ticked`.
    """
    if quotes and not is_shown:
        transport.publish(encode_quotes(quotes), hub=hub)
