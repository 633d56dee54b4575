"""The arithmetic of a trade: exact, rounded once at the edge, pure.

A buy costs quantity x price rounded *up* to the cent, a sale brings it rounded *down*, a fee is
rounded up: no sequence of roundings earns anything. A sale takes its share of the cost with it,
rounded to the cent; the last one takes all of it. So, to the cent, for any sequence of trades:

    cash + cost of what is held - realised profit == what was paid in
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from cryptopulse.words import gettext as _

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


class _Moved(NamedTuple):
    """What a trade moves: coins, cash with the fee, the fee of it."""

    quantity: Decimal
    amount: Decimal
    fee: Decimal
    symbol: str


def check_means(*, order: Order, account: Account, position: Position, symbol: str) -> None:
    """Refuse what would be refused at any price: it is what a person wants to hear first."""
    if order.side == "buy":
        if order.amount is not None and order.amount > account.cash:
            raise TradeRejected(
                _("You have %(cash)s, which is less than %(amount)s.")
                % {"cash": dollars(account.cash), "amount": dollars(order.amount)},
                "too_little_cash",
            )
        return
    if not position.quantity:
        raise TradeRejected(
            _("You hold no %(symbol)s to sell.") % {"symbol": symbol.upper()}, "too_little_held"
        )
    if order.quantity is not None and order.quantity > position.quantity:
        raise TradeRejected(
            _("You hold %(held)s, which is less than %(wanted)s.")
            % {
                "held": coins(position.quantity, symbol),
                "wanted": coins(order.quantity, symbol),
            },
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
    _check_digits(EXACT.add(position.quantity, quantity), terms)
    amount, fee = cost_of(quantity, terms)
    return _bought(_Moved(quantity, amount, fee, terms.symbol), account, position)


def _bought(moved: _Moved, account: Account, position: Position) -> Fill:
    quantity, amount, fee, symbol = moved
    if amount > account.cash:
        sentence = (
            _("%(quantity)s costs %(amount)s, fee included; you have %(cash)s.")
            if fee
            else _("%(quantity)s costs %(amount)s; you have %(cash)s.")
        )
        raise TradeRejected(
            sentence
            % {
                "quantity": coins(quantity, symbol),
                "amount": dollars(amount),
                "cash": dollars(account.cash),
            },
            "too_little_cash",
        )
    held = EXACT.add(position.quantity, quantity)
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
    return _sold(_Moved(quantity, amount, fee, terms.symbol), account, position)


def _sold(moved: _Moved, account: Account, position: Position) -> Fill:
    quantity, amount, fee, symbol = moved
    closes = quantity == position.quantity
    if not amount and not closes:
        raise TradeRejected(
            _("%(quantity)s brings less than a cent at this price. Sell more of it, or all.")
            % {"quantity": coins(quantity, symbol)},
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


def book_again(
    *,
    order: Order,
    price: Decimal,
    fee: Decimal,
    account: Account,
    position: Position,
    symbol: str,
) -> Fill:
    """Book a trade of the past: its quantity, price and fee are known, the rest follows.

    The quantity need not fit today's step of the coin. Raises TradeRejected as `execute` does.
    """
    check_means(order=order, account=account, position=position, symbol=symbol)
    quantity = order.quantity or ZERO
    held = EXACT.add(position.quantity, quantity)
    if order.side == "buy":
        if len(digits(held).as_tuple().digits) > DIGITS or held.adjusted() >= DIGITS:
            raise TradeRejected(
                _("A portfolio cannot hold %(held)s.") % {"held": coins(held, symbol)}, "too_large"
            )
        amount = EXACT.add(gross_of(order, price), fee)
        return _bought(_Moved(quantity, amount, fee, symbol), account, position)
    gross = gross_of(order, price)
    if fee > gross:
        raise TradeRejected(
            _("The fee of %(fee)s is more than the %(gross)s that the sale brought.")
            % {"fee": dollars(fee), "gross": dollars(gross)},
            "fee_too_large",
        )
    moved = _Moved(quantity, EXACT.subtract(gross, fee), fee, symbol)
    return _sold(moved, account, position)


def gross_of(order: Order, price: Decimal) -> Decimal:
    """Return what a known quantity comes to before the fee: a buy is rounded up, a sale down."""
    exact = EXACT.multiply(order.quantity or ZERO, price)
    return _cents(exact, ROUND_CEILING if order.side == "buy" else ROUND_FLOOR)


def fee_of(gross: Decimal, rate: Decimal) -> Decimal:
    """Return the fee, rounded up to the cent."""
    return _cents(EXACT.multiply(gross, rate), ROUND_CEILING)


def cost_of(quantity: Decimal, terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what buying this costs with the fee, and the fee."""
    gross = _cents(EXACT.multiply(quantity, terms.price), ROUND_CEILING)
    fee = fee_of(gross, terms.fee_rate)
    return EXACT.add(gross, fee), fee


