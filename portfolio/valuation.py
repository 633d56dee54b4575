"""What a portfolio is worth: pure arithmetic over positions and the latest prices.

Values are rounded down to the cent, which is what a sale would bring before its fee. So, to the
cent: `value == paid in + profit`, and `profit == unrealised + realised`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Protocol

from cryptopulse.words import gettext as _
from cryptopulse.words import ngettext

from .numbers import EXACT

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
TENTH = Decimal("0.1")  # shares are shown in tenths of a percent
#: The ring has this many colours; what is smaller than the largest coins is one slice.
LARGEST_SLICES = 3


class PricedCoin(Protocol):
    """What valuation needs to know of a coin."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def last_price(self) -> Decimal | None: ...
    @property
    def change_24h(self) -> Decimal | None: ...
    @property
    def price_at(self) -> datetime | None: ...
    def is_stale(self, *, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingValue:
    """One holding at the latest price. A coin without any price counts at its cost."""

    coin: PricedCoin
    quantity: Decimal
    cost: Decimal
    average_cost: Decimal  # dollars per coin, fees included
    value: Decimal
    unrealised: Decimal
    unrealised_percent: Decimal | None
    day_change: Decimal | None  # dollars, of what is held now
    share: Decimal  # percent of the whole portfolio, cash included
    is_stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One slice of the allocation; `share` in percent."""

    name: str
    value: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A portfolio in US dollars at one moment."""

    cash: Decimal
    holdings: list[HoldingValue]  # largest first
    value: Decimal  # cash and holdings
    cost: Decimal
    unrealised: Decimal
    unrealised_percent: Decimal | None
    realised: Decimal
    profit: Decimal
    profit_percent: Decimal | None  # of what was paid in
    day_change: Decimal | None  # None where no holding says
    day_change_percent: Decimal | None
    allocation: list[Share]  # at most five, cash last; shares add up to 100.0
    best: HoldingValue | None  # the largest rise in 24 h
    stale: bool  # some price is too old to trade on


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position and its coin, as stored."""

    coin: PricedCoin
    quantity: Decimal
    cost: Decimal


def value_portfolio(
    *,
    cash: Decimal,
    paid_in: Decimal,
    realised: Decimal,
    held: Iterable[Held],
    now: datetime,
) -> Valuation:
    """Value a portfolio at the latest prices."""
    ordered = sorted(held, key=lambda one: (-_value(one), one.coin.name, one.coin.id))
    values = [_value(one) for one in ordered]
    total = sum(values, cash)
    shares = percent_shares([*values, cash])
    holdings = [
        _holding(one, value, share, now)
        for one, value, share in zip(ordered, values, shares[:-1], strict=True)
    ]
    cost = sum((one.cost for one in holdings), Decimal(0))
    unrealised = total - cash - cost
    changes = [one.day_change for one in holdings if one.day_change is not None]
    day_change = sum(changes, Decimal(0)) if changes else None
    return Valuation(
        cash=cash,
        holdings=holdings,
        value=total,
        cost=cost,
        unrealised=unrealised,
        unrealised_percent=percent_of(unrealised, cost),
        realised=realised,
        profit=unrealised + realised,
        profit_percent=percent_of(unrealised + realised, paid_in),
        day_change=day_change,
        day_change_percent=(
            None if day_change is None else percent_of(day_change, total - day_change)
        ),
        allocation=_allocation(holdings, cash, shares[-1]),
        best=max(
            (one for one in holdings if one.coin.change_24h is not None),
            key=lambda one: one.coin.change_24h or Decimal(0),
            default=None,
        ),
        stale=any(one.is_stale for one in holdings),
    )


def _value(held: Held) -> Decimal:
    if held.coin.last_price is None:
        return held.cost
    exact = EXACT.multiply(held.quantity, held.coin.last_price)
    return exact.quantize(CENT, rounding=ROUND_FLOOR, context=EXACT)


def _holding(held: Held, value: Decimal, share: Decimal, now: datetime) -> HoldingValue:
    return HoldingValue(
        coin=held.coin,
        quantity=held.quantity,
        cost=held.cost,
        average_cost=held.cost / held.quantity,
        value=value,
        unrealised=value - held.cost,
        unrealised_percent=percent_of(value - held.cost, held.cost),
        day_change=day_change_of(value, held.coin.change_24h),
        share=share,
        is_stale=held.coin.is_stale(now=now),
    )


def day_change_of(value: Decimal, percent: Decimal | None) -> Decimal | None:
    """Return by how many dollars this has changed, if it has changed by so many percent."""
    if percent is None or percent <= -HUNDRED:
        return None
    before = value / (1 + percent / HUNDRED)
    return (value - before).quantize(CENT, rounding=ROUND_HALF_UP)


def percent_of(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return the part in percent of the whole with two decimals; None of nothing."""
    if whole <= 0:
        return None
    return (part / whole * HUNDRED).quantize(CENT, rounding=ROUND_HALF_UP, context=EXACT)


def percent_shares(values: Sequence[Decimal]) -> list[Decimal]:
    """Split 100.0 percent by these values so that the tenths add up (largest remainders)."""
    total = sum(values, Decimal(0))
    if not total:
        return [Decimal("0.0") for _ in values]
    exact = [value * 1000 / total for value in values]
    tenths = [int(share) for share in exact]
    by_remainder = sorted(range(len(values)), key=lambda i: tenths[i] - exact[i])
    for index in by_remainder[: 1000 - sum(tenths)]:
        tenths[index] += 1
    return [TENTH * count for count in tenths]


def _allocation(holdings: list[HoldingValue], cash: Decimal, cash_share: Decimal) -> list[Share]:
    """Return the largest coins, the others as one, and cash."""
    # A single "other" would take the place of the coin it names.
    named = LARGEST_SLICES + 1 if len(holdings) == LARGEST_SLICES + 1 else LARGEST_SLICES
    slices = [
        Share(name=one.coin.name, value=one.value, share=one.share) for one in holdings[:named]
    ]
    if rest := holdings[named:]:
        slices.append(
            Share(
                name=ngettext("%(count)d other", "%(count)d others", len(rest))
                % {"count": len(rest)},
                value=sum((one.value for one in rest), Decimal(0)),
                share=sum((one.share for one in rest), Decimal(0)),
            )
        )
    return [*slices, Share(name=_("Cash"), value=cash, share=cash_share)]


def category_shares(valuation: Valuation) -> list[Share]:
    """Return what the holdings are made of by the coins' categories, largest first, cash last.

    Coins of no known category are together "Other"; so are the small categories beyond four.
    """
    values: dict[str, Decimal] = {}
    for one in valuation.holdings:
        values[one.coin.category] = values.get(one.coin.category, Decimal(0)) + one.value
    other = values.pop("", None)
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    fits = LARGEST_SLICES + (other is None)
    named, rest = ordered[:fits], ordered[fits:]
    if rest or other is not None:
        named.append((_("Other"), sum((value for _name, value in rest), other or Decimal(0))))
    named.append((_("Cash"), valuation.cash))
    shares = percent_shares([value for _name, value in named])
    return [
        Share(name=name, value=value, share=share)
        for (name, value), share in zip(named, shares, strict=True)
    ]
