"""Candles in the database: merged with what is there, never overwritten.

Whoever stores candles of a coin holds the lock on the coin's row, so that two writers do not
merge with the same old candle.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Greatest, Least

from market.candles import Rolled, add_volumes, merge, start_of
from market.models import Candle, Coin, Resolution
from market.quotes import Quote

Key = tuple[str, str, datetime]

_KEEP: dict[str, timedelta | None] = {
    resolution.value: resolution.keep for resolution in Resolution
}
_SECONDS = {resolution.value: resolution.seconds for resolution in Resolution}
#: SQLite takes 999 parameters in one statement where it was built with the old default.
_IDS_PER_QUERY = 900
_WRITTEN = ("open", "high", "low", "close", "open_at", "close_at", "volume", "source")


def is_kept(resolution: str, start: datetime, *, now: datetime) -> bool:
    """Tell whether a candle that begins here is not past its time already."""
    expires_at = expiry(resolution, start)
    return expires_at is None or expires_at > now


def expiry(resolution: str, start: datetime) -> datetime | None:
    """Return when a candle may be deleted; None is never."""
    keep = _KEEP[resolution]
    return None if keep is None else start + timedelta(seconds=_SECONDS[resolution]) + keep


def advance_candles(quotes: Iterable[Quote], *, now: datetime) -> set[Key]:
    """Move running candles on to the price that their coin has just got; return which.

    For the common tick: one new quote of each coin, without a volume, already saved in its row.
    The database takes the price from there, which costs a fifth of reading and writing a thousand
    candles. One that is missing, or that knows a later price, is left to `store_candles`.
    """
    keys = {
        Candle.key(quote.coin_id, resolution, start): (
            (quote.coin_id, resolution, start),
            quote.price_at,
        )
        for quote in quotes
        for resolution in _SECONDS
        if is_kept(resolution, start := start_of(quote.price_at, resolution), now=now)
    }
    ids, running = list(keys), []
    for first in range(0, len(ids), _IDS_PER_QUERY):
        rows = Candle.objects.filter(pk__in=ids[first : first + _IDS_PER_QUERY])
        closed = rows.values_list("id", "close_at")
        running += [candle_id for candle_id, close_at in closed if close_at < keys[candle_id][1]]
    coin = Coin.objects.filter(pk=OuterRef("coin_id"))
    price = Subquery(coin.values("last_price")[:1])
    for first in range(0, len(running), _IDS_PER_QUERY):
        Candle.objects.filter(pk__in=running[first : first + _IDS_PER_QUERY]).update(
            close=price,
            high=Greatest(F("high"), price),
            low=Least(F("low"), price),
            close_at=Subquery(coin.values("price_at")[:1]),
            source=Subquery(coin.values("source")[:1]),
        )
    return {keys[candle_id][0] for candle_id in running}


def points_of(
    quotes: Iterable[tuple[Quote, bool]], *, now: datetime, without: Container[Key] = ()
) -> dict[Key, Rolled]:
    """Roll quotes, oldest first, up into the candles that they touch, `without` some.

    Each comes with whether it is news: only then is its volume counted, so that a repeated
    quote does not trade twice.
    """
    touched: dict[Key, Rolled] = {}
    for quote, is_news in quotes:
        price, at = quote.price, quote.price_at
        volume = quote.volume if is_news else None
        for resolution in _SECONDS:
            start = start_of(at, resolution)
            key = (quote.coin_id, resolution, start)
            if key in without or not is_kept(resolution, start, now=now):
                continue
            point = Rolled(*key, price, price, price, price, at, at, volume, quote.source)
            before = touched.get(key)
            touched[key] = point if before is None else _add(before, point)
    return touched


def _add(one: Rolled, other: Rolled) -> Rolled:
    return replace(merge(one, other), volume=add_volumes(one.volume, other.volume))


def store_candles(touched: Mapping[Key, Rolled]) -> int:
    """Add prices to their candles; return how many candles changed. Two queries."""
    return _write(touched, _add)


def store_history(bars: Mapping[Key, Rolled]) -> int:
    """Complete candles with bars of history, whose volume stands for the whole interval."""
    return _write(
        bars,
        lambda before, bar: replace(
            merge(before, bar), volume=before.volume if bar.volume is None else bar.volume
        ),
    )


def _write(rolled: Mapping[Key, Rolled], combine: Callable[[Rolled, Rolled], Rolled]) -> int:
    """Write what differs from the candles that are there."""
    before = _read(list(rolled))
    after = {
        key: one if key not in before else combine(before[key], one) for key, one in rolled.items()
    }
    changed = [one for key, one in after.items() if before.get(key) != one]
    if changed:
        Candle.objects.bulk_create(
            [_candle(one) for one in changed],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=_WRITTEN,
        )
    return len(changed)


def _read(keys: Sequence[Key]) -> dict[Key, Rolled]:
    """Read the candles of these keys as plain values, by primary key."""
    by_id = {Candle.key(*key): key for key in keys}
    ids, found = list(by_id), {}
    for first in range(0, len(ids), _IDS_PER_QUERY):
        rows = Candle.objects.filter(pk__in=ids[first : first + _IDS_PER_QUERY])
        for candle_id, *values in rows.values_list("id", *_WRITTEN):
            found[by_id[candle_id]] = Rolled(*by_id[candle_id], *values)
    return found


def _candle(one: Rolled) -> Candle:
    return Candle(
        id=Candle.key(*one.key),
        coin_id=one.coin_id,
        resolution=one.resolution,
        start=one.start,
        expires_at=expiry(one.resolution, one.start),
        **{name: getattr(one, name) for name in _WRITTEN},
    )
