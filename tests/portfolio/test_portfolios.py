"""A person's portfolios: the first, others, and their names."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Portfolio
from portfolio.services import TradeRejected
from tests.conftest import NOW


def test_the_first_portfolio_is_made_when_it_is_needed(alice: User) -> None:
    first = portfolio.default_portfolio(user=alice)
    assert portfolio.default_portfolio(user=alice) == first
    assert (first.name, first.is_default, first.cash) == ("Main", True, Decimal("10000.00"))
    assert Portfolio.objects.count() == 1


def test_another_portfolio_starts_afresh(alice: User, bitcoin: Coin) -> None:
    second = portfolio.create_portfolio(user=alice, name="  Careful ")
    traded = portfolio.place_order(
        user=alice,
        side="buy",
        coin_id="bitcoin",
        amount=Decimal(100),
        client_order_id="1",
        now=NOW,
        portfolio_id=second.pk,
    )
    assert traded.portfolio_id == second.pk
    main, careful = portfolio.portfolios(user=alice)
    assert (main.name, main.cash) == ("Main", Decimal("10000.00"))
    assert (careful.name, careful.cash) == ("Careful", Decimal("9900.00"))


def test_a_portfolio_can_be_renamed(alice: User) -> None:
    first = portfolio.default_portfolio(user=alice)
    assert portfolio.rename(user=alice, portfolio_id=first.pk, name="Bold").name == "Bold"
    assert portfolio.rename(user=alice, portfolio_id=first.pk, name="bold").name == "bold"
    first.refresh_from_db()
    assert first.name == "bold"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_missing"),
        (" \x00 ", "name_missing"),
        ("x" * 65, "name_too_long"),
        ("MAIN", "name_taken"),
    ],
)
def test_a_name_is_refused_with_a_reason(alice: User, name: str, code: str) -> None:
    with pytest.raises(TradeRejected) as refused:
        portfolio.create_portfolio(user=alice, name=name)
    assert refused.value.code == code


def test_twenty_portfolios_are_enough(alice: User) -> None:
    portfolio.default_portfolio(user=alice)
    for number in range(19):
        portfolio.create_portfolio(user=alice, name=f"Number {number}")
    with pytest.raises(TradeRejected) as refused:
        portfolio.create_portfolio(user=alice, name="One more")
    assert refused.value.code == "too_many_portfolios"
    assert len(portfolio.portfolios(user=alice)) == 20


def test_somebody_elses_portfolio_can_be_neither_seen_nor_renamed(alice: User, bob: User) -> None:
    his = portfolio.default_portfolio(user=bob)
    with pytest.raises(TradeRejected, match="no such portfolio"):
        portfolio.rename(user=alice, portfolio_id=his.pk, name="Mine")
    for key in (his.pk, str(his.pk), "nonsense", uuid.uuid4()):
        with pytest.raises(TradeRejected, match="no such portfolio"):
            portfolio.own_portfolio(user=alice, portfolio_id=key)


def test_an_admin_has_no_portfolio(root: User) -> None:
    with pytest.raises(TradeRejected) as refused:
        portfolio.create_portfolio(user=root, name="Mine")
    assert refused.value.code == "wrong_role"
    assert not Portfolio.objects.exists()
