"""Rounding figures, once, to what every database keeps exactly."""

from __future__ import annotations

from decimal import Decimal

from market.quotes import PRICE_CONTEXT

_PLACES = 18  # of PriceField
_SMALLEST = Decimal("1e-18")
_LARGEST = Decimal("1e15")


def round_price(price: object) -> Decimal | None:
    """Round to what every database keeps exactly; None for what is no price."""
    if not isinstance(price, Decimal) or not price.is_finite() or not 0 < price < _LARGEST:
        return None
    rounded = PRICE_CONTEXT.plus(price)
    if rounded.as_tuple().exponent < -_PLACES:  # type: ignore[operator]
        rounded = rounded.quantize(_SMALLEST)
    return rounded if rounded > 0 else None


def fit(value: Decimal | None, digits: int, places: int) -> Decimal | None:
    """Round a figure to its column; what does not fit is as good as not said."""
    if value is None or not value.is_finite():
        return None
    rounded = PRICE_CONTEXT.plus(value)
    if rounded.adjusted() >= digits - places:
        return None
    if rounded.as_tuple().exponent < -places:  # type: ignore[operator]
        rounded = rounded.quantize(Decimal(1).scaleb(-places))
    return rounded
