"""Loading history: bars of a feed or a file become candles, for new coins in the background."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from django.utils.translation import gettext as _

from cryptopulse.atomic import in_chunks, run_atomic
from market import budget
from market.candles import INSTANT, SECONDS, Rolled, merge, roll_up, start_of
from market.feeds import Feed, FeedError, feed
from market.models import Candle, Coin, FeedState
from market.quotes import Bar

from .candlestore import is_kept, store_history
from .errors import MarketRejected
from .origin import SIMULATED, claim_origin, origin, origin_of
from .reading import by_rank
from .rounding import fit, round_price
from .sources import active_feeds

logger = logging.getLogger(__name__)

Spans = tuple[tuple[timedelta, timedelta], ...]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
#: From how long ago until how long ago each question reaches: sources answer in finer steps the
#: shorter the span is. The year comes last: where its days are, the finer candles are too.
SPANS: Spans = ((DAY, 0 * DAY), (90 * DAY, 0 * DAY), (365 * DAY, 0 * DAY))
SIMULATED_SPANS: Spans = ((2 * DAY, DAY), *SPANS)
#: How many minutes of a simulated coin are made up, for the chart of the last hour.
SIMULATED_MINUTES = 180
#: A coin's history is asked for again after this, which fills what an outage left out.
AGAIN_AFTER = timedelta(days=30)
RETRY_AFTER = timedelta(minutes=30)
#: Coins of one run with a real feed: three calls each, and prices must not wait for them.
COINS_PER_RUN = 2
#: Seconds of one run, after which the next coin waits for the next run.
SECONDS_PER_RUN = 50.0


def load_history(
    *, now: datetime, seconds: float = SECONDS_PER_RUN, coins: int | None = None
) -> int:
    """Load the history of tracked coins that have none yet, best rank first.

    Ends when the seconds or the coins of this run are used up, or the feed asks to wait; the next
    run goes on. Two workers never load the same coin. Returns how many coins were loaded.
    """
    source = history_feed(now=now) if origin() is not None else None
    if source is None:
        return 0
    limit = coins if coins is not None else (COINS_PER_RUN if source.is_real else 1000)
    deadline = time.monotonic() + seconds
    loaded = 0
    for coin_id in _without_history(now=now):
        if loaded >= limit or time.monotonic() > deadline:
            break
        if not budget.claim_fetch(name=_claim_name(coin_id), interval=AGAIN_AFTER, now=now):
            continue
        try:
            load_coin(source, coin_id, now=now)
        except FeedError as error:
            logger.info("no history of %s from %s: %s", coin_id, source.name, error)
            if not error.permanent or error.misconfigured:
                FeedState.objects.filter(name=_claim_name(coin_id)).update(
                    next_fetch_at=now + RETRY_AFTER
                )
                break
        loaded += 1
    return loaded


def history_feed(*, now: datetime) -> Feed | None:
    """Return the first active feed that has history of this database's kind, and is well."""
    held = origin()
    for alias in active_feeds():
        try:
            source = feed(alias)
        except FeedError:
            continue  # reported where prices are fetched
        has_history = type(source).history is not Feed.history
        is_kind = held is None or source.is_real == (held != SIMULATED)
        if has_history and is_kind and not budget.is_open(name=alias, now=now):
            return source
    return None


def _without_history(*, now: datetime) -> list[str]:
    tracked = by_rank(list(Coin.objects.filter(tracked=True).only("id", "rank")))
    notes = FeedState.objects.filter(name__startswith="history:", next_fetch_at__gt=now)
    done = set(notes.values_list("name", flat=True))
    return [coin.pk for coin in tracked if _claim_name(coin.pk) not in done]


def _claim_name(coin_id: str) -> str:
    name = f"history:{coin_id}"
    if len(name) <= 64:  # noqa: PLR2004 (FeedState.name)
        return name
    return f"history:{hashlib.sha256(coin_id.encode()).hexdigest()[:48]}"


def load_coin(source: Feed, coin_id: str, *, now: datetime, days: int | None = None) -> int:
    """Load the history of one coin, of a year or of these days; return how many candles changed.

    Raises FeedError. What was stored before an error stays: loading again completes it.
    """
    spans = SPANS if source.is_real else SIMULATED_SPANS
    if days is not None:
        spans = (*(span for span in spans if span[0] < days * DAY), (days * DAY, 0 * DAY))
    changed = 0
    if source.name == "simulated":
        bars = _last_minutes(source, coin_id, now=now)
        changed += store_bars(bars=bars, source=source.name, now=now)
    for since, until in spans:
        bars = source.history(coin_id, start=now - since, end=now - until)
        changed += store_bars(bars=bars, source=source.name, now=now)
    return changed


