"""Numbers as people and programs write them: read exactly, written plainly. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from .refusals import TradeRejected

#: Enough for the product of a price (36 digits) and a quantity (24), and a fee on top.
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)

LONGEST = 64  # characters
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_MINUS = "\N{MINUS SIGN}"


def parse_decimal(text: str) -> Decimal:
    """Read a number exactly as it is written: 1234.5, 1,234.50, 1e-8.

    Commas are thousands separators and must stand where those stand: a decimal comma is refused,
    because reading 0,5 as 5 would cost money. Only ASCII digits count. The result may be too
    large, negative or zero; the ledger judges that. Refusals: `number_missing`, `not_a_number`.
    """
    written = text.strip().replace(_MINUS, "-")
    if not written:
        raise TradeRejected("Enter a number, for example 100 or 0.25.", "number_missing")
    if len(written) > LONGEST:
        raise TradeRejected("That number has too many digits.", "too_many_digits")
    if _PLAIN.fullmatch(written):
        return Decimal(written)
    if _GROUPED.fullmatch(written):
        return Decimal(written.replace(",", ""))
    if "," in written and _PLAIN.fullmatch(written.replace(",", ".", 1)):
        raise TradeRejected(
            f"Write the decimals with a point: {written.replace(',', '.', 1)}.", "not_a_number"
        )
    shown = written if written.isprintable() else "That"
    raise TradeRejected(f"{shown} is not a number; write it like 1234.56.", "not_a_number")


def digits(number: Decimal) -> Decimal:
    """Drop trailing zeros, so that 0.50 and 0.5 are written alike. The number stays exact."""
    return EXACT.normalize(number)


def plain(number: Decimal) -> str:
    """Write a number without exponent and without needless zeros, for machines: 0.00000001."""
    return f"{digits(number):f}"


def coins(quantity: Decimal, symbol: str) -> str:
    """Write a quantity for people: 1,234.5 BTC."""
    return f"{digits(quantity):,f} {symbol.upper()}"


def dollars(amount: Decimal) -> str:
    """Write an amount for people, to the cent: $1,234.50."""
    return f"{_MINUS if amount < 0 else ''}${abs(amount):,.2f}"


def signed_dollars(amount: Decimal) -> str:
    """Write a profit or loss, to the cent: +$58.19."""
    text = dollars(amount)
    return f"+{text}" if amount > 0 and text.strip("$0,.") else text


def price(amount: Decimal) -> str:
    """Write a price with every digit that it has, and cents at least: $3,478.818, $0.50.

    Quantity times this is the amount that was paid, before it is rounded to the cent.
    """
    exact = digits(amount)
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return f"${exact:,.{max(2, places)}f}"


def trade_sentence(*, side: str, quantity: Decimal, symbol: str, amount: Decimal) -> str:
    """Say what was traded: Bought 0.025 BTC for $2,500.00."""
    verb = "Bought" if side == "buy" else "Sold"
    return f"{verb} {coins(quantity, symbol)} for {dollars(amount)}"
