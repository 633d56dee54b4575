"""A page asks the same number of queries of a small market as of one with 250 coins.

And of a person with ten thousand transactions as of one with three.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Transaction
from tests.portals.conftest import logged_in, person_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FEW_COINS = 5
FEW, MANY = 3, 10_000

#: page, whose, arguments of its address.
OF_COINS: tuple[tuple[str, Role | None, tuple[str, ...]], ...] = (
    ("market:list", None, ()),
    ("market:list", Role.USER, ()),
    ("market:coin", None, ("coin-1",)),
    ("market:coin", Role.USER, ("coin-1",)),
    ("market:charts", Role.USER, ()),
    ("market:news", Role.USER, ()),
    ("market:watchlist", Role.USER, ()),
    ("portals:landing", None, ()),
    ("portals:dashboard", Role.USER, ()),
    ("portals:admin", Role.ADMIN, ()),
    ("portals:statistics", Role.ADMIN, ()),
    ("portals:analyst", Role.ANALYST, ()),
    ("portals:analysis", Role.ANALYST, ()),
    ("portals:screener", Role.ANALYST, ()),
    ("portals:moderator", Role.MODERATOR, ()),
    ("portals:settings", Role.USER, ()),
    ("portfolio:overview", Role.USER, ()),
    ("portfolio:trade", Role.USER, ()),
    ("alerts:list", Role.USER, ()),
)

OF_TRANSACTIONS = ("portals:dashboard", "portfolio:overview", "portfolio:transactions")


def queries_of(client: Any, url: str) -> int:
    """Count what a visit asks when nothing is in the cache."""
    client.get(url)  # what a first visit makes is made
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


@pytest.mark.parametrize(
    "page", OF_COINS, ids=lambda page: f"{page[0]}-{page[1].value if page[1] else 'visitor'}"
)
def test_a_page_asks_as_often_of_five_coins_as_of_two_hundred_and_fifty(
    page: tuple[str, Role | None, tuple[str, ...]], market_of_250: list[Coin], client: Any
) -> None:
    name, role, args = page
    if role is not None:
        client = logged_in(person_of(role))
    url = reverse(name, args=args)
    many = queries_of(client, url)
    Coin.objects.filter(rank__gt=FEW_COINS).update(tracked=False)
    assert queries_of(client, url) == many


def trades(user: User, coin: Coin, number: int) -> None:
    """Give a person so many trades of the past."""
    own = portfolio.default_portfolio(user=user)
    now = timezone.now()
    Transaction.objects.bulk_create(
        (
            Transaction(
                id=Transaction.key(own.pk, f"trade-{one}"),
                portfolio=own, user=user, coin=coin, side="sell" if one % 2 else "buy",
                quantity=Decimal("0.001"), price=Decimal(90000), price_at=now,
                price_source="simulated", amount=Decimal(90), fee=Decimal(0),
                executed_at=now - timedelta(minutes=50 * one),
                client_order_id=f"trade-{one}", asked="quantity 0.001",
            )
            for one in range(number)
        ),
        batch_size=1000, ignore_conflicts=True,
    )  # fmt: skip


def test_pages_ask_as_often_of_three_transactions_as_of_ten_thousand(
    market_of_250: list[Coin],
) -> None:
    user = person_of(Role.USER)
    client = logged_in(user)
    counts = []
    for number in (FEW, MANY):
        trades(user, market_of_250[0], number)
        counts.append({name: queries_of(client, reverse(name)) for name in OF_TRANSACTIONS})
    assert counts[0] == counts[1]


def test_the_admins_list_of_transactions_asks_as_often_of_ten_thousand(
    market_of_250: list[Coin],
) -> None:
    user, client = person_of(Role.USER), logged_in(person_of(Role.ADMIN))
    url = reverse("portfolio:all-transactions")
    trades(user, market_of_250[0], FEW)
    few = queries_of(client, url)
    trades(user, market_of_250[0], MANY)
    assert queries_of(client, url) == few