def proceeds_of(quantity: Decimal, terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what selling this brings after the fee, and the fee."""
    gross = _cents(EXACT.multiply(quantity, terms.price), ROUND_FLOOR)
    fee = fee_of(gross, terms.fee_rate)
    return EXACT.subtract(gross, fee), fee


def _quantity_to_buy(order: Order, terms: Terms) -> Decimal:
    """Return the quantity asked for, or the largest that costs no more than the amount."""
    if order.amount is None:
        return _in_steps(order.quantity or ZERO, terms)
    # In whole cents, gross + ceil(rate * gross) <= amount  <=>  gross * (1 + rate) <= amount.
    gross = _whole(order.amount, EXACT.multiply(CENT, 1 + terms.fee_rate)) * CENT
    steps = _whole(gross, EXACT.multiply(terms.step, terms.price))
    if not steps:
        least, _fee = cost_of(terms.step, terms)
        raise TradeRejected(
            _("%(amount)s is not enough for the smallest quantity: %(step)s costs %(least)s.")
            % {
                "amount": dollars(order.amount),
                "step": coins(terms.step, terms.symbol),
                "least": dollars(least),
            },
            "below_smallest_step",
        )
    return EXACT.multiply(steps, terms.step)


def _quantity_to_sell(order: Order, position: Position, terms: Terms) -> Decimal:
    """Return the quantity asked for, or the smallest that brings the amount and never more."""
    if order.sell_all:
        return position.quantity
    if order.amount is None:
        return _in_steps(order.quantity or ZERO, terms)
    everything, _fee = proceeds_of(position.quantity, terms)
    if everything < order.amount:
        raise TradeRejected(
            _("Selling all your %(quantity)s brings %(everything)s, which is less than %(amount)s.")
            % {
                "quantity": coins(position.quantity, terms.symbol),
                "everything": dollars(everything),
                "amount": dollars(order.amount),
            },
            "too_little_held",
        )
    if everything == order.amount:
        return position.quantity
    quantity = _smallest_bringing(order.amount, terms)
    if proceeds_of(quantity, terms)[0] > order.amount:  # one step is worth more than a cent
        quantity = EXACT.subtract(quantity, terms.step)
    if not quantity:
        least, _fee = proceeds_of(terms.step, terms)
        raise TradeRejected(
            _("The smallest quantity, %(step)s, already brings %(least)s.")
            % {"step": coins(terms.step, terms.symbol), "least": dollars(least)},
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
            _("%(symbol)s is traded in steps of %(unit)s; %(quantity)s does not fit them.")
            % {
                "symbol": terms.symbol.upper(),
                "unit": unit,
                "quantity": coins(quantity, terms.symbol),
            },
            "below_smallest_step",
        )
    return digits(quantity)


def _check_digits(held: Decimal, terms: Terms) -> None:
    most = EXACT.multiply(terms.step, 10**DIGITS - 1)
    if held > most:
        raise TradeRejected(
            _("A portfolio can hold at most %(most)s.") % {"most": coins(most, terms.symbol)},
            "too_large",
        )


def _bookable(cash: Decimal) -> Decimal:
    if abs(cash) > LARGEST_CASH:
        raise TradeRejected(
            _("That goes beyond what a portfolio can hold: %(most)s.")
            % {"most": dollars(LARGEST_CASH)},
            "too_large",
        )
    return cash


def _cents(amount: Decimal, rounding: str) -> Decimal:
    return amount.quantize(CENT, rounding=rounding, context=EXACT)


def _whole(number: Decimal, unit: Decimal) -> Decimal:
    """Return how many times the unit fits, exactly."""
    return EXACT.divide_int(number, unit)


def _whole_up(number: Decimal, unit: Decimal) -> Decimal:
    """Return how many units cover the number, exactly."""
    whole = EXACT.divide_int(number, unit)
    return whole + 1 if EXACT.remainder(number, unit) else whole
