"""The arithmetic of a trade: exact, rounded once at the edge, pure.

A buy costs quantity x price rounded *up* to the cent, a sale brings it rounded *down*, a fee is
rounded up: no sequence of roundings earns anything. A sale takes its share of the cost with it,
rounded to the cent; the last one takes all of it. So, to the cent, for any sequence of trades:

    cash + cost of what is held - realised profit == what was paid in
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from .numbers import EXACT, coins, digits, dollars
from .order import CENT, DIGITS, Order
from .refusals import TradeRejected

LARGEST_CASH = Decimal("9999999999999.99")
#: Used for a coin that has a price but no step of its own yet.
SMALLEST_STEP = Decimal("1e-8")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The cash of a portfolio, and the profit that its sales have realised."""

    cash: Decimal
    realised: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How much of one coin is held, and what was paid for it, fees included."""

    quantity: Decimal
    cost: Decimal


NOTHING = Position(quantity=ZERO, cost=ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the market offers: dollars per coin, smallest quantity, fee per dollar (0 to < 1)."""

    price: Decimal
    step: Decimal
    fee_rate: Decimal = ZERO
    symbol: str = "coins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An executed order, and what it leaves behind."""

    quantity: Decimal
    fee: Decimal
    amount: Decimal  # cash that moved, fee included
    realised: Decimal  # by this trade; zero for a buy
    account: Account
    position: Position


def check_means(*, order: Order, account: Account, position: Position, symbol: str) -> None:
    """Refuse what would be refused at any price: it is what a person wants to hear first."""
    if order.side == "buy":
        if order.amount is not None and order.amount > account.cash:
            raise TradeRejected(
                f"You have {dollars(account.cash)}, which is less than {dollars(order.amount)}.",
                "too_little_cash",
            )
        return
    if not position.quantity:
        raise TradeRejected(f"You hold no {symbol.upper()} to sell.", "too_little_held")
    if order.quantity is not None and order.quantity > position.quantity:
        raise TradeRejected(
            f"You hold {coins(position.quantity, symbol)}, which is less than"
            f" {coins(order.quantity, symbol)}.",
            "too_little_held",
        )


def execute(*, order: Order, account: Account, position: Position, terms: Terms) -> Fill:
    """Fill an order at these terms. Raises TradeRejected with what is in the way."""
    check_means(order=order, account=account, position=position, symbol=terms.symbol)
    if order.side == "buy":
        return _buy(order, account, position, terms)
    return _sell(order, account, position, terms)


def _buy(order: Order, account: Account, position: Position, terms: Terms) -> Fill:
    quantity = _quantity_to_buy(order, terms)
    held = EXACT.add(position.quantity, quantity)
    _check_digits(held, terms)
    amount, fee = cost_of(quantity, terms)
    if amount > account.cash:
        with_fee = ", fee included" if fee else ""
        raise TradeRejected(
            f"{coins(quantity, terms.symbol)} costs {dollars(amount)}{with_fee};"
            f" you have {dollars(account.cash)}.",
            "too_little_cash",
        )
    return Fill(
        quantity=quantity,
        fee=fee,
        amount=amount,
        realised=ZERO,
        account=Account(cash=account.cash - amount, realised=account.realised),
        position=Position(quantity=held, cost=_bookable(position.cost + amount)),
    )


def _sell(order: Order, account: Account, position: Position, terms: Terms) -> Fill:
    quantity = _quantity_to_sell(order, position, terms)
    amount, fee = proceeds_of(quantity, terms)
    closes = quantity == position.quantity
    if not amount and not closes:
        raise TradeRejected(
            f"{coins(quantity, terms.symbol)} brings less than a cent at this price."
            " Sell more of it, or all.",
            "below_smallest_amount",
        )
    # 15 digits each: 100 digits of precision cannot round this twice.
    share = EXACT.divide(EXACT.multiply(position.cost, quantity), position.quantity)
    cost = position.cost if closes else _cents(share, ROUND_HALF_EVEN)
    realised = amount - cost
    left = Position(quantity=EXACT.subtract(position.quantity, quantity), cost=position.cost - cost)
    return Fill(
        quantity=quantity,
        fee=fee,
        amount=amount,
        realised=realised,
        account=Account(
            cash=_bookable(account.cash + amount), realised=_bookable(account.realised + realised)
        ),
        position=NOTHING if closes else left,
    )


