"""Reading portfolios: values, histories page by page, statistics."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Portfolio, Transaction
from tests.conftest import NOW

D = Decimal


def traded(user: User, *, at: Any = NOW, side: str = "buy", amount: str = "1.00") -> Transaction:
    own = portfolio.default_portfolio(user=user)
    return Transaction.objects.create(
        id=uuid.uuid4(),
        portfolio=own,
        user=user,
        coin_id="bitcoin",
        side=side,
        quantity=D("0.01"),
        price=D(100),
        price_at=at,
        price_source="simulated",
        amount=D(amount),
        fee=D(0),
        executed_at=at,
        client_order_id=str(uuid.uuid4()),
        asked="amount 1",
    )


def test_a_valuation_joins_books_and_prices(
    alice: User, bitcoin: Coin, ethereum: Coin, django_assert_num_queries: Any
) -> None:
    for coin_id, amount in (("bitcoin", 5000), ("ethereum", 3400)):
        portfolio.place_order(
            user=alice,
            side="buy",
            coin_id=coin_id,
            amount=D(amount),
            client_order_id=coin_id,
            now=NOW,
        )
    Coin.objects.filter(pk="bitcoin").update(last_price=D(110000))
    own = portfolio.default_portfolio(user=alice)
    with django_assert_num_queries(2):
        result = portfolio.valuation(portfolio=own, now=NOW)
    assert result.value == D("10500.00")
    assert result.profit == result.unrealised == D("500.00")
    assert [one.coin.id for one in result.holdings] == ["bitcoin", "ethereum"]
    assert not result.stale
    assert portfolio.valuation(portfolio=own, now=NOW + timedelta(hours=1)).stale


def test_an_empty_portfolio_has_a_value(alice: User, django_assert_num_queries: Any) -> None:
    own = portfolio.default_portfolio(user=alice)
    with django_assert_num_queries(1):
        result = portfolio.valuation(portfolio=own, now=NOW)
    assert (result.value, result.holdings) == (D("10000.00"), [])


def test_a_valuation_reads_the_books_again(alice: User) -> None:
    own = portfolio.default_portfolio(user=alice)
    Portfolio.objects.update(cash=D(5), paid_in=D(5))
    assert portfolio.valuation(portfolio=own, now=NOW).value == D(5)


def test_pages_show_every_transaction_once_and_in_order(alice: User, bitcoin: Coin) -> None:
    """Many at the same moment, so that the second half of the order matters."""
    for number in range(60):
        traded(alice, at=NOW + timedelta(seconds=random.Random(number).randrange(5)))
    seen: list[Transaction] = []
    cursor = ""
    while True:
        page = portfolio.own_transactions(user=alice, cursor=cursor, limit=7)
        assert len(page.rows) <= 7
        seen += page.rows
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(seen) == len({one.pk for one in seen}) == 60
    assert seen == sorted(seen, key=lambda one: (one.executed_at, one.pk), reverse=True)


def test_a_page_costs_one_query(alice: User, bitcoin: Coin, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        traded(alice)
    with django_assert_num_queries(1):
        for row in portfolio.all_transactions(cursor="", limit=3).rows:
            assert (row.coin.name, row.user.username) == ("Bitcoin", "alice")


@pytest.mark.parametrize(
    "cursor", ["x", "%%%", "AAAA", "é", "\x00", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6YQ", "A" * 9999]
)
def test_a_cursor_that_we_never_gave_out_is_the_first_page(
    alice: User, bitcoin: Coin, cursor: str
) -> None:
    traded(alice)
    assert len(portfolio.own_transactions(user=alice, cursor=cursor).rows) == 1


def test_people_see_their_own_and_staff_see_all(alice: User, bob: User, bitcoin: Coin) -> None:
    hers, his = traded(alice), traded(bob, at=NOW - timedelta(hours=1))
    assert portfolio.own_transactions(user=alice).rows == [hers]
    assert portfolio.all_transactions(cursor="", limit=10).rows == [hers, his]
    assert portfolio.all_transactions(cursor="", limit=10, user_id=bob.pk).rows == [his]


def test_transactions_of_one_portfolio(alice: User, bitcoin: Coin) -> None:
    traded(alice)
    other = portfolio.create_portfolio(user=alice, name="Other")
    assert portfolio.own_transactions(user=alice, portfolio=other).rows == []


def test_statistics_count_the_last_day(alice: User, bob: User, bitcoin: Coin) -> None:
    traded(alice, amount="10.50")
    traded(alice, side="sell", amount="4.25", at=NOW - timedelta(hours=23))
    traded(bob, amount="1.00")
    traded(bob, amount="99.00", at=NOW - timedelta(hours=25))
    numbers = portfolio.trade_statistics(now=NOW)
    assert (numbers.trades, numbers.traders, numbers.portfolios) == (3, 2, 2)
    assert (numbers.bought, numbers.sold) == (D("11.50"), D("4.25"))


def test_statistics_of_nothing(db: None) -> None:
    numbers = portfolio.trade_statistics(now=NOW)
    assert (numbers.trades, numbers.bought, numbers.sold) == (0, D(0), D(0))
