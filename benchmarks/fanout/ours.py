"""The product: its server, its application, a database of its own, ticks as the market posts them.

`python -m benchmarks.fanout.ours raw|portable <database>`: by the hub's own protocol, or by
uvicorn's as it comes, where the hub has nothing but ASGI. `... ours fill <database>` makes the
SQLite file of which each server takes a copy.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fanout import server, ticks

if TYPE_CHECKING:
    from market.quotes import Quote


def main(what: str, database: Path) -> None:
    """Make the database, or serve until standard input ends."""
    with tempfile.TemporaryDirectory() as folder:
        if what == "fill":
            _set_up(Path(folder), database)
            _fill()
            return
        own = Path(folder) / database.name
        shutil.copy(database, own)
        _set_up(Path(folder), own)
        _serve(what)


def _set_up(folder: Path, database: Path) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="cryptopulse.settings",
        READ_DOTENV="0",
        DEBUG="0",
        HTTPS="0",
        SECRET_KEY="only-for-measuring-" + "x" * 50,
        ALLOWED_HOSTS="127.0.0.1",
        LOCAL_DIR=str(folder),
        DATABASE_URL=f"sqlite:///{database}",
        REDIS_URL="",
        MARKET_FEEDS="coingecko",  # nobody asks it: there is no worker here
        LOG_LEVEL="ERROR",
        SOCKETS_PER_ADDRESS="100000",  # a thousand browsers behind one address
    )
    import django

    django.setup()
    from django.conf import settings

    settings.RATE_LIMITS["socket"] = (10**9, 60)


def _fill() -> None:
    from django.core.management import call_command

    from market.models import Coin

    call_command("migrate", verbosity=0)

    now = datetime.now(UTC)
    Coin.objects.all().delete()
    Coin.objects.bulk_create(
        Coin(
            id=coin_id,
            symbol=coin_id.replace("coin-", "c"),
            name=coin_id.capitalize(),
            rank=rank,
            last_price=Decimal(0 if coin_id == ticks.NUMBER else rank),
            price_at=now,
            change_24h=Decimal("2.31"),
            source=ticks.SOURCE,
        )
        for rank, coin_id in enumerate(ticks.IDS, start=1)
    )


def _serve(path: str) -> None:
    from cryptopulse.embedded import Server

    listening = server.listener()
    made = Server(on_started=lambda: server.serving(listening))
    if path == "portable":
        made.config.ws = "websockets-sansio"
    server.obey(ticks.quotes, _post)
    made.run(sockets=[listening])


def _post(tick: list[Quote]) -> None:
    from cryptopulse.live.ticker import publish_quotes

    ticks.stamp(tick)
    publish_quotes(quotes=tick, now=tick[0].price_at)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
