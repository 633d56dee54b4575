"""Requests and capacity units of what applications do all day, on a local DynamoDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from benchmarks.product import CANDLES, NOW, candles
from cryptopulse.dynamodb.metering import READS, Request, capture_requests

if TYPE_CHECKING:
    from accounts.models import User

#: On-demand prices of us-east-1 in US dollars per million units, since November 2024.
READ_PRICE, WRITE_PRICE = 0.125, 0.625
#: Tables that every page of somebody logged in reads besides.
SESSION = {"django_session", "accounts_user"}


@dataclass
class Cost:
    """What one operation asks of DynamoDB."""

    name: str
    requests: dict[str, int]
    read_units: float
    write_units: float

    @property
    def dollars(self) -> float:
        """Price of a million of them."""
        return self.read_units * READ_PRICE + self.write_units * WRITE_PRICE


def measure(alice: User) -> list[Cost]:
    """Run each operation once and return what it cost."""
    return [_cost(name, call) for name, call in _operations(alice).items()]


def _cost(name: str, call: Callable[[], object]) -> Cost:
    with capture_requests() as captured:
        call()
    made = [one for one in captured.requests if name[:5] != "admin" or one.table not in SESSION]
    assert not captured.scans, (name, str(captured))
    return Cost(
        name,
        dict(Counter(request.operation for request in made)),
        _units(made, reads=True),
        _units(made, reads=False),
    )


def _units(requests: list[Request], *, reads: bool) -> float:
    return sum(one.units for one in requests if (one.operation in READS) is reads)


def _operations(alice: User) -> dict[str, Callable[[], object]]:
    from django.db.models import F
    from django.test import Client

    from accounts.models import User
    from accounts.roles import Role
    from market.models import Candle, Coin, WatchlistItem
    from portfolio import services as portfolio
    from portfolio.models import Portfolio, Transaction

    own = portfolio.default_portfolio(user=alice)
    coin = Coin.objects.get(pk="coin-1")
    watched = WatchlistItem(id=WatchlistItem.key(alice.pk, coin.pk), user=alice, coin=coin)
    minutes = Candle.objects.filter(coin="coin-0", resolution="1m")
    keys = [candle.pk for candle in candles(0, 150)]
    trades = Transaction.objects.filter(portfolio=own).order_by("-executed_at", "-id")
    root = User.objects.create_user(username="root", email="root@example.com", role=Role.ADMIN)
    admin = Client()
    admin.force_login(root)
    admin.get("/admin/")  # content types and the like are remembered from here on

    def rename() -> None:
        own.name = "Renamed"
        own.save()

    def trade() -> Any:
        return portfolio.place_order(
            user=alice,
            side="buy",
            coin_id="coin-1",
            amount=Decimal(10),
            client_order_id="measured",
            now=NOW + timedelta(minutes=2),
        )

    def admin_list() -> None:
        answer = admin.get("/admin/portfolio/transaction/")
        assert answer.status_code == 200, answer.status_code  # noqa: PLR2004 - OK

    return {
        "get by primary key": lambda: Coin.objects.get(pk="coin-1"),
        "get by a unique column": lambda: User.objects.get(username="alice"),
        "50 rows of an index, newest first": lambda: list(minutes.order_by("-start")[:50]),
        "50 trades, select_related of 50 coins": lambda: list(trades.select_related("coin")[:50]),
        "150 rows by primary key IN": lambda: list(Candle.objects.filter(pk__in=keys)),
        "COUNT of 300 rows of an index": minutes.count,
        "save() of a loaded row with 1 index": rename,
        "update() with F() under a condition": lambda: Portfolio.objects.filter(
            pk=own.pk, cash__gte=1
        ).update(cash=F("cash") - 1),
        "create() of a row with 1 index": lambda: watched.save(force_insert=True),
        "create() of a row with 2 unique columns, 1 index": lambda: User.objects.create(
            username="bob", email="bob@example.com"
        ),
        "delete() of a row with 1 index": watched.delete,
        "a trade in atomic(), notified and logged": trade,
        "bulk_create() of 100 rows with 1 index": lambda: Candle.objects.bulk_create(
            candles(CANDLES, 100)
        ),
        "admin's first page of trades, session aside": admin_list,
    }
