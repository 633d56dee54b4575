"""One's own transactions as pages and files: filters, export, import."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Holding, Portfolio, Transaction
from tests.conftest import make_coin

D = Decimal
LIST, EXPORT, IMPORT = "portfolio:transactions", "portfolio:export", "portfolio:import"

pytestmark = pytest.mark.django_db


@pytest.fixture
def coins(db: None) -> list[Coin]:
    now = timezone.now()
    return [
        make_coin(symbol="btc", rank=1, at=now),
        make_coin("ethereum", price="3411.111", symbol="eth", rank=2, at=now),
    ]


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def trade(user: User, side: str, coin_id: str, *, days_ago: int = 0, **how: Any) -> Transaction:
    now = timezone.now()
    done = portfolio.place_order(
        user=user, side=side, coin_id=coin_id, now=now,
        client_order_id=str(Transaction.objects.count()), **how,
    )  # fmt: skip
    if days_ago:
        at = now - timedelta(days=days_ago)
        Transaction.objects.filter(pk=done.pk).update(executed_at=at)
    return done


def shown(client: Client, **query: str) -> list[tuple[str, str]]:
    page = client.get(reverse(LIST), query)
    assert page.status_code == 200
    return [(one.side, one.coin_id) for one in page.context["transactions"]]


def lines(client: Client, **query: str) -> list[str]:
    answer = client.get(reverse(EXPORT), query)
    assert answer["Content-Type"].startswith("text/csv")
    return answer.getvalue().decode().splitlines()


@pytest.fixture
def traded(alice: User, coins: list[Coin]) -> None:
    trade(alice, "buy", "bitcoin", amount=D(1000), days_ago=9)
    trade(alice, "buy", "ethereum", amount=D("777.77"), days_ago=5)
    trade(alice, "sell", "bitcoin", quantity=D("0.003"))


def test_transactions_are_narrowed_by_coin_side_and_days(her: Client, traded: None) -> None:
    day = timezone.localdate() - timedelta(days=6)
    assert shown(her) == [("sell", "bitcoin"), ("buy", "ethereum"), ("buy", "bitcoin")]
    assert shown(her, coin="BTC") == [("sell", "bitcoin"), ("buy", "bitcoin")]
    assert shown(her, coin="btc", side="buy") == [("buy", "bitcoin")]
    assert shown(her, until=day.isoformat()) == [("buy", "bitcoin")]
    assert shown(her, since=day.isoformat(), side="buy") == [("buy", "ethereum")]
    assert shown(her, side="sideways") == shown(her)
    text = her.get(reverse(LIST), {"coin": "nothing"}).content.decode()
    assert "There is no such coin here" in text


def test_all_that_matches_is_exported_with_its_source(her: Client, traded: None) -> None:
    head, *rows = lines(her, coin="bitcoin")
    assert head.startswith("executed_at,side,coin,symbol,quantity,price,amount,fee")
    assert len(rows) == 2
    assert ",sell,bitcoin,BTC,0.003,100000,300,0,0,USD,1,simulated,Main" in rows[0]


def test_nobody_elses_trades_are_exported(client: Client, bob: User, traded: None) -> None:
    client.force_login(bob)
    assert len(lines(client)) == len(lines(client, portfolio="all")) == 1


def test_what_was_exported_imports_to_the_same_cash_and_holdings(
    her: Client, alice: User, traded: None
) -> None:
    text = "\n".join(lines(her))
    answer = her.post(reverse(IMPORT), {"name": "Copy", "start_balance": "10000", "text": text,
                                        "action": "import"})  # fmt: skip
    assert answer.status_code == 302
    main = portfolio.default_portfolio(user=alice)
    copy = Portfolio.objects.get(name="Copy")
    assert (copy.cash, copy.realised_profit) == (main.cash, main.realised_profit)
    held = [
        list(
            Holding.objects.filter(portfolio=own)
            .order_by("coin_id")
            .values_list("coin_id", "quantity", "cost")
        )
        for own in (main, copy)
    ]
    assert held[0] == held[1]
    assert her.get(answer["Location"]).context["portfolio"] == copy


@pytest.mark.parametrize("notation", ["comma-point", "point-comma", "space-comma"])
def test_the_start_balance_that_is_proposed_is_one_that_is_read(
    her: Client, alice: User, coins: list[Coin], settings: Any, notation: str
) -> None:
    settings.START_BALANCE = D("10000.50")
    User.objects.filter(pk=alice.pk).update(number_format=notation)
    proposed = her.get(reverse(IMPORT)).context["form"].start_balance
    text = "executed_at,side,coin,quantity,price\n2026-10-01T10:00:00Z,buy,bitcoin,0.01,80000\n"
    answer = her.post(reverse(IMPORT), {"name": "P", "start_balance": proposed, "text": text})
    assert answer.status_code == 200
    assert answer.context["form"].preview.cash == D("9200.50")


def test_a_file_is_looked_at_before_it_is_imported(her: Client, coins: list[Coin]) -> None:
    file = io.BytesIO(b"executed_at,side,coin,quantity,price\n2026-01-01,buy,BTC,0.1,50000\n")
    file.name = "trades.csv"
    page = her.post(reverse(IMPORT), {"name": "Old", "start_balance": "6000", "file": file})
    text = page.content.decode()
    assert page.status_code == 200
    assert "Import 1 trade" in text
    assert "$1,000.00" in text
    assert "2026-01-01,buy,BTC,0.1,50000" in text  # what is sent to import it
    assert not Portfolio.objects.filter(name="Old").exists()


def test_empty_lines_are_no_trades(her: Client, coins: list[Coin]) -> None:
    text = (
        "executed_at,side,coin,quantity,price\n\n2026-01-01,buy,BTC,0.1,50000\n , ,\n"
        "2026-01-02,sell,BTC,0.1,50000\n\n\n"
    )
    wanted = {"name": "Old", "start_balance": "6000", "text": text, "action": "import"}
    page = her.post(reverse(IMPORT), wanted, follow=True)
    assert "2 trades are in the portfolio Old." in page.content.decode()


def test_a_refused_file_names_its_lines_and_keeps_what_was_typed(
    her: Client, coins: list[Coin]
) -> None:
    typed = "executed_at,side,coin,quantity,price\n2026-01-01,buy,<b>,1,1\nnever,buy,BTC,1,1\n"
    page = her.post(reverse(IMPORT), {"name": "Old", "start_balance": "6000", "text": typed})
    text = page.content.decode()
    assert page.status_code == 422
    assert "Line 3:" in text
    assert "&lt;b&gt;" in text
    assert 'value="Old"' in text
    for balance in ("", "-1", "0.001", "1e99", "NaN"):
        page = her.post(reverse(IMPORT), {"name": "Old", "start_balance": balance, "text": typed})
        assert page.status_code == 422, balance
    wrong = {"name": "Old", "start_balance": "1", "file": io.BytesIO(b"\xff")}
    page = her.post(reverse(IMPORT), wrong)
    assert "UTF-8" in page.content.decode()


@pytest.mark.parametrize("page", [LIST, "portfolio:overview", "portals:dashboard"])
def test_pages_cost_the_same_with_many_transactions(
    page: str, her: Client, alice: User, traded: None, django_assert_max_num_queries: Any
) -> None:
    own = portfolio.default_portfolio(user=alice)
    now = timezone.now()
    Transaction.objects.bulk_create(
        Transaction(
            id=Transaction.key(own.pk, f"bulk-{number}"), portfolio=own, user=alice,
            coin_id="bitcoin", side="buy", quantity=D("0.01"), price=D(1), price_at=now,
            price_source="simulated", amount=D(1), fee=D(0),
            executed_at=now - timedelta(minutes=number), client_order_id=f"bulk-{number}",
        )
        for number in range(1000)
    )  # fmt: skip
    her.get(reverse(page))
    most = {LIST: 6, "portfolio:overview": 16, "portals:dashboard": 16}[page]
    with django_assert_max_num_queries(most):
        assert her.get(reverse(page)).status_code == 200
