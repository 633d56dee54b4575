"""How numbers are written: money of any size, prices, quantities, ages. Pure; no Django.

All of them in the notation and the words of whoever reads (cryptopulse.notation, .words).
`static/js/figures.js` writes live numbers by the same rules; a browser test holds the two
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from . import notation
from .words import gettext as _

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EM DASH}"
NBSP = "\N{NO-BREAK SPACE}"

HUNDRED = 100
THOUSAND = 1000
MOST_PLACES = 20  # what every browser can write

Number = Decimal | float | int | str


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency to show money in, and how many units of it one US dollar buys."""

    code: str
    sign: str
    rate: Decimal = Decimal(1)
    places: int = 2  # of its coins: yen and won have none


#: ISO 4217 code -> sign in front of the number, and decimals of its smallest coin.
SIGNS: dict[str, tuple[str, int]] = {
    "USD": ("$", 2),
    "EUR": ("€", 2),
    "GBP": ("£", 2),
    "JPY": ("¥", 0),
    "INR": ("₹", 2),
    "AUD": ("A$", 2),
    "CAD": ("C$", 2),
    "CNY": ("CN¥", 2),
    "KRW": ("₩", 0),
}
USD = Currency("USD", "$")


def currency(code: str, rate: Decimal) -> Currency:
    """Return the currency with its sign; one without a sign of its own is written by its code."""
    sign, places = SIGNS.get(code, (f"{code}{NBSP}", 2))
    return Currency(code, sign, rate, places)


def decimal(value: Number | None) -> Decimal | None:
    """Return the value as a finite Decimal, or None when it is not one."""
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def places_for(size: Decimal, coins: int) -> int:
    """Return how many decimals an amount of this size needs: cents, or four digits that count."""
    if size == 0:
        return coins
    if size >= HUNDRED:
        return coins
    if size >= 1:
        return max(coins, 2)
    return min(MOST_PLACES, max(4, 3 - size.adjusted()))


def price_places_for(size: Decimal, coins: int) -> int:
    """Return how many decimals a price of this size needs: five digits that count, cents at least.

    With fewer, most ticks of a coin of a few dollars could not be seen. Below 1 as `places_for`,
    so that a price that wanders about 1 keeps its four decimals.
    """
    return max(coins, 4 - size.adjusted()) if size >= 1 else places_for(size, coins)


def money(value: Number | None, in_currency: Currency = USD, *, signed: bool = False) -> str:
    """Write an amount of US dollars in a currency: $97,412.20, $0.7832, $0.000000002300."""
    dollars = decimal(value)
    if dollars is None:
        return DASH
    amount = dollars * in_currency.rate
    size = _fixed(abs(amount), places_for(abs(amount), in_currency.places))
    return f"{_sign(amount, size, signed=signed)}{in_currency.sign}{_spell(size)}"


def price(value: Number | None, in_currency: Currency = USD) -> str:
    """Write what one coin costs: $115,860.35, $24.517, $2.8134, $1.0003, $0.7832."""
    dollars = decimal(value)
    if dollars is None:
        return DASH
    amount = dollars * in_currency.rate
    size = _fixed(abs(amount), price_places_for(abs(amount), in_currency.places))
    return f"{_sign(amount, size, signed=False)}{in_currency.sign}{_spell(size)}"


def compact(value: Number | None, in_currency: Currency = USD) -> str:
    """Write a large amount short: $1.93T, $38.40B, $620.00M, $12.45K; small ones in full."""
    dollars = decimal(value)
    if dollars is None:
        return DASH
    amount = dollars * in_currency.rate
    units = (
        (12, _("%(amount)sT")),
        (9, _("%(amount)sB")),
        (6, _("%(amount)sM")),
        (3, _("%(amount)sK")),
    )
    for power, unit in units:
        # Where the unit below would round to a thousand of itself, this one is due.
        if _fixed(abs(amount).scaleb(3 - power), 2) >= THOUSAND:
            size = _spell(_fixed(abs(amount).scaleb(-power), 2))
            sign = MINUS if amount < 0 else ""
            return sign + in_currency.sign + _together(unit % {"amount": size})
    return money(dollars, in_currency)


def quantity(value: Number | None) -> str:
    """Write a quantity with the digits it has and no more: 1,234.5, 0.00000001."""
    number = decimal(value)
    if number is None:
        return DASH
    digits = f"{number.copy_abs():,f}"  # exact, whatever the context's precision
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{MINUS if number < 0 else ''}{notation.current().spell(digits)}"


def number(value: Number | None, places: int = 0) -> str:
    """Write a count, or a measure with so many decimals: 10,000, 61.3."""
    measure = decimal(value)
    if measure is None:
        return DASH
    size = _fixed(abs(measure), places)
    return f"{_sign(measure, size, signed=False)}{_spell(size)}"


def percent(value: Number | None, *, places: int = 2) -> str:
    """Write a percentage without its sign: direction is told by a triangle and a word."""
    number = decimal(value)
    return DASH if number is None else f"{_spell(_fixed(abs(number), places))}%"


def direction(value: Number | None) -> str:
    """Return "up", "down" or "flat" for a change in percent, as two decimals show it."""
    number = decimal(value)
    if number is None or _fixed(abs(number), 2) == 0:
        return "flat"
    return "up" if number > 0 else "down"


def age(at: datetime | None, *, now: datetime) -> str:
    """Write how long ago something was: 12 s ago, 4 min ago, 3 h ago, 2 d ago."""
    if at is None:
        return _("never")
    return _("%(time)s ago") % {"time": span((now - at).total_seconds())}


def span(seconds: float) -> str:
    """Write a length of time in its largest unit: 12 s, 4 min, 3 h, 2 d."""
    whole = max(0, int(seconds))
    units = ((86400, _("%(count)s d")), (3600, _("%(count)s h")), (60, _("%(count)s min")))
    for length, unit in units:
        if whole >= length:
            return _together(unit % {"count": whole // length})
    return _together(_("%(count)s s") % {"count": whole})


def _together(text: str) -> str:
    """Keep a number and its unit on one line."""
    return text.replace(" ", NBSP)


def _spell(size: Decimal) -> str:
    return notation.current().spell(f"{size:,f}")


def _fixed(number: Decimal, places: int) -> Decimal:
    """Round to so many decimals; the format string pads and groups, this never overflows."""
    try:
        return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    except InvalidOperation:  # more digits than the context's precision
        return Decimal(f"{number:.{places}f}")


def _sign(amount: Decimal, size: Decimal, *, signed: bool) -> str:
    if amount < 0 and size:
        return MINUS
    return "+" if signed and amount > 0 and size else ""
