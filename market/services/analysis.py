"""What the days of coins say, worked out once a day and kept.

Only complete days (UTC) are read: their figures stay the same until midnight, so pages pay for
250 coins with one look into the cache. A coin that has less than a year, or whose days a process
has just begun to load, is looked at again after some minutes.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.cache import cache

from market.measures import YEAR, Days, Figures, figures
from market.models import Candle, Coin, Resolution
from market.screening import Row

#: Days that are read of each coin: a year, and one more for its first return.
DAYS_READ = YEAR + 1
KEEP_FULL = 6 * 3600  # seconds; a late quote may still move yesterday's close
KEEP_SHORT = 900
#: Days that are as good as a year: a source may leave out the first, and an outage a few.
FULL_YEAR = YEAR - 5
_KEPT_FOR = 26 * 3600  # the key has its day, so it only has to outlive it
#: Ids in one statement: SQLite takes 999 parameters.
_IDS_PER_QUERY = 900

#: Coin id -> what its days say (None: it has none), and when that was worked out.
_Entries = dict[str, tuple[Figures | None, float]]


def today(now: datetime) -> date:
    """Return the day (UTC) that is not complete yet."""
    return now.astimezone(UTC).date()


def coin_figures(
    *, coin_ids: Collection[str], now: datetime, kept: bool = True
) -> dict[str, Figures]:
    """Return what the complete days of these coins say; a coin without days is missing.

    No query where the cache knows them all, else one for all others. With `kept` False everything
    is read again.
    """
    day = today(now)
    key = f"figures:{day}"
    entries: _Entries = cache.get(key, {})
    due = [
        coin_id
        for coin_id in coin_ids
        if not kept or coin_id not in entries or _is_old(entries[coin_id])
    ]
    if due:
        found = _read(due, day)
        at = time.time()
        for coin_id in due:
            days = found.get(coin_id)
            entries[coin_id] = (figures(days, today=day) if days else None, at)
        cache.set(key, entries, _KEPT_FOR)
    return {coin_id: known for coin_id in coin_ids if (known := entries[coin_id][0]) is not None}


def analysed(*, coins: Sequence[Coin], now: datetime, kept: bool = True) -> list[Row]:
    """Return a row for each of these coins, in their order, as `coin_figures` finds them."""
    found = coin_figures(coin_ids=[coin.pk for coin in coins], now=now, kept=kept)
    return [Row(coin, found.get(coin.pk)) for coin in coins]


def daily(*, coin_ids: Sequence[str], now: datetime) -> dict[str, Days]:
    """Return the complete days of the last year of these coins; one without any is missing.

    No query where the cache knows them all, else one for all others.
    """
    day = today(now)
    keys = {f"days:{day}:{coin_id}": coin_id for coin_id in coin_ids}
    kept = cache.get_many(keys)
    found: dict[str, Days] = {keys[key]: days for key, days in kept.items() if days is not None}
    missing = [coin_id for key, coin_id in keys.items() if key not in kept]
    if missing:
        read = _read(missing, day)
        found |= read
        for coin_id in missing:
            days = read.get(coin_id)
            is_full = days is not None and days.known >= FULL_YEAR
            cache.set(f"days:{day}:{coin_id}", days, KEEP_FULL if is_full else KEEP_SHORT)
    return found


def first_closes(*, histories: Mapping[str, Days], now: datetime) -> dict[str, tuple[date, float]]:
    """Return the first stored day of each of these coins and its close.

    `histories` are what `daily` found. A coin whose year is full may have more: one query each.
    """
    found: dict[str, tuple[date, float]] = {}
    full = today(now) - timedelta(days=FULL_YEAR)
    for coin_id, days in histories.items():
        if days.first > full:
            found[coin_id] = (days.first, days.closes[0] or 0.0)
            continue
        key = f"first-day:{today(now)}:{coin_id}"
        first = cache.get(key)
        if first is None:
            rows = Candle.objects.filter(coin_id=coin_id, resolution=Resolution.DAY.value)
            row = rows.order_by("start").values_list("start", "close").first()
            first = (row[0].astimezone(UTC).date(), float(row[1])) if row else ()
            cache.set(key, first, KEEP_SHORT)
        if first:
            found[coin_id] = first
    return found


def refresh_figures(*, now: datetime) -> int:
    """Work out the figures of all tracked coins before anybody asks; return how many have days."""
    tracked = list(Coin.objects.filter(tracked=True).values_list("id", flat=True))
    return len(coin_figures(coin_ids=tracked, now=now))


def _is_old(entry: tuple[Figures | None, float]) -> bool:
    known, at = entry
    is_full = known is not None and known.known >= FULL_YEAR
    return time.time() - at > (KEEP_FULL if is_full else KEEP_SHORT)


def _read(coin_ids: Sequence[str], day: date) -> dict[str, Days]:
    """Read the complete days of the last year: one query for as many coins as a statement takes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    first = midnight - timedelta(days=DAYS_READ)
    rows: dict[str, dict[date, tuple[Any, Any]]] = {}
    for begin in range(0, len(coin_ids), _IDS_PER_QUERY):
        candles = Candle.objects.filter(
            coin_id__in=coin_ids[begin : begin + _IDS_PER_QUERY],
            resolution=Resolution.DAY.value,
            start__gte=first,
            start__lt=midnight,
        )
        for coin_id, start, close, volume in candles.values_list(
            "coin_id", "start", "close", "volume"
        ):
            rows.setdefault(coin_id, {})[start.astimezone(UTC).date()] = (close, volume)
    return {coin_id: _days(known) for coin_id, known in rows.items()}


def _days(known: Mapping[date, tuple[Any, Any]]) -> Days:
    first, last = min(known), max(known)
    closes: list[float | None] = []
    volumes: list[float | None] = []
    for back in range((last - first).days + 1):
        close, volume = known.get(first + timedelta(days=back), (None, None))
        closes.append(None if close is None else float(close))
        volumes.append(None if volume is None else float(volume) * float(close))
    return Days(first, tuple(closes), tuple(volumes))
