"""The product on a DynamoDB in memory, with the rows that the measurements are about."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cryptopulse.dynamodb import local

if TYPE_CHECKING:
    from accounts.models import User

#: The end of the newest candle. Time to live goes by the clock, so rows may not be old.
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
CANDLES, COINS, TRADES = 300, 50, 60


@contextmanager
def on_dynamodb() -> Iterator[None]:
    """Set Django up on a server that lives as long as the block, with the product's tables."""
    with local.running() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="cryptopulse.settings",
            READ_DOTENV="0",
            DEBUG="0",  # Django's debug cursor would be measured too
            HTTPS="0",
            SECRET_KEY="only-for-measuring-" + "x" * 50,
            ALLOWED_HOSTS="testserver",
            LOCAL_DIR=folder,
            MARKET_FEEDS="simulated",
            LOG_LEVEL="ERROR",
            STATIC_URL="/static/",
            DATABASE_URL=f"dynamodb://us-east-1/bench?endpoint={server.url}&catalogue_ttl=3600",
        )
        import django

        warnings.filterwarnings("ignore", "No directory at")  # servestatic: no collectstatic
        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.STORAGES["staticfiles"] = {
            "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        }
        call_command("migrate", verbosity=0)
        yield


def candles(first: int, count: int) -> list[Any]:
    """Return candles of one minute each, not yet stored; the first ends `first` minutes ago."""
    from market.models import Candle

    made = []
    for minutes in range(first, first + count):
        start = NOW - timedelta(minutes=minutes + 1)
        price = Decimal("60000.123456789") + minutes
        made.append(
            Candle(
                id=Candle.key("coin-0", "1m", start),
                coin_id="coin-0",
                resolution="1m",
                start=start,
                open=price,
                high=price + 1,
                low=price - 1,
                close=price,
                open_at=start + timedelta(seconds=1, microseconds=123456),
                close_at=start + timedelta(seconds=58),
                volume=Decimal("12.5"),
                source="simulated",
                expires_at=NOW + timedelta(days=7),
            )
        )
    return made


def fill() -> User:
    """Store coins, candles and one person with trades; return the person."""
    from accounts.models import User
    from market.models import Candle, Coin
    from portfolio import services as portfolio

    price = Decimal("60000.123456789")
    Coin.objects.bulk_create(
        Coin(
            id=f"coin-{number}",
            symbol=f"c{number}",
            name=f"Coin {number}",
            rank=number + 1,
            quantity_step=Decimal("0.00000001"),
            last_price=price,
            price_at=NOW,
            source="simulated",
            tick_low=price,
            tick_high=price,
            tick_since=NOW,
        )
        for number in range(COINS)
    )
    Candle.objects.bulk_create(candles(0, CANDLES))
    alice = User.objects.create_user(username="alice", email="alice@example.com", password="x")
    for number in range(TRADES):
        portfolio.place_order(
            user=alice,
            side="buy",
            coin_id=f"coin-{number % COINS}",
            amount=Decimal(10),
            client_order_id=f"order-{number}",
            now=NOW + timedelta(seconds=number),
        )
    return alice