def cost_of(quantity: Decimal, terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what buying this costs with the fee, and the fee."""
    gross = _cents(EXACT.multiply(quantity, terms.price), ROUND_CEILING)
    fee = _fee(gross, terms)
    return EXACT.add(gross, fee), fee


def proceeds_of(quantity: Decimal, terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what selling this brings after the fee, and the fee."""
    gross = _cents(EXACT.multiply(quantity, terms.price), ROUND_FLOOR)
    fee = _fee(gross, terms)
    return EXACT.subtract(gross, fee), fee


def _quantity_to_buy(order: Order, terms: Terms) -> Decimal:
    """Return the quantity asked for, or the largest that costs no more than the amount."""
    if order.amount is None:
        return _in_steps(order.quantity or ZERO, terms)
    # In whole cents, gross + ceil(rate * gross) <= amount  <=>  gross * (1 + rate) <= amount.
    gross = _whole(order.amount, EXACT.multiply(CENT, 1 + terms.fee_rate)) * CENT
    steps = _whole(gross, EXACT.multiply(terms.step, terms.price))
    if not steps:
        least, _ = cost_of(terms.step, terms)
        raise TradeRejected(
            f"{dollars(order.amount)} is not enough for the smallest quantity:"
            f" {coins(terms.step, terms.symbol)} costs {dollars(least)}.",
            "below_smallest_step",
        )
    return EXACT.multiply(steps, terms.step)


def _quantity_to_sell(order: Order, position: Position, terms: Terms) -> Decimal:
    """Return the quantity asked for, or the smallest that brings the amount and never more."""
    if order.sell_all:
        return position.quantity
    if order.amount is None:
        return _in_steps(order.quantity or ZERO, terms)
    everything, _ = proceeds_of(position.quantity, terms)
    if everything < order.amount:
        raise TradeRejected(
            f"Selling all your {coins(position.quantity, terms.symbol)} brings"
            f" {dollars(everything)}, which is less than {dollars(order.amount)}.",
            "too_little_held",
        )
    if everything == order.amount:
        return position.quantity
    quantity = _smallest_bringing(order.amount, terms)
    if proceeds_of(quantity, terms)[0] > order.amount:  # one step is worth more than a cent
        quantity = EXACT.subtract(quantity, terms.step)
    if not quantity:
        least, _ = proceeds_of(terms.step, terms)
        raise TradeRejected(
            f"The smallest quantity, {coins(terms.step, terms.symbol)}, already brings"
            f" {dollars(least)}.",
            "below_smallest_step",
        )
    return quantity


def _smallest_bringing(amount: Decimal, terms: Terms) -> Decimal:
    # In whole cents, gross - ceil(rate * gross) >= amount  <=>  gross * (1 - rate) >= amount.
    gross = _whole_up(amount, EXACT.multiply(CENT, 1 - terms.fee_rate)) * CENT
    steps = _whole_up(gross, EXACT.multiply(terms.step, terms.price))
    return EXACT.multiply(steps, terms.step)


def _in_steps(quantity: Decimal, terms: Terms) -> Decimal:
    """Return the quantity, if it is a multiple of the step."""
    if EXACT.remainder(quantity, terms.step):
        unit = coins(terms.step, terms.symbol)
        raise TradeRejected(
            f"{terms.symbol.upper()} is traded in steps of {unit};"
            f" {coins(quantity, terms.symbol)} does not fit them.",
            "below_smallest_step",
        )
    return digits(quantity)


def _check_digits(held: Decimal, terms: Terms) -> None:
    most = EXACT.multiply(terms.step, 10**DIGITS - 1)
    if held > most:
        raise TradeRejected(
            f"A portfolio can hold at most {coins(most, terms.symbol)}.", "too_large"
        )


def _bookable(cash: Decimal) -> Decimal:
    if abs(cash) > LARGEST_CASH:
        raise TradeRejected(
            f"That goes beyond what a portfolio can hold: {dollars(LARGEST_CASH)}.", "too_large"
        )
    return cash


def _fee(gross: Decimal, terms: Terms) -> Decimal:
    return _cents(EXACT.multiply(gross, terms.fee_rate), ROUND_CEILING)


def _cents(amount: Decimal, rounding: str) -> Decimal:
    return amount.quantize(CENT, rounding=rounding, context=EXACT)


def _whole(number: Decimal, unit: Decimal) -> Decimal:
    """Return how many times the unit fits, exactly."""
    return EXACT.divide_int(number, unit)


def _whole_up(number: Decimal, unit: Decimal) -> Decimal:
    """Return how many units cover the number, exactly."""
    whole = EXACT.divide_int(number, unit)
    return whole + 1 if EXACT.remainder(number, unit) else whole
