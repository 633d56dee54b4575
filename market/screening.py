"""Coins by their figures: the row that tables of analysis are made of, filters, order. Pure.

Prices, capitalisation, volume and the changes over 24 hours and 7 days are those of now; a change
over more days ends at the price of now and begins at a close; everything else is of complete days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market.measures import MONTH, QUARTER, YEAR, Figures

Value = Decimal | float | int | None

ABOVE, BELOW = "above", "below"


@dataclass(frozen=True, slots=True)
class Row:
    """A coin as it is now, and what its complete days say (None where it has none)."""

    coin: Any
    figures: Figures | None

    @property
    def price(self) -> float | None:
        return None if self.coin.last_price is None else float(self.coin.last_price)

    def change_since(self, days: int) -> float | None:
        """Return the change in percent of the price against the close so many days ago."""
        return None if self.figures is None else self._against(self.figures.ago.get(days))

    @property
    def change_30d(self) -> float | None:
        return self.change_since(MONTH)

    def above_average(self, days: int) -> float | None:
        """Return how far the price is above (or below) its average of so many days, in percent."""
        return None if self.figures is None else self._against(self.figures.averages.get(days))

    @property
    def above_50(self) -> float | None:
        return self.above_average(50)

    @property
    def above_200(self) -> float | None:
        return self.above_average(200)

    @property
    def below_high(self) -> float | None:
        """Return how far the price is below the highest close of a year, in percent; 0 at it."""
        if self.figures is None:
            return None
        away = self._against(self.figures.high)
        return None if away is None else max(-away, 0.0)

    @property
    def volume_ratio(self) -> float | None:
        """Return the newest complete day's volume as a multiple of the month before it."""
        known = self.figures
        if known is None or known.volume is None or not known.volume_mean:
            return None
        return known.volume / known.volume_mean

    @property
    def turnover(self) -> float | None:
        """Return the volume of 24 hours in percent of the market capitalisation."""
        if self.coin.volume_24h is None or not self.coin.market_cap:
            return None
        return float(self.coin.volume_24h / self.coin.market_cap * 100)

    @property
    def band_place(self) -> float | None:
        """Return where the price is between its Bollinger bands: 0 lower, 100 upper, or beyond."""
        known = self.figures
        if known is None or known.band_upper is None or known.band_lower is None:
            return None
        width = known.band_upper - known.band_lower
        if self.price is None or width <= 0:
            return None
        return (self.price - known.band_lower) / width * 100

    def _against(self, base: float | None) -> float | None:
        return (self.price / base - 1) * 100 if base and self.price is not None else None


def _of_days(name: str) -> Callable[[Row], Value]:
    return lambda row: None if row.figures is None else getattr(row.figures, name)


#: Column -> its value; what a coin does not have is None.
VALUES: dict[str, Callable[[Row], Value]] = {
    "rank": lambda row: row.coin.rank,
    "price": lambda row: row.coin.last_price,
    "market_cap": lambda row: row.coin.market_cap,
    "volume_24h": lambda row: row.coin.volume_24h,
    "change_24h": lambda row: row.coin.change_24h,
    "change_7d": lambda row: row.coin.change_7d,
    "change_30d": lambda row: row.change_30d,
    "change_90d": lambda row: row.change_since(QUARTER),
    "change_1y": lambda row: row.change_since(YEAR),
    "volatility": _of_days("volatility"),
    "rsi": _of_days("rsi"),
    "below_high": lambda row: row.below_high,
    "above_50": lambda row: row.above_50,
    "above_200": lambda row: row.above_200,
    "turnover": lambda row: row.turnover,
    "volume_ratio": lambda row: row.volume_ratio,
}
#: Columns that can be held between two bounds.
BOUNDED = (
    "rank", "price", "market_cap", "volume_24h", "change_24h", "change_7d", "change_30d",
    "volatility", "rsi", "below_high",
)  # fmt: skip
#: Averages that the price can be asked to be above or below, in days.
SIDES = (50, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What a coin must be like. A coin whose figure is unknown does not meet a bound on it."""

    bounds: Mapping[str, tuple[Decimal | None, Decimal | None]] = field(default_factory=dict)
    category: str = ""
    sides: Mapping[int, str] = field(default_factory=dict)  # days -> ABOVE or BELOW

    def is_met_by(self, row: Row) -> bool:
        return (
            (not self.category or row.coin.category == self.category)
            and all(_within(VALUES[key](row), *both) for key, both in self.bounds.items())
            and all(_is_on(row.above_average(days), side) for days, side in self.sides.items())
        )


def screen(rows: Iterable[Row], criteria: Criteria) -> list[Row]:
    """Return the rows that meet the criteria, in their order."""
    return [row for row in rows if criteria.is_met_by(row)]


def sort_rows(rows: Sequence[Row], key: str) -> list[Row]:
    """Sort by a column, or the name; a minus descends. Rows without the value come last."""
    name = key.removeprefix("-")
    value: Callable[[Row], Any] = _name if name == "name" else VALUES[name]
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    return sorted(known, key=value, reverse=key.startswith("-")) + unknown


def _name(row: Row) -> str:
    return str(row.coin.name).casefold()


def _within(value: Value, low: Decimal | None, high: Decimal | None) -> bool:
    if value is None:
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _is_on(away: float | None, side: str) -> bool:
    return away is not None and (away > 0 if side == ABOVE else away < 0)
