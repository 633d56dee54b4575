"""Turns CoinGecko's JSON into quotes and bars; whatever is missing, odd or absurd is left out.

Nearly every field may be null, numbers change between int and float, and tokens that anybody can
make carry names and figures that nobody checked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from market.feeds.figures import LARGEST_PRICE, SMALLEST_PRICE, moment, number
from market.quotes import Bar, Quote, is_coin_id

logger = logging.getLogger(__name__)

STEPS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
SPARKLINE_POINTS = 56  # of the 168 hours that CoinGecko sends: a row stays under two kilobytes


def quotes(rows: list[Any], *, source: str) -> list[Quote]:
    """Read the rows of `/coins/markets`; a row without id, price or time is left out."""
    found: dict[str, Quote] = {}
    left_out = 0
    for row in rows:
        quote = _quote(row, source) if isinstance(row, dict) else None
        if quote is None:
            left_out += 1
        else:
            found.setdefault(quote.coin_id, quote)
    if left_out:
        logger.info("%s: %d rows without a usable price were left out", source, left_out)
    return list(found.values())


def _quote(row: dict[str, Any], source: str) -> Quote | None:
    coin_id = row.get("id")
    price = number(row.get("current_price"))
    price_at = moment(row.get("last_updated"))
    if not is_coin_id(coin_id) or price is None or price_at is None:
        return None
    if not SMALLEST_PRICE <= price < LARGEST_PRICE:
        return None
    return Quote(
        coin_id=str(coin_id),
        price=price,
        price_at=price_at,
        source=source,
        symbol=text(row.get("symbol"), 32) or None,
        name=text(row.get("name"), 128) or None,
        # Wrapped and staked tokens have no rank of their own since 2026.
        rank=_rank(row.get("market_cap_rank"), row.get("market_cap_rank_with_rehypothecated")),
        change_24h=_first_fitting(
            row, "price_change_percentage_24h_in_currency", "price_change_percentage_24h"
        ),
        change_7d=_first_fitting(
            row, "price_change_percentage_7d_in_currency", "price_change_percentage_7d"
        ),
        market_cap=_fitting(row.get("market_cap"), digits=18, places=2),
        volume_24h=_fitting(row.get("total_volume"), digits=18, places=2),
        sparkline=_sparkline(row.get("sparkline_in_7d")),
    )


def _fitting(value: object, *, digits: int, places: int) -> Decimal | None:
    """Round to what the column takes; None for what has more digits before the point."""
    result = number(value)
    if result is None or result.adjusted() >= digits:
        return None
    return result.quantize(Decimal(1).scaleb(-places))


def _first_fitting(row: dict[str, Any], *names: str) -> Decimal | None:
    values = (_fitting(row.get(name), digits=11, places=4) for name in names)
    return next((value for value in values if value is not None), None)


def _rank(*values: object) -> int | None:
    return next(
        (v for v in values if isinstance(v, int) and not isinstance(v, bool) and 0 < v < 10**6),
        None,
    )


def text(value: object, length: int) -> str:
    """Return a name without control characters, as long as its column takes."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value if c.isprintable()).strip()[:length]


def _sparkline(value: object) -> list[float]:
    points = value.get("price") if isinstance(value, dict) else None
    if not isinstance(points, list):
        return []
    prices = [float(f"{p:.6g}") for p in map(number, points) if p is not None]
    if len(prices) <= SPARKLINE_POINTS:
        return prices
    last = len(prices) - 1  # evenly spread, from the first to the last
    return [prices[last * i // (SPARKLINE_POINTS - 1)] for i in range(SPARKLINE_POINTS)]


# --- History ----------------------------------------------------------------------------------


def bars(body: Any, *, coin_id: str, start: datetime, end: datetime) -> list[Bar]:
    """Read `/coins/{id}/market_chart`: points near, but not on, a grid; the last one is "now".

    A point is the price at the start of its interval, so a bar opens with its point and closes
    with the next one; what happened in between is not known. Where the next point is missing the
    bar closes as it opened, and no bar is made up for the gap.
    """
    points = _points(body.get("prices") if isinstance(body, dict) else None)
    if not points:
        return []
    step = _step([at for at, _ in points])
    grid, now_price = _on_grid(points, step)
    closes = {at - step: price for at, price in grid.items()}
    if now_price is not None:
        closes[max(grid)] = now_price
    made = [_bar(coin_id, at, price, closes.get(at), step) for at, price in grid.items()]
    return [bar for bar in made if start <= bar.start < end]


def _points(rows: object) -> list[tuple[datetime, Decimal]]:
    points: dict[datetime, Decimal] = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list) and len(row) == 2:  # noqa: PLR2004 (time and price)
            at, price = moment(row[0]), number(row[1])
            if at and price is not None and SMALLEST_PRICE <= price < LARGEST_PRICE:
                points[at] = price
    return sorted(points.items())


def _step(times: Sequence[datetime]) -> timedelta:
    """Return the grid's step. What the plan and the span give is not always what was asked."""
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    if not gaps:
        return STEPS[0]
    usual = median(gaps)
    return min(STEPS, key=lambda step: abs(step.total_seconds() - usual))


def _on_grid(
    points: Iterable[tuple[datetime, Decimal]], step: timedelta
) -> tuple[dict[datetime, Decimal], Decimal | None]:
    """Put points on the nearest beginning of an interval; return "now", the last, apart."""
    *earlier, (last_at, last_price) = points
    seconds = step.total_seconds()
    grid: dict[datetime, Decimal] = {}
    for at, price in earlier:
        near = round(at.timestamp() / seconds) * seconds
        grid.setdefault(datetime.fromtimestamp(near, tz=UTC), price)
    bucket = datetime.fromtimestamp(last_at.timestamp() // seconds * seconds, tz=UTC)
    grid.setdefault(bucket, last_price)
    return grid, last_price if bucket == max(grid) else None


def _bar(
    coin_id: str, start: datetime, opened: Decimal, closed: Decimal | None, step: timedelta
) -> Bar:
    closed = opened if closed is None else closed
    return Bar(
        coin_id=coin_id,
        start=start,
        open=opened,
        high=max(opened, closed),
        low=min(opened, closed),
        close=closed,
        step=step,
    )
