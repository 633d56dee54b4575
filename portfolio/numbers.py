"""Numbers as people and programs write them: read exactly, written plainly. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from cryptopulse import notation
from cryptopulse.words import gettext as _

from .refusals import TradeRejected

#: Enough for the product of a price (36 digits) and a quantity (24), and a fee on top.
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)

_MINUS = notation.MINUS


def parse_decimal(text: str) -> Decimal:
    """Read a number exactly as whoever we speak to writes numbers: 1234.5, 1,234.50, 1e-8.

    Nothing is guessed: what is malformed, or could be two numbers, is refused with the right
    spelling (see `cryptopulse.notation`). Only ASCII digits count. The result may be too large,
    negative or zero; the ledger judges that. Refusals: `number_missing`, `not_a_number`,
    `too_many_digits`.
    """
    try:
        return notation.current().read(text)
    except notation.NotANumber as refused:
        raise TradeRejected(refused.sentence, refused.code) from None


def parse_plain(text: str) -> Decimal:
    """Read a number as programs write it, whoever's program it is: with a point."""
    try:
        return notation.PLAIN.read(text)
    except notation.NotANumber as refused:
        raise TradeRejected(refused.sentence, refused.code) from None


def digits(number: Decimal) -> Decimal:
    """Drop trailing zeros, so that 0.50 and 0.5 are written alike. The number stays exact."""
    return EXACT.normalize(number)


def plain(number: Decimal) -> str:
    """Write a number without exponent and without needless zeros, for machines: 0.00000001."""
    return f"{digits(number):f}"


def coins(quantity: Decimal, symbol: str) -> str:
    """Write a quantity for people: 1,234.5 BTC."""
    return f"{_spell(f'{digits(quantity):,f}')} {symbol.upper()}"


def dollars(amount: Decimal) -> str:
    """Write an amount for people, to the cent: $1,234.50."""
    return f"{_MINUS if amount < 0 else ''}${_spell(f'{abs(amount):,.2f}')}"


def signed_dollars(amount: Decimal) -> str:
    """Write a profit or loss, to the cent: +$58.19."""
    text = dollars(amount)
    return f"+{text}" if amount > 0 and any(digit in text for digit in "123456789") else text


def price(amount: Decimal) -> str:
    """Write a price with every digit that it has, and cents at least: $3,478.818, $0.50.

    Quantity times this is the amount that was paid, before it is rounded to the cent.
    """
    exact = digits(amount)
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return f"${_spell(f'{exact:,.{max(2, places)}f}')}"


def trade_sentence(*, side: str, quantity: Decimal, symbol: str, amount: Decimal) -> str:
    """Say what was traded: Bought 0.025 BTC for $2,500.00."""
    said = (
        _("Bought %(coins)s for %(amount)s")
        if side == "buy"
        else _("Sold %(coins)s for %(amount)s")
    )
    return said % {"coins": coins(quantity, symbol), "amount": dollars(amount)}


def _spell(plain: str) -> str:
    return notation.current().spell(plain)
