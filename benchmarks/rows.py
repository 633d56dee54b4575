"""Rows of a grown installation: coins with prices, people with portfolios, resting alerts."""

from __future__ import annotations

from collections import Counter
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


def add_candles(count: int, coins: int, now: datetime) -> None:
    """Store minutes that end before now, as many for each coin."""
    from market.models import Candle

    minute = now.replace(second=0, microsecond=0)

    def candle(coin: int, back: int) -> Candle:
        start = minute - timedelta(minutes=back + 1)
        return Candle(
            id=Candle.key(coin_id(coin), "1m", start), coin_id=coin_id(coin), resolution="1m",
            start=start, open=PRICE, high=PRICE + 1, low=PRICE - 1, close=PRICE, open_at=start,
            close_at=start + timedelta(seconds=58), source="simulated",
            expires_at=now + timedelta(days=7),
        )  # fmt: skip

    _store(Candle, (candle(number % coins, number // coins) for number in range(count)))


def add_trades(count: int, people: list[User], coins: int, now: datetime) -> None:
    """Store buys of ten dollars with what they leave: transactions, holdings, less cash."""
    from portfolio.models import Holding, Portfolio, Transaction

    amount = Decimal(10)
    quantity = (amount / PRICE).quantize(Decimal("1e-8"))
    keys = [Portfolio.default_key(user.pk) for user in people]
    _store(
        Transaction,
        (
            Transaction(
                id=Transaction.key(keys[number % len(people)], str(number)),
                portfolio_id=keys[number % len(people)], user=people[number % len(people)],
                coin_id=coin_id(number % coins), side="buy", quantity=quantity, price=PRICE,
                price_at=now, price_source="simulated", amount=amount, fee=0, currency="USD",
                exchange_rate=1, executed_at=now - timedelta(seconds=count - number),
                client_order_id=str(number), asked=f"amount {amount}",
            )
            for number in range(count)
        ),
    )  # fmt: skip
    held: Counter[tuple[int, int]] = Counter(
        (number % len(people), number % coins) for number in range(count)
    )
    _store(
        Holding,
        (
            Holding(
                id=Holding.key(keys[person], coin_id(coin)), portfolio_id=keys[person],
                coin_id=coin_id(coin), quantity=quantity * times, cost=amount * times,
            )
            for (person, coin), times in held.items()
        ),
    )  # fmt: skip
    spent = Counter(number % len(people) for number in range(count))
    for portfolios in _batches(
        Portfolio(pk=keys[person], cash=Decimal(10**6) - amount * times)
        for person, times in spent.items()
    ):
        Portfolio.objects.bulk_update(portfolios, ["cash"], batch_size=200)


def _is_above(number: int, coins: int) -> bool:
    return bool(number // coins % 2)


def _far(number: int, coins: int) -> Decimal:
    """Return a target between a tenth and six tenths away, on the side that has not been met."""
    away = Decimal(number % 9973) / 20000 + Decimal("0.1")
    factor = 1 + away if _is_above(number, coins) else 1 - away
    return (PRICE * factor).quantize(Decimal("0.0001"))


def _store(model: Any, rows: Iterator[Any]) -> None:
    for batch in _batches(rows):
        model.objects.bulk_create(batch)


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
