"""What must hold whatever anybody trades, at any price: properties of the ledger."""

# ruff: noqa: PT017 (whether a trade is refused depends on the numbers that hypothesis chose)

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portfolio.ledger import (
    NOTHING,
    Account,
    Fill,
    Position,
    Terms,
    execute,
)
from portfolio.order import CENT, DIGITS, Order, make_order
from portfolio.refusals import TradeRejected

PAID_IN = Decimal("10000.00")
COINS = ["penny", "middle", "dear"]
STEPS = [Decimal(1).scaleb(-places) for places in range(9)]


def significant(digits: int, exponent: int) -> Decimal:
    return Decimal(digits).scaleb(exponent)


#: From 2.264e-09 (a real coin's price) to a million, with up to 15 significant digits.
prices = st.one_of(
    st.sampled_from([Decimal("2.264e-09"), Decimal(1), Decimal("97412.2"), Decimal(1_000_000)]),
    st.builds(significant, st.integers(1, 10**15 - 1), st.integers(-23, -9)).filter(
        lambda price: Decimal("2.264e-09") <= price <= 1_000_000
    ),
)
fee_rates = st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("0.0025"), Decimal("0.1")])
amounts = st.integers(1, 20_000_00).map(lambda cents: CENT * cents)


@st.composite
def terms(draw: st.DrawFn, fee_rate: Decimal | None = None) -> Terms:
    """Make a market: the step is usually the one of the price, sometimes that of an old price."""
    price = draw(prices)
    fitting = next((step for step in STEPS if step * price <= Decimal("0.001")), STEPS[-1])
    return Terms(
        price=price,
        step=draw(st.one_of(st.just(fitting), st.sampled_from(STEPS))),
        fee_rate=draw(fee_rates) if fee_rate is None else fee_rate,
        symbol="COIN",
    )


@dataclass
class Books:
    """A portfolio as the database would hold it."""

    account: Account = field(default_factory=lambda: Account(cash=PAID_IN, realised=Decimal(0)))
    positions: dict[str, Position] = field(default_factory=dict)

    def position(self, coin: str) -> Position:
        return self.positions.get(coin, NOTHING)

    def trade(self, coin: str, order: Order, at: Terms) -> Fill:
        fill = execute(order=order, account=self.account, position=self.position(coin), terms=at)
        self.account = fill.account
        self.positions[coin] = fill.position
        if not fill.position.quantity:
            assert fill.position == NOTHING
            del self.positions[coin]
        return fill

    def check(self) -> None:
        cost = sum((position.cost for position in self.positions.values()), Decimal(0))
        assert self.account.cash + cost - self.account.realised == PAID_IN
        assert self.account.cash >= 0
        for position in self.positions.values():
            assert position.quantity > 0
            assert position.cost >= 0
        for cash in (self.account.cash, self.account.realised, cost):
            assert cash == cash.quantize(CENT)


@st.composite
def orders(draw: st.DrawFn, held: Decimal, step: Decimal) -> Order:
    """Make an order that may well be refused: too much, too fine, too little."""
    side = draw(st.sampled_from(["buy", "sell"]))
    kind = draw(st.sampled_from(["amount", "quantity", "quantity", "all"]))
    if kind == "all":
        return make_order(side="sell", sell_all=True)
    if kind == "amount":
        return make_order(side=side, amount=draw(amounts))
    most = max(1, int(held / step) + 1) if side == "sell" else 10**12
    return make_order(side=side, quantity=draw(st.integers(1, most)) * step)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_cash_plus_cost_less_realised_is_what_was_paid_in(data: st.DataObject) -> None:
    books = Books()
    steps = {coin: data.draw(terms()).step for coin in COINS}
    fee_rate = data.draw(fee_rates)
    for _ in range(data.draw(st.integers(1, 15))):
        coin = data.draw(st.sampled_from(COINS))
        market = Terms(price=data.draw(prices), step=steps[coin], fee_rate=fee_rate, symbol=coin)
        try:
            order = data.draw(orders(books.position(coin).quantity, steps[coin]))
            books.trade(coin, order, market)
        except TradeRejected as refusal:
            assert refusal.sentence.endswith(".")
        books.check()
    for coin in list(books.positions):
        everything = make_order(side="sell", sell_all=True)
        at = Terms(price=data.draw(prices), step=steps[coin], fee_rate=fee_rate, symbol=coin)
        try:
            books.trade(coin, everything, at)
        except TradeRejected as refusal:  # a coin that went from nothing to a million
            assert refusal.code == "too_large"
            books.trade(coin, everything, replace(at, price=Decimal("2.264e-09")))
        books.check()
    assert not books.positions
    assert books.account.cash - books.account.realised == PAID_IN


