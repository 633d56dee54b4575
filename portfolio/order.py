"""What somebody wants to trade, refused here where no market could ever fill it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cryptopulse.words import gettext as _

from .numbers import EXACT, digits, dollars, plain
from .refusals import TradeRejected

CENT = Decimal("0.01")
#: Significant digits that every database keeps exactly (SQLite stores a decimal as a double).
DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants: one side, and exactly one of amount, quantity, everything."""

    side: str  # "buy" or "sell"
    amount: Decimal | None = None
    quantity: Decimal | None = None
    sell_all: bool = False

    @property
    def asked(self) -> str:
        """Return what was asked for in one canonical spelling: two equal orders say the same."""
        if self.sell_all:
            return "all"
        if self.amount is not None:
            return f"amount {plain(self.amount)}"
        return f"quantity {plain(self.quantity or Decimal(0))}"


def make_order(
    *,
    side: str,
    amount: Decimal | None = None,
    quantity: Decimal | None = None,
    sell_all: bool = False,
) -> Order:
    """Make an order of what somebody typed, or refuse what no market could ever fill."""
    given = (amount is not None) + (quantity is not None) + sell_all
    if given > 1:
        raise TradeRejected(
            _("Give either an amount or a quantity, not both."), "amount_and_quantity"
        )
    if not given:
        raise TradeRejected(_("Say how much: an amount or a quantity."), "amount_or_quantity")
    if side not in {"buy", "sell"}:
        raise TradeRejected(_("Choose buy or sell."), "unknown_side")
    if sell_all and side != "sell":
        raise TradeRejected(_("Only a sale can be of everything."), "amount_or_quantity")
    if amount is not None:
        amount = _checked_amount(amount)
    if quantity is not None:
        quantity = _checked_number(quantity, _("quantity"))
    return Order(side=side, amount=amount, quantity=quantity, sell_all=sell_all)


def _checked_amount(amount: Decimal) -> Decimal:
    amount = _checked_number(amount, _("amount"))
    if amount < CENT:
        raise TradeRejected(
            _("The smallest amount is %(least)s.") % {"least": dollars(CENT)},
            "below_smallest_amount",
        )
    if EXACT.remainder(amount, CENT):
        raise TradeRejected(
            _("Amounts go down to the cent: give at most two decimals."), "too_many_digits"
        )
    return amount


def _checked_number(number: Decimal, what: str) -> Decimal:
    """Return the number in its shortest form; no arithmetic is done before it is known small."""
    if not number.is_finite():
        raise TradeRejected(_("The %(what)s is not a number.") % {"what": what}, "not_a_number")
    if number <= 0:
        raise TradeRejected(_("The %(what)s must be above zero.") % {"what": what}, "not_positive")
    if number.adjusted() >= DIGITS:
        raise TradeRejected(_("That %(what)s is too large.") % {"what": what}, "too_large")
    if number.adjusted() < -2 * DIGITS or len(number.as_tuple().digits) > 4 * DIGITS:
        raise TradeRejected(
            _("That %(what)s has too many digits.") % {"what": what}, "too_many_digits"
        )
    return digits(number)
