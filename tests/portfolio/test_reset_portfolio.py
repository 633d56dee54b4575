"""Beginning a portfolio anew, and removing one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Activity, User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Holding, Portfolio, State, Transaction
from portfolio.refusals import TradeRejected
from portfolio.services import resetting
from tests.conftest import NOW, make_coin, make_person

D = Decimal
_numbers = count(1)

pytestmark = pytest.mark.django_db


def buy(user: User, coin_id: str = "bitcoin", amount: str = "100", **extra: Any) -> Transaction:
    wanted: dict[str, Any] = {"now": NOW} | extra
    number = f"{coin_id}-{Transaction.objects.filter(user=user).count()}"
    return portfolio.place_order(
        user=user, side="buy", coin_id=coin_id, amount=D(amount), client_order_id=number, **wanted
    )


def reset(user: User, name: str = "Main", now: Any = NOW + timedelta(hours=1)) -> Portfolio:
    key = Portfolio.default_key(user.pk)
    return portfolio.reset_portfolio(user=user, portfolio_id=key, name=name, now=now)


def refused(code: str, act: Any, *args: Any, **named: Any) -> None:
    with pytest.raises(TradeRejected) as refusal:
        act(*args, **named)
    assert refusal.value.code == code


def test_a_portfolio_begins_anew_and_its_trades_stay_on_record(alice: User, bitcoin: Coin) -> None:
    buy(alice)
    own = reset(alice)
    assert (own.cash, own.paid_in, own.realised_profit) == (D(10000), D(10000), D(0))
    assert own.state == State.OPEN
    assert not Holding.objects.exists()
    assert not portfolio.own_transactions(user=alice, portfolio=own).rows
    assert len(portfolio.own_transactions(user=alice).rows) == 1
    assert "anew" in Activity.objects.latest("id").summary


def test_another_name_confirms_nothing(alice: User, bitcoin: Coin) -> None:
    buy(alice)
    refused("wrong_name", reset, alice, name="main")
    assert Holding.objects.count() == 1


def test_doing_it_again_changes_nothing(alice: User, bitcoin: Coin) -> None:
    buy(alice)
    first = reset(alice)
    again = reset(alice, now=NOW + timedelta(hours=2))
    assert again.started_at == first.started_at
    assert Activity.objects.filter(kind="portfolio_changed").count() == 1


def test_one_that_only_holds_what_it_lost_can_begin_anew(alice: User, bitcoin: Coin) -> None:
    buy(alice, amount="10000")
    assert reset(alice).cash == D(10000)


def test_more_holdings_than_a_transaction_takes_all_go(alice: User, bitcoin: Coin) -> None:
    own = portfolio.default_portfolio(user=alice)
    for number in range(120):
        make_coin(f"coin-{number}", price="1", rank=number + 2)
    Holding.objects.bulk_create(
        Holding(id=Holding.key(own.pk, f"coin-{number}"), portfolio=own,
                coin_id=f"coin-{number}", quantity=D(1), cost=D(1))
        for number in range(120)
    )  # fmt: skip
    buy(alice)
    assert reset(alice).state == State.OPEN
    assert not Holding.objects.exists()


def test_one_that_was_cut_off_is_whole_for_readers_shut_for_trades_and_goes_on(
    alice: User, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(alice)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(resetting, "clear_portfolio", None)
        with pytest.raises(TypeError):
            reset(alice)
    own = portfolio.default_portfolio(user=alice)
    assert portfolio.valuation(portfolio=own, now=NOW).holdings == []
    assert portfolio.valuation(portfolio=own, now=NOW).value == D(10000)
    refused("being_cleared", buy, alice)
    portfolio.finish_interrupted(now=NOW)
    assert not Holding.objects.exists()
    assert buy(alice).amount == D("100.00")


def test_a_trade_that_was_asked_for_before_counts_after(alice: User, bitcoin: Coin) -> None:
    buy(alice)
    own = reset(alice)
    late = buy(alice, now=NOW)  # its clock says that it was before
    assert own.started_at
    assert late.executed_at > own.started_at
    assert [one.pk for one in portfolio.own_transactions(user=alice, portfolio=own).rows] == [
        late.pk
    ]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.tuples(st.sampled_from(["buy", "sell", "reset"]), st.integers(-3, 3)),
                     min_size=1, max_size=8))  # fmt: skip
def test_the_books_balance_whatever_is_traded_and_begun_anew(
    acts: list[tuple[str, int]], bitcoin: Coin
) -> None:
    alice = make_person(f"alice{next(_numbers)}")
    for number, (act, minutes) in enumerate(acts):
        now = NOW + timedelta(minutes=minutes)  # clocks of several machines
        try:
            if act == "reset":
                reset(alice, now=now)
            else:
                portfolio.place_order(
                    user=alice, side=act, coin_id="bitcoin", quantity=D("0.01"), now=now,
                    client_order_id=str(number),
                )  # fmt: skip
        except TradeRejected as refusal:
            assert refusal.code == "too_little_held"  # noqa: PT017 (it depends on the acts)
    own = portfolio.default_portfolio(user=alice)
    held = list(Holding.objects.filter(portfolio=own))
    cost = sum((one.cost for one in held), D(0))
    assert own.cash + cost - own.realised_profit == own.paid_in
    current = portfolio.own_transactions(user=alice, portfolio=own).rows
    moved = sum((1 if one.side == "buy" else -1) * one.quantity for one in current)
    assert moved == sum((one.quantity for one in held), D(0))
    Portfolio.objects.filter(pk=own.pk).update(created_at=NOW - timedelta(hours=2))
    points = portfolio.record_equity(now=NOW + timedelta(hours=3))
    assert points > 0  # what counts explains what is held


def test_a_removed_portfolio_is_in_no_list(alice: User, bitcoin: Coin) -> None:
    other = portfolio.create_portfolio(user=alice, name="Other")
    buy(alice, portfolio_id=other.pk)
    portfolio.archive_portfolio(user=alice, portfolio_id=other.pk, name="Other")
    assert [one.name for one in portfolio.portfolios(user=alice)] == ["Main"]
    assert len(portfolio.own_transactions(user=alice).rows) == 1
    refused("unknown_portfolio", buy, alice, portfolio_id=other.pk)
    assert portfolio.create_portfolio(user=alice, name="Other").pk != other.pk


def test_the_first_portfolio_and_somebody_elses_are_not_removed(
    alice: User, bob: User, bitcoin: Coin
) -> None:
    main = portfolio.default_portfolio(user=alice)
    hers = portfolio.create_portfolio(user=alice, name="Other")
    for code, user, key in (
        ("default_portfolio", alice, main.pk),
        ("unknown_portfolio", bob, hers.pk),
    ):
        refused(code, portfolio.archive_portfolio, user=user, portfolio_id=key, name="Other")
    refused("unknown_portfolio", portfolio.reset_portfolio, user=bob, portfolio_id=main.pk,
            name="Main", now=NOW)  # fmt: skip
