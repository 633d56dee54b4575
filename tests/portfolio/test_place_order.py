"""Placing an order: the trade, the refusals, the repeats."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Sum

from accounts.models import Activity, User
from accounts.roles import Role
from cryptopulse.atomic import Busy
from market.models import Coin, ExchangeRate
from portfolio import services as portfolio
from portfolio.models import Holding, Portfolio, Transaction
from portfolio.services import TradeRejected
from portfolio.signals import trade_executed
from tests.conftest import NOW, make_coin

D = Decimal


def order(user: User, side: str = "buy", coin_id: str = "bitcoin", **extra: Any) -> Transaction:
    """Place an order with a number of its own, unless one is given."""
    wanted: dict[str, Any] = {"client_order_id": str(uuid.uuid4()), "now": NOW} | extra
    return portfolio.place_order(user=user, side=side, coin_id=coin_id, **wanted)


def refusal(user: User, **wanted: Any) -> TradeRejected:
    """Return why this order is refused, having seen that it changed nothing."""
    before = everything()
    with pytest.raises(TradeRejected) as refused:
        order(user, **wanted)
    assert everything() == before
    return refused.value


def everything() -> tuple[list[Any], ...]:
    """Return every row that a trade may touch."""
    return (
        list(Portfolio.objects.order_by("pk").values()),
        list(Holding.objects.order_by("pk").values()),
        list(Transaction.objects.order_by("pk").values()),
        list(Activity.objects.order_by("pk").values()),
    )


def test_a_buy_moves_cash_into_a_holding(alice: User, bitcoin: Coin) -> None:
    traded = order(alice, amount=D(2500), client_order_id="first", address="127.0.0.1")
    own = portfolio.default_portfolio(user=alice)
    assert own.cash == D("7500.00")
    holding = Holding.objects.get()
    assert (holding.quantity, holding.cost) == (D("0.025"), D("2500.00"))
    traded.refresh_from_db()
    assert (traded.quantity, traded.amount, traded.fee) == (D("0.025"), D("2500.00"), D(0))
    assert (traded.price, traded.price_at, traded.price_source) == (D(100000), NOW, "simulated")
    assert (traded.currency, traded.exchange_rate) == ("USD", D(1))
    assert traded.executed_at == NOW
    assert traded.pk == uuid.uuid5(own.pk, "first")
    logged = Activity.objects.get(kind=Activity.Kind.TRADED)
    assert logged.summary == "Bought 0.025 BTC for $2,500.00"
    assert (logged.user, logged.address) == (alice, "127.0.0.1")


def test_a_sale_moves_it_back_with_its_profit(alice: User, bitcoin: Coin) -> None:
    order(alice, quantity=D("0.05"))
    Coin.objects.update(last_price=D(120000))
    sold = order(alice, "sell", quantity=D("0.02"))
    own = portfolio.default_portfolio(user=alice)
    assert (sold.amount, sold.realised_profit) == (D("2400.00"), D("400.00"))
    assert (own.cash, own.realised_profit) == (D("7400.00"), D("400.00"))
    holding = Holding.objects.get()
    assert (holding.quantity, holding.cost) == (D("0.03"), D("3000.00"))


def test_selling_everything_leaves_no_holding(alice: User, bitcoin: Coin) -> None:
    order(alice, amount=D("3333.33"))
    sold = order(alice, "sell", sell_all=True)
    assert not Holding.objects.exists()
    assert sold.quantity == D("0.0333333")
    own = portfolio.default_portfolio(user=alice)
    assert own.cash - own.realised_profit == own.paid_in == settings.START_BALANCE


def test_the_exchange_rate_of_the_moment_is_kept(alice: User, bitcoin: Coin) -> None:
    ExchangeRate.objects.create(
        id="CZK:2026-11-20",
        currency="CZK",
        day=NOW.date(),
        rate=D("23.456"),
        source="test",
        updated_at=NOW,
    )
    User.objects.filter(pk=alice.pk).update(display_currency="CZK")
    traded = order(alice, amount=D(100))
    traded.refresh_from_db()
    assert (traded.currency, traded.exchange_rate) == ("CZK", D("23.456"))


def test_a_currency_without_a_rate_is_kept_as_dollars(alice: User, bitcoin: Coin) -> None:
    User.objects.filter(pk=alice.pk).update(display_currency="CHF")
    traded = order(alice, amount=D(100))
    assert (traded.currency, traded.exchange_rate) == ("USD", D(1))


def test_a_fee_is_taken_where_the_settings_ask_for_one(
    alice: User, bitcoin: Coin, settings: Any
) -> None:
    settings.TRADE_FEE_RATE = D("0.001")
    traded = order(alice, quantity=D("0.05"))
    assert (traded.fee, traded.amount) == (D("5.00"), D("5005.00"))
    assert portfolio.default_portfolio(user=alice).cash == D("4995.00")


def test_the_start_balance_is_the_settings(alice: User, settings: Any) -> None:
    settings.START_BALANCE = D(250)
    own = portfolio.default_portfolio(user=alice)
    assert own.cash == own.paid_in == D("250.00")


# --- Repeats ---------------------------------------------------------------------------------


def test_the_same_order_again_is_the_same_transaction(alice: User, bitcoin: Coin) -> None:
    first = order(alice, amount=D(100), client_order_id="click")
    before = everything()
    again = order(alice, amount=D("100.00"), client_order_id="click", now=NOW + timedelta(days=9))
    assert again == first
    assert everything() == before


def test_a_repeat_is_answered_even_when_a_new_order_would_not_be(
    alice: User, bitcoin: Coin
) -> None:
    first = order(alice, amount=D(10_000), client_order_id="click")
    Coin.objects.update(tracked=False, last_price=None)
    assert order(alice, amount=D(10_000), client_order_id="click") == first


@pytest.mark.parametrize(
    "other",
    [
        {"amount": D("100.01")},
        {"quantity": D("0.001")},
        {"amount": D(100), "side": "sell"},
        {"amount": D(100), "coin_id": "ethereum"},
        {"sell_all": True, "side": "sell"},
    ],
)
def test_an_order_number_is_not_used_twice(
    alice: User, bitcoin: Coin, ethereum: Coin, other: dict[str, Any]
) -> None:
    order(alice, amount=D(100), client_order_id="click")
    assert refusal(alice, client_order_id="click", **other).code == "order_id_reused"


def test_two_people_may_use_the_same_order_number(alice: User, bob: User, bitcoin: Coin) -> None:
    assert order(alice, amount=D(1), client_order_id="1") != order(
        bob, amount=D(1), client_order_id="1"
    )


@pytest.mark.parametrize(
    ("order_id", "code"),
    [
        ("", "order_id_missing"),
        ("x" * 65, "order_id_too_long"),
        ("a b", "order_id_invalid"),
        ("\x00", "order_id_invalid"),
        ("\ud800", "order_id_invalid"),
        ("ž", "order_id_invalid"),
        ("a\n", "order_id_invalid"),
    ],
)
def test_an_order_needs_a_number(alice: User, bitcoin: Coin, order_id: str, code: str) -> None:
    assert refusal(alice, amount=D(1), client_order_id=order_id).code == code


# --- Refusals --------------------------------------------------------------------------------


def test_an_unknown_coin_is_refused(alice: User) -> None:
    for coin_id in ("dogecoin", "", "x" * 5000, "bit\x00coin", "\ud800"):
        assert refusal(alice, coin_id=coin_id, amount=D(1)).code == "unknown_coin"


def test_a_coin_without_a_price_is_refused(alice: User) -> None:
    make_coin(price=None)
    assert refusal(alice, amount=D(1)).code == "no_price"


def test_an_old_price_is_not_traded_on(alice: User, bitcoin: Coin) -> None:
    late = bitcoin.price_at + settings.STALE_AFTER + timedelta(seconds=1)  # type: ignore[operator]
    refused = refusal(alice, amount=D(1), now=late)
    assert refused.code == "stale_price"
    assert "Bitcoin" in refused.sentence


def test_a_removed_coin_can_be_sold_but_not_bought(alice: User, bitcoin: Coin) -> None:
    order(alice, amount=D(100))
    Coin.objects.update(tracked=False)
    assert refusal(alice, amount=D(1)).code == "not_tracked"
    assert order(alice, "sell", sell_all=True).amount == D("100.00")


def test_too_little_cash_is_said_before_an_old_price(alice: User, bitcoin: Coin) -> None:
    refused = refusal(alice, amount=D(20000), now=NOW + timedelta(days=1))
    assert refused.code == "too_little_cash"
    assert refused.sentence == "You have $10,000.00, which is less than $20,000.00."


def test_holding_none_is_said_before_an_old_price(alice: User, bitcoin: Coin) -> None:
    refused = refusal(alice, side="sell", sell_all=True, now=NOW + timedelta(days=1))
    assert refused.sentence == "You hold no BTC to sell."


def test_more_than_is_held_is_refused(alice: User, bitcoin: Coin) -> None:
    order(alice, quantity=D("0.01"))
    refused = refusal(alice, side="sell", quantity=D("0.02"))
    assert refused.code == "too_little_held"
    assert refused.sentence == "You hold 0.01 BTC, which is less than 0.02 BTC."


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.MODERATOR])
def test_other_roles_do_not_trade(alice: User, bitcoin: Coin, role: Role) -> None:
    User.objects.filter(pk=alice.pk).update(role=role)  # the session still says user
    assert refusal(alice, amount=D(1)).code == "wrong_role"
    assert not Portfolio.objects.exists()


def test_a_suspended_person_does_not_trade(alice: User, bitcoin: Coin) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert refusal(alice, amount=D(1)).code == "suspended"


def test_a_deleted_person_does_not_trade(alice: User, bitcoin: Coin) -> None:
    User.objects.filter(pk=alice.pk).delete()
    assert refusal(alice, amount=D(1)).code == "suspended"


def test_another_persons_portfolio_is_unknown(alice: User, bob: User, bitcoin: Coin) -> None:
    his = portfolio.default_portfolio(user=bob)
    assert refusal(alice, amount=D(1), portfolio_id=his.pk).code == "unknown_portfolio"
    assert refusal(alice, amount=D(1), portfolio_id=uuid.uuid4()).code == "unknown_portfolio"


# --- Atomicity -------------------------------------------------------------------------------


@pytest.fixture
def broken_receiver() -> Any:
    def receiver(**_: Any) -> None:
        raise RuntimeError("the outbox is full")

    trade_executed.connect(receiver)
    yield receiver
    trade_executed.disconnect(receiver)


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_fails_undoes_the_trade(
    alice: User, bitcoin: Coin, broken_receiver: Any
) -> None:
    portfolio.default_portfolio(user=alice)
    before = everything()
    with pytest.raises(RuntimeError):
        order(alice, amount=D(100))
    assert everything() == before


def test_receivers_hear_of_a_trade_once(alice: User, bitcoin: Coin) -> None:
    heard: list[tuple[Any, str]] = []

    def receiver(*, transaction: Transaction, coin_name: str, **_: Any) -> None:
        heard.append((transaction.pk, coin_name))

    trade_executed.connect(receiver)
    try:
        traded = order(alice, amount=D(100), client_order_id="click")
        order(alice, amount=D(100), client_order_id="click")
    finally:
        trade_executed.disconnect(receiver)
    assert heard == [(traded.pk, "Bitcoin")]


def test_a_trade_costs_so_many_queries(
    alice: User, bitcoin: Coin, django_assert_max_num_queries: Any
) -> None:
    order(alice, amount=D(100))
    with django_assert_max_num_queries(15):
        order(alice, amount=D(100))


def test_the_books_balance_after_many_trades(alice: User, bitcoin: Coin, ethereum: Coin) -> None:
    for price in ("99999.99", "87654.321", "123456.789"):
        Coin.objects.filter(pk="bitcoin").update(last_price=D(price))
        Coin.objects.filter(pk="ethereum").update(last_price=D(price) / 7)
        order(alice, amount=D("1234.56"))
        order(alice, coin_id="ethereum", quantity=D("0.0333333"))
        order(alice, "sell", quantity=D("0.00333333"))
    own = portfolio.default_portfolio(user=alice)
    cost = Holding.objects.aggregate(total=Sum("cost"))["total"]
    assert own.cash + cost - own.realised_profit == own.paid_in
    explained = sum(
        one.amount if one.side == "sell" else -one.amount for one in Transaction.objects.all()
    )
    assert own.cash == own.paid_in + explained


def test_an_order_that_others_are_always_ahead_of_is_refused_with_a_sentence(
    alice: User, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_too_late(_: object) -> None:
        raise Busy("Others change the same just now; nothing was done.")

    monkeypatch.setattr("portfolio.services.orders.run_atomic", always_too_late)
    busy = refusal(alice, amount=D(100))
    assert busy.code == "busy"
    assert "Try again" in busy.sentence
