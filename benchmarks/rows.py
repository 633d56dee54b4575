"""Rows of a grown installation: coins with prices, people with portfolios, resting alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import User
    from market.quotes import Quote

PRICE = Decimal("60000.123456789")
BATCH = 2000


def coin_id(number: int) -> str:
    return f"coin-{number}"


def add_coins(count: int, now: datetime) -> None:
    """Store coins as an evaluated tick has left them."""
    from market.models import Coin

    _store(
        Coin,
        (
            Coin(
                id=coin_id(number), symbol=f"c{number}", name=f"Coin {number}", rank=number + 1,
                quantity_step=Decimal("0.00000001"), last_price=PRICE, price_at=now,
                source="simulated", change_24h=Decimal("1.5"), change_7d=Decimal("-3.25"),
                market_cap=Decimal(10**9), volume_24h=Decimal(10**7),
                tick_low=PRICE, tick_high=PRICE, tick_since=now, evaluated_at=now,
                sparkline=[60000.0 + step for step in range(168)],
            )
            for number in range(count)
        ),
    )  # fmt: skip


def tick(count: int, at: datetime, step: int) -> list[Quote]:
    """Return one quote of each coin; `step` moves the price by a few hundredths of a percent."""
    from market.quotes import Quote

    return [
        Quote(
            coin_id=coin_id(number),
            price=PRICE * (1 + Decimal((number + step) % 7 - 3) / 10000),
            price_at=at,
            source="simulated",
            rank=number + 1,
            change_24h=Decimal("1.5") + step % 5,
            change_7d=Decimal("-3.25"),
            market_cap=Decimal(10**9) + step,
            volume_24h=Decimal(10**7) + step,
        )
        for number in range(count)
    ]


def add_people(count: int, *, first: int = 0) -> list[User]:
    """Store people with a portfolio each, who cannot log in: a password takes 50 ms to hash."""
    from accounts.models import User
    from portfolio.models import Portfolio

    people = [
        User(username=f"person{number}", email=f"person{number}@example.com", password="!")
        for number in range(first, first + count)
    ]
    _store(User, iter(people))
    _store(
        Portfolio,
        (
            Portfolio(
                id=Portfolio.default_key(user.pk), user=user, is_default=True,
                paid_in=Decimal(10**6), cash=Decimal(10**6),
            )
            for user in people
        ),
    )  # fmt: skip
    return people


def add_alerts(count: int, people: list[User], coins: int) -> None:
    """Store armed alerts, half of them above and half below, none of them near the price."""
    from alerts.models import PriceAlert

    _store(
        PriceAlert,
        (
            PriceAlert(
                user=people[number % len(people)], coin_id=coin_id(number % coins),
                condition="above" if _is_above(number, coins) else "below",
                target=_far(number, coins),
            )
            for number in range(count)
        ),
    )  # fmt: skip


def _is_above(number: int, coins: int) -> bool:
    return bool(number // coins % 2)


def _far(number: int, coins: int) -> Decimal:
    """Return a target between a tenth and six tenths away, on the side that has not been met."""
    away = Decimal(number % 9973) / 20000 + Decimal("0.1")
    factor = 1 + away if _is_above(number, coins) else 1 - away
    return (PRICE * factor).quantize(Decimal("0.0001"))


def _store(model: Any, rows: Iterator[Any]) -> None:
    while batch := list(islice(rows, BATCH)):
        model.objects.bulk_create(batch)


def later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