def _last_minutes(source: Feed, coin_id: str, *, now: datetime) -> list[Bar]:
    """Return the last hours of a simulated coin by minutes, finer than its history is.

    The simulation is a function of time: it quotes any moment.
    """
    first = start_of(now, "1m") - SIMULATED_MINUTES * MINUTE
    prices = [
        quote.price
        for number in range(SIMULATED_MINUTES + 1)
        for quote in source.quotes([coin_id], now=first + number * MINUTE)
    ]
    return [
        Bar(
            coin_id=coin_id,
            start=first + number * MINUTE,
            open=before,
            high=max(before, after),
            low=min(before, after),
            close=after,
            step=MINUTE,
        )
        for number, (before, after) in enumerate(pairwise(prices))
    ]


def store_bars(
    *,
    bars: Iterable[Bar],
    source: str,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Store bars of history and the coarser candles they make up; return how many changed.

    Idempotent, and a candle that live prices began is completed, not replaced. Bars that begin in
    the future, have no sensible prices, or would have expired already are left out. Raises
    MarketRejected (wrong_origin, unknown_coin). `progress` hears how many candles of how many
    are done.
    """
    fine = [one for bar in bars if (one := _rolled(bar, source, now=now)) is not None]
    if not fine:
        return 0
    kind = origin_of([source])
    rolled = [one for one in _all_resolutions(fine) if is_kept(one.resolution, one.start, now=now)]
    changed = done = 0
    locked = 1 + len({one.coin_id for one in rolled})  # the kind of prices, and the coins
    for chunk in in_chunks(rolled, actions_per_item=1, besides=locked):
        changed += run_atomic(partial(_store, chunk, kind))
        done += len(chunk)
        if progress is not None:
            progress(done, len(rolled))
    return changed


def _store(chunk: Sequence[Rolled], kind: str) -> int:
    claim_origin(kind)
    coin_ids = sorted({one.coin_id for one in chunk})
    locked = Coin.objects.select_for_update().filter(pk__in=coin_ids).order_by("pk")
    if unknown := set(coin_ids) - set(locked.values_list("pk", flat=True)):
        raise MarketRejected(
            _("There is no coin “%(coin)s” here.") % {"coin": min(unknown)},
            code="unknown_coin",
        )
    return store_history({one.key: one for one in chunk})


def _all_resolutions(fine: Sequence[Rolled]) -> list[Rolled]:
    """Return the bars' own candles and those of every coarser resolution."""
    made: dict[tuple[str, str, datetime], Rolled] = {}
    for resolution in {one.resolution for one in fine}:
        own = roll_up([one for one in fine if one.resolution == resolution], resolution)
        made |= {one.key: one for one in own}
        for coarser, seconds in SECONDS.items():
            if seconds > SECONDS[resolution]:
                needed = seconds // SECONDS[resolution]
                there = Counter((one.coin_id, start_of(one.start, coarser)) for one in own)
                for one in roll_up(own, coarser):
                    # The volume of a part of the day is not the day's.
                    whole = there[one.coin_id, one.start] == needed
                    one = one if whole else replace(one, volume=None)  # noqa: PLW2901
                    made[one.key] = merge(made[one.key], one) if one.key in made else one
    return list(made.values())


def _rolled(bar: Bar, source: str, *, now: datetime) -> Rolled | None:
    resolution = _resolution(bar)
    prices = [round_price(price) for price in (bar.open, bar.high, bar.low, bar.close)]
    if resolution is None or bar.start >= now or any(price is None for price in prices):
        return None
    known = [price for price in prices if price is not None]
    start = start_of(bar.start, resolution)
    end = bar.start + (bar.step or INSTANT) - INSTANT
    end = min(end, start + timedelta(seconds=SECONDS[resolution]) - INSTANT, now)
    return Rolled(
        bar.coin_id, resolution, start,
        known[0], max(known), min(known), known[3],
        bar.start, end, fit(bar.volume, 30, 8), source,
    )  # fmt: skip


def _resolution(bar: Bar) -> str | None:
    """Return the resolution of this step: the finest candle that holds the whole bar."""
    if bar.step is None:
        return None
    seconds = bar.step.total_seconds()
    return next((name for name, lasts in SECONDS.items() if lasts >= seconds > 0), None)


def has_history(*, coin_id: str, days: int, now: datetime) -> bool:
    """Tell whether a daily candle is there for each whole day of the last `days` days."""
    today = start_of(now, "1d")
    whole = max(1, days - 1)  # the first of them began before the span did
    rows = Candle.objects.filter(
        coin_id=coin_id,
        resolution="1d",
        start__gte=today - timedelta(days=whole),
        start__lt=today,
    )
    return rows.count() >= whole