@settings(max_examples=150, deadline=None)
@given(terms(), amounts)
def test_buying_for_an_amount_never_costs_more_and_wastes_less_than_a_step(
    at: Terms, amount: Decimal
) -> None:
    account = Account(cash=Decimal("20000.00"), realised=Decimal(0))
    try:
        fill = execute(
            order=make_order(side="buy", amount=amount), account=account, position=NOTHING, terms=at
        )
    except TradeRejected as refusal:
        assert refusal.code in {"below_smallest_step", "too_large"}
        return
    assert 0 < fill.amount <= amount
    assert fill.quantity % at.step == 0
    with_one_step_more = make_order(side="buy", quantity=fill.quantity + at.step)
    rich = Account(cash=Decimal("9999999999999.99"), realised=Decimal(0))
    dearer = execute(order=with_one_step_more, account=rich, position=NOTHING, terms=at)
    assert dearer.amount > amount


@settings(max_examples=150, deadline=None)
@given(terms(), st.integers(1, 10**9), amounts)
def test_selling_for_an_amount_never_brings_more_than_was_asked(
    at: Terms, units: int, amount: Decimal
) -> None:
    held = Position(quantity=units * at.step, cost=Decimal("100.00"))
    account = Account(cash=Decimal(0), realised=Decimal(0))
    try:
        fill = execute(
            order=make_order(side="sell", amount=amount), account=account, position=held, terms=at
        )
    except TradeRejected as refusal:
        assert refusal.code in {"too_little_held", "below_smallest_step", "too_large"}
        return
    assert 0 < fill.amount <= amount
    assert fill.quantity <= held.quantity
    if at.step * at.price <= CENT:
        assert fill.amount == amount  # fine steps meet an amount to the cent


@settings(max_examples=150, deadline=None)
@given(terms(), st.integers(1, 10**9), st.integers(1, 10**9))
def test_splitting_a_trade_never_earns_money(at: Terms, first: int, second: int) -> None:
    rich = Account(cash=Decimal("9999999999.99"), realised=Decimal(0))
    one, two = first * at.step, second * at.step
    assume((one + two) * at.price < 10**9)

    def buy(account: Account, position: Position, quantity: Decimal) -> Fill:
        order = make_order(side="buy", quantity=quantity)
        return execute(order=order, account=account, position=position, terms=at)

    def sell(account: Account, position: Position, quantity: Decimal) -> Fill:
        order = make_order(side="sell", quantity=quantity)
        return execute(order=order, account=account, position=position, terms=at)

    whole = buy(rich, NOTHING, one + two)
    part = buy(rich, NOTHING, one)
    parts = buy(part.account, part.position, two)
    assert parts.position.quantity == whole.position.quantity
    assert parts.account.cash <= whole.account.cash

    sold = sell(whole.account, whole.position, one + two)
    try:
        half = sell(whole.account, whole.position, one)
    except TradeRejected as refusal:
        assert refusal.code == "below_smallest_amount"
        return
    halves = sell(half.account, half.position, two)
    assert halves.position == sold.position == NOTHING
    assert halves.account.cash <= sold.account.cash
    assert halves.account.cash - halves.account.realised == rich.cash


@settings(max_examples=150, deadline=None)
@given(terms(), amounts)
def test_buying_and_selling_at_one_price_never_gains_a_cent(at: Terms, amount: Decimal) -> None:
    account = Account(cash=Decimal("20000.00"), realised=Decimal(0))
    try:
        bought = execute(
            order=make_order(side="buy", amount=amount), account=account, position=NOTHING, terms=at
        )
    except TradeRejected:
        return
    sold = execute(
        order=make_order(side="sell", sell_all=True),
        account=bought.account,
        position=bought.position,
        terms=at,
    )
    assert sold.account.cash <= account.cash
    assert sold.account.realised == sold.account.cash - account.cash
    if not at.fee_rate:
        assert account.cash - sold.account.cash <= CENT  # a round trip costs rounding, no more


numbers = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from(
        ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e-999999", "-0", "0e99999"]
    ).map(Decimal),
    st.integers(0, 10**80).map(Decimal),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["buy", "sell"]), numbers, st.booleans(), terms())
def test_any_number_is_either_traded_or_refused_with_a_sentence(
    side: str, number: Decimal, is_amount: bool, at: Terms
) -> None:
    books = Books(positions={"coin": Position(quantity=at.step * 5, cost=Decimal(0))})
    books.account = Account(cash=PAID_IN, realised=Decimal(0))
    try:
        order = make_order(
            side=side,
            amount=number if is_amount else None,
            quantity=None if is_amount else number,
        )
        books.trade("coin", order, at)
    except TradeRejected as refusal:
        assert refusal.sentence.endswith(".")
        assert refusal.code
    books.check()


@settings(max_examples=200, deadline=None)
@given(terms(), st.integers(10**14, 10**16))
def test_a_holding_never_has_more_digits_than_the_databases_keep(at: Terms, units: int) -> None:
    rich = Account(cash=Decimal("9999999999999.99"), realised=Decimal(0))
    order = Order(side="buy", quantity=units * at.step)
    try:
        fill = execute(order=order, account=rich, position=NOTHING, terms=at)
    except TradeRejected as refusal:
        assert refusal.code in {"too_large", "too_little_cash"}
        return
    assert int(fill.position.quantity / at.step) < 10**DIGITS
