"""What the portals' tests put into the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from market.models import Candle, Coin
from portfolio.models import Portfolio, Transaction
from tests.conftest import make_coin

ANY_NAME = {
    Role.USER: "alice",
    Role.ADMIN: "root",
    Role.ANALYST: "ana",
    Role.MODERATOR: "mo",
}


def person_of(role: Role, username: str = "", **extra: Any) -> User:
    """Create a person without a password: hashing one is most of what a small test costs."""
    username = username or ANY_NAME[role]
    return User.objects.create(
        username=username, email=f"{username}@example.com", role=role, password="!", **extra
    )


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_closes(coin: Coin, closes: Sequence[float | str], *, last: datetime) -> None:
    """Store daily closes, the last of them on the day of `last`, one a day before it."""
    midnight = last.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = []
    for back, close in enumerate(reversed(closes)):
        start, price = midnight - timedelta(days=back), Decimal(str(close))
        rows.append(
            Candle(
                id=Candle.key(coin.pk, "1d", start),
                coin=coin,
                resolution="1d",
                start=start,
                open=price,
                high=price,
                low=price,
                close=price,
                open_at=start,
                close_at=start,
                source="simulated",
            )
        )
    Candle.objects.bulk_create(rows)


def make_trade(user: User, coin: Coin, *, at: datetime, side: str = "buy", amount: str = "100",
               ) -> Transaction:  # fmt: skip
    """Store a trade as it would lie there, without what it does to the portfolio."""
    portfolio, _ = Portfolio.objects.get_or_create(
        pk=Portfolio.default_key(user.pk),
        defaults={"user": user, "is_default": True, "paid_in": 10000, "cash": 10000},
    )
    order = str(uuid.uuid4())
    return Transaction.objects.create(
        id=Transaction.key(portfolio.pk, order),
        portfolio=portfolio,
        user=user,
        coin=coin,
        side=side,
        quantity=Decimal("0.001"),
        price=Decimal(100000),
        price_at=at,
        price_source="simulated",
        amount=Decimal(amount),
        fee=Decimal(0),
        executed_at=at,
        client_order_id=order,
    )


@pytest.fixture
def market_of_250(db: None) -> list[Coin]:
    """As many coins as CoinGecko's first page has, two of them with a quarter of days."""
    at = timezone.now()
    coins = [
        make_coin(
            f"coin-{rank}",
            price=str(100000 / rank),
            at=at,
            rank=rank,
            symbol=f"c{rank}",
            name=f"Coin {rank}",
            change_24h=Decimal(rank % 7 - 3),
            market_cap=Decimal(10**12 // rank),
            volume_24h=Decimal(10**10 // rank),
            sparkline=[float(rank + i % 5) for i in range(168)],
        )
        for rank in range(1, 251)
    ]
    for coin in coins[:8]:
        make_closes(coin, [100 + (day * 7) % 13 for day in range(90)], last=at)
    return coins


@pytest.fixture
def visit() -> Callable[..., Any]:
    """Return a function that shows a page to a person of a role and returns the answer."""

    def show(url: str, role: Role | None = None, **query: str) -> Any:
        client = Client() if role is None else logged_in(person_of(role))
        return client.get(url, query)

    return show
