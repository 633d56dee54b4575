"""What a feed delivers and the market stores: plain values, no Django, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal

#: Prices keep at most 15 significant digits, because that is what is exact on all databases:
#: SQLite stores a decimal as a double.
PRICE_CONTEXT = Context(prec=15)

LONGEST_COIN_ID = 128

SIMULATED_SOURCES = frozenset({"simulated", "replay"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One coin's price at one moment, in US dollars per coin.

    Optional fields are None where the source does not say; `ingest` then keeps what it has.
    """

    coin_id: str
    price: Decimal
    price_at: datetime
    source: str
    symbol: str | None = None
    name: str | None = None
    rank: int | None = None
    change_24h: Decimal | None = None  # percent
    change_7d: Decimal | None = None  # percent
    market_cap: Decimal | None = None  # US dollars
    volume_24h: Decimal | None = None  # US dollars
    sparkline: list[float] = field(default_factory=list)  # about a week, oldest first
    volume: Decimal | None = None  # coins traded since the previous quote, where known


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One candle of history as a feed or a file gives it, in US dollars."""

    coin_id: str
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    step: timedelta | None = None  # how long it lasts: 5 minutes, an hour, a day


def is_coin_id(value: object) -> bool:
    """Tell whether this can be a coin's id: a part of addresses, of keys and of lists of ids."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_COIN_ID
        and value.isprintable()
        and not set(value) & set(" ,/?#%\\:")
        and value not in {".", ".."}
    )


def is_stale(price_at: datetime | None, *, now: datetime, limit: timedelta) -> bool:
    """Tell whether a price of this moment is too old to trade or alert on."""
    return price_at is None or now - price_at > limit


def quantity_step_for(price: Decimal) -> Decimal:
    """Return the smallest tradable quantity of a coin with this first price.

    A power of ten between 1e-8 and 1, worth a tenth of a cent or less where that range allows,
    so that a cash amount can be spent to the cent. It is fixed when a coin first has a price:
    what people hold must stay a multiple of it.
    """
    step = Decimal(1)
    smallest = Decimal("1e-8")
    while step > smallest and step * price > Decimal("0.001"):
        step = step.scaleb(-1)
    return step
