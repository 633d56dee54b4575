"""When an alert fires and when it may fire again. Pure: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from cryptopulse import notation
from cryptopulse.words import gettext as _

#: Targets keep at most as many digits as prices do (see `market.quotes.PRICE_CONTEXT`).
MAX_DIGITS = 15
MAX_DECIMALS = 18
SMALLEST_TARGET = Decimal(1).scaleb(-MAX_DECIMALS)
#: The first target that is too large: prices of that size do not exist.
TARGET_LIMIT = Decimal("1e15")

_PERCENT = Decimal("0.01")


class Side(StrEnum):
    """Which side of the target fires. The values are those of `models.Condition`."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known of a coin's price since it was last evaluated."""

    price: Decimal  # the latest, and fresh
    price_at: datetime
    low: Decimal
    high: Decimal
    since: datetime  # when the first price of the interval was

    def extreme(self, side: str) -> Decimal:
        """Return the price of the interval that goes furthest to this side."""
        return max(self.high, self.price) if side == Side.ABOVE else min(self.low, self.price)


def is_met(*, side: str, target: Decimal, price: Decimal) -> bool:
    """Tell whether a price is at the target or beyond it."""
    return price >= target if side == Side.ABOVE else price <= target


def firing_price(
    *,
    side: str,
    target: Decimal,
    armed_at: datetime,
    seen: Observation,
    was_rearmed: bool = False,
) -> Decimal | None:
    """Return the price that fires an armed alert, or None when it keeps waiting.

    The latest price counts as it stands. A wick, a price between two evaluations that is gone
    again, counts for alerts that were armed before the interval began. `was_rearmed`: the alert
    was armed by a price (`armed_at` is that price's moment), so an older one, which a second
    evaluator may still hold, is no news to it.
    """
    is_news = not was_rearmed or seen.price_at >= armed_at
    if is_news and is_met(side=side, target=target, price=seen.price):
        return seen.price
    wick = seen.extreme(side)
    if armed_at <= seen.since and is_met(side=side, target=target, price=wick):
        return wick
    return None


def may_rearm(
    *,
    side: str,
    target: Decimal,
    fired_at: datetime,
    rearm_at: datetime,
    price: Decimal,
    price_at: datetime,
    now: datetime,
) -> bool:
    """Tell whether a repeating alert that has fired waits again from this price on.

    The price must be back on the other side, the cooldown over, and the price no older than the
    one that fired (`fired_at`), which a second evaluator may already have seen.
    """
    is_back = not is_met(side=side, target=target, price=price)
    return is_back and rearm_at <= now and price_at >= fired_at


def distance_percent(*, target: Decimal, price: Decimal | None) -> Decimal | None:
    """Return how far the price has to move, in percent of the price: +2.66, -6.39."""
    if price is None or price <= 0:
        return None
    ratio = Context(prec=40, rounding=ROUND_HALF_EVEN)
    percent = ratio.multiply(ratio.divide(ratio.subtract(target, price), price), Decimal(100))
    return percent.quantize(_PERCENT, context=Context(prec=60))


def target_at(*, price: Decimal, percent: int) -> Decimal:
    """Return a target so far from the price, rounded as a person would: four digits that count."""
    exact = price * (100 + percent) / 100
    return Context(prec=4, rounding=ROUND_HALF_EVEN).plus(exact)


def target_problem(target: Decimal) -> str:
    """Return what is wrong with a target, as a sentence; empty when nothing is."""
    if not target.is_finite():
        return _("Enter a price in US dollars, for example 100000.")
    if target <= 0:
        return _("The price must be above zero.")
    if target >= TARGET_LIMIT:
        most = notation.current().spell(f"{TARGET_LIMIT:,f}")
        return _("That price is too large. Enter one below %(most)s.") % {"most": most}
    return _inexactness(target)


def _inexactness(target: Decimal) -> str:
    """Return why a positive price cannot be kept to the last digit; empty when it can."""
    if target < SMALLEST_TARGET:
        least = notation.current().spell(f"{SMALLEST_TARGET:f}")
        return _("That price is too small. The smallest is %(least)s.") % {"least": least}
    if len(target.normalize(Context(prec=200)).as_tuple().digits) > MAX_DIGITS:
        most = {"most": MAX_DIGITS}
        return _("A price has at most %(most)s digits that count. Round it.") % most
    if _decimals(target) > MAX_DECIMALS:
        most = {"most": MAX_DECIMALS}
        return _("A price has at most %(most)s decimals. Round it.") % most
    return ""


def _decimals(value: Decimal) -> int:
    exponent = value.normalize(Context(prec=200)).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
