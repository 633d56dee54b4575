"""What a portfolio was worth, walked back from now, is what a replay from the start says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.equity import (
    Books,
    KnownPrices,
    Step,
    is_midnight,
    missing_moments,
    value_of,
    walk_back,
    worth,
)
from portfolio.ledger import NOTHING, Account, Position, Terms, execute
from portfolio.order import make_order
from portfolio.refusals import TradeRejected

D = Decimal
START = datetime(2026, 11, 1, tzinfo=UTC)
PAID_IN = D("10000.00")
COINS = ("penny", "middle", "dear")
prices = st.integers(1, 10**9).map(lambda micros: D(micros).scaleb(-6))
HOURS = 12


def trade_at_random(data: st.DataObject) -> tuple[list[Step], Account, dict[str, Position]]:
    """Trade through some hours by the ledger; return the trades, oldest first, and what is left."""
    account = Account(cash=PAID_IN, realised=D(0))
    held: dict[str, Position] = {}
    steps: list[Step] = []
    minutes = data.draw(st.lists(st.integers(0, HOURS * 60), unique=True, max_size=12))
    for minute in sorted(minutes):
        coin, side = data.draw(st.sampled_from(COINS)), data.draw(st.sampled_from(["buy", "sell"]))
        terms = Terms(price=data.draw(prices), step=D("1e-8"), fee_rate=D("0.001"), symbol=coin)
        wanted: dict[str, Any] = {"amount": data.draw(st.integers(1, 9000))}
        if side == "sell" and data.draw(st.booleans()):
            wanted = {"sell_all": True}
        elif side == "buy" or data.draw(st.booleans()):
            wanted = {"amount": D(wanted["amount"])}
        else:
            wanted = {"quantity": D("0.01")}
        try:
            fill = execute(order=make_order(side=side, **wanted), account=account,
                           position=held.get(coin, NOTHING), terms=terms)  # fmt: skip
        except TradeRejected:
            continue
        account, held[coin] = fill.account, fill.position
        if not fill.position.quantity:
            del held[coin]
        steps.append(
            Step(at=START + timedelta(minutes=minute), coin_id=coin, side=side,
                 quantity=fill.quantity, price=terms.price, amount=fill.amount,
                 realised=fill.realised)
        )  # fmt: skip
    return steps, account, held


def replayed(steps: list[Step], moment: datetime) -> tuple[Decimal, dict[str, Decimal]]:
    """Return cash and quantities at a moment, forwards from the start."""
    cash = PAID_IN
    held: dict[str, Decimal] = {}
    for step in steps:
        if step.at > moment:
            break
        sign = 1 if step.side == "buy" else -1
        cash -= sign * step.amount
        held[step.coin_id] = held.get(step.coin_id, D(0)) + sign * step.quantity
    return cash, {coin: quantity for coin, quantity in held.items() if quantity}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_moment_is_worth_its_cash_and_its_coins_at_their_closes(data: st.DataObject) -> None:
    steps, account, held = trade_at_random(data)
    moments = [START + timedelta(hours=hour) for hour in range(HOURS + 1)]
    known = KnownPrices()
    closes = {(coin, at): data.draw(prices) for coin in COINS for at in moments}
    for (coin, at), close in closes.items():
        known.learn(coin, at, close)
    now = Books(at=moments[-1], cash=account.cash, held=held)
    books, before = walk_back(now, reversed(steps), reversed(moments))
    assert (before.cash, before.held) == (PAID_IN, {})
    for one in books:
        cash, quantities = replayed(steps, one.at)
        assert (one.cash, {c: p.quantity for c, p in one.held.items()}) == (cash, quantities)
        expected = cash + sum(worth(q, closes[c, one.at]) for c, q in quantities.items())
        assert value_of(one, known) == expected
        cost = sum((position.cost for position in one.held.values()), D(0))
        realised = sum((step.realised for step in steps if step.at <= one.at), D(0))
        assert one.cash + cost - realised == PAID_IN


@settings(max_examples=50, deadline=None)
@given(st.lists(prices, min_size=2, max_size=20))
def test_who_holds_nothing_has_a_flat_curve(closes: list[Decimal]) -> None:
    known, moments = KnownPrices(), [START + timedelta(hours=hour) for hour in range(len(closes))]
    for at, close in zip(moments, closes, strict=True):
        known.learn("dear", at, close)
    now = Books(at=moments[-1], cash=PAID_IN, held={})
    books, _ = walk_back(now, [], reversed(moments))
    assert {value_of(one, known) for one in books} == {PAID_IN}


def test_an_hour_without_a_price_takes_the_one_before() -> None:
    known = KnownPrices()
    known.learn("dear", START, D(100))
    known.learn("dear", START + timedelta(hours=5), D(200))
    held = {"dear": Position(quantity=D(1), cost=D(90))}
    values = [
        value_of(Books(at=START + timedelta(hours=hour), cash=D(0), held=held), known)
        for hour in (-1, 0, 4, 5)
    ]
    assert values == [D(90), D(100), D(100), D(200)]  # before any price: its cost


def test_what_was_paid_stands_in_until_there_is_a_candle() -> None:
    market, own = KnownPrices(), None
    own = KnownPrices(base=market)
    own.learn("dear", START, D(50))
    market.learn("dear", START + timedelta(hours=1), D(60))
    assert own.at("dear", START + timedelta(minutes=30)) == D(50)
    assert own.at("dear", START + timedelta(hours=1)) == D(60)
    assert market.at("dear", START) is None


moments = st.integers(0, 200 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@settings(max_examples=100, deadline=None)
@given(moments, moments, st.none() | moments)
def test_each_full_hour_is_missing_once_and_only_midnights_before_ninety_days(
    begin: datetime, until: datetime, last: datetime | None
) -> None:
    found = missing_moments(begin=begin, last=last, until=until, hours_for=timedelta(days=90))
    assert found == sorted(set(found))
    for at in found:
        assert begin <= at <= until
        assert last is None or at > last
        assert is_midnight(at) or at >= until - timedelta(days=90, hours=1)
    again = missing_moments(
        begin=begin, last=found[-1] if found else last, until=until, hours_for=timedelta(days=90)
    )
    assert again == []
