"""A site with people on it: coins, portfolios, alerts, watch lists, a month of values, headlines.

`python -m benchmarks.load.site <folder>` makes it in a new SQLite file there.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

COINS, PEOPLE = 250, 50
TRADES, ALERTS, WATCHED = 5, 6, 4  # of each person
HOURS = 24 * 30  # of each portfolio's values
HEADLINES = 30


def set_up(folder: str) -> None:
    """Start Django on a SQLite file in `folder`, as in production but for static files' names."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",  # tables without migrations
        "SECRET_KEY": "only-for-benchmarks-" + "x" * 50,
        "LOCAL_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder}/load.sqlite3",
        "ALLOWED_HOSTS": "127.0.0.1",
        "MARKET_FEEDS": "simulated",
        "SOCKETS_PER_ADDRESS": "100000",
        "READ_DOTENV": "0",
        "DEBUG": "0",
        "HTTPS": "0",
        "LOG_LEVEL": "WARNING",
    }
    os.environ.pop("REDIS_URL", None)
    import django
    from django.conf import settings

    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"] = {"BACKEND": storage}
    # Fifty people and five hundred browsers sit behind one address here.
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (10**6, 60))
    settings.FLAG_RULES = dict.fromkeys(settings.FLAG_RULES, (10**6, 60))
    django.setup()


def fill(folder: str) -> None:
    """Fill the database; write one session key for each person to `sessions.json`."""
    from django.core.management import call_command
    from django.utils import timezone

    from market import services as market

    now = timezone.now()
    call_command("migrate", run_syncdb=True, verbosity=0)
    market.seed_demo_coins()
    market.fetch_prices(now=now)
    market.load_history(now=now, coins=1)
    add_coins(now)
    add_headlines(now)
    coins = market.latest_quotes()
    sessions = [add_person(number, coins, now) for number in range(PEOPLE)]
    Path(folder, "sessions.json").write_text(json.dumps(sessions))


def add_coins(now: datetime) -> None:
    from market.models import Coin

    pattern = Coin.objects.get(pk="bitcoin")
    Coin.objects.bulk_create(
        Coin(
            id=f"coin-{number}", symbol=f"c{number}", name=f"Coin {number}", rank=number,
            last_price=Decimal(number), price_at=now, source="simulated",
            change_24h=Decimal(number % 19 - 9), change_7d=Decimal(number % 23 - 11),
            market_cap=Decimal(10**9), volume_24h=Decimal(10**7), sparkline=pattern.sparkline,
            quantity_step=Decimal("0.0001"),
        )
        for number in range(Coin.objects.count() + 1, COINS + 1)
    )  # fmt: skip


def add_headlines(now: datetime) -> None:
    from market.models import Article

    Article.objects.bulk_create(
        Article(
            id=f"headline-{number}",
            title=f"Bitcoin holds its range, part {number}",
            url=f"https://example.com/{number}",
            publisher="Example Wire",
            published_at=now - timedelta(hours=number),
        )
        for number in range(HEADLINES)
    )


def add_person(number: int, coins: list[Coin], now: datetime) -> str:
    """Let somebody sign up, trade, set alerts and watch; return the key of their session."""
    from accounts.models import User
    from alerts import services as alerts
    from market import services as market
    from portfolio import services as portfolio

    name = f"person{number}"
    user = User.objects.create(username=name, email=f"{name}@example.com")
    chosen = [coins[(number + step * 7) % len(coins)] for step in range(ALERTS)]
    for coin in chosen[:TRADES]:
        portfolio.place_order(
            user=user, side="buy", coin_id=coin.id, amount=Decimal(1000),
            client_order_id=f"first-{coin.id}", now=now,
        )  # fmt: skip
    for coin in chosen:
        assert coin.last_price is not None
        # Far from the price: nothing fires while pages are measured.
        target = (coin.last_price * 5).quantize(Decimal(1).scaleb(coin.last_price.adjusted() - 4))
        alerts.create_alert(
            user=user, coin_id=coin.id, condition="above", target=target,
            channels=["in_app"], now=now,
        )  # fmt: skip
    for coin in chosen[:WATCHED]:
        market.watch(user=user, coin_id=coin.id)
    add_values(portfolio.default_portfolio(user=user), now)
    return session_of(user)


def add_values(folder: Any, now: datetime) -> None:
    """Give a portfolio the values of a month, one an hour, as the beat notes them."""
    from portfolio.models import EquityPoint, Span

    hour = now.replace(minute=0, second=0, microsecond=0)
    moments = [hour - timedelta(hours=back) for back in range(1, HOURS + 1)]
    EquityPoint.objects.bulk_create(
        EquityPoint(
            id=EquityPoint.key(folder.pk, Span.HOUR, at), portfolio=folder, span=Span.HOUR, at=at,
            value=Decimal(10000 + index % 97), cash=folder.cash,
            expires_at=at + timedelta(days=90),
        )
        for index, at in enumerate(moments)
    )  # fmt: skip
    folder.created_at = moments[-1]
    folder.save(update_fields=["created_at"])


def session_of(user: User) -> str:
    """Log somebody in without a password; return the session's key."""
    from django.conf import settings
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "127.0.0.1"
    request.session = SessionStore()
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session.save()
    return str(request.session.session_key)


if __name__ == "__main__":
    set_up(sys.argv[1])
    fill(sys.argv[1])
