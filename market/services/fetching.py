"""Fetching prices: one feed at a time, the next one when it fails, never one of the other kind."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptopulse.atomic import in_chunks, run_atomic
from market import budget
from market.feeds import Feed, FeedError, feed
from market.models import Coin, FeedState
from market.quotes import Quote, is_coin_id

from .catalogue import seed_demo_coins
from .errors import MarketRejected
from .origin import REAL, SIMULATED, origin, refusal_of
from .prices import ingest
from .reading import by_rank
from .sources import active_feeds, stream_feeds

logger = logging.getLogger(__name__)

#: How many coins a new database of real prices tracks: one call of CoinGecko.
CATALOGUE_SIZE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """Which feed delivered, and how many coins moved; no feed when none was due or all failed."""

    source: str | None
    moved: int = 0


def fetch_prices(*, now: datetime) -> FetchResult:
    """Fetch and store the latest prices from the first active feed that delivers.

    Safe to call as often as one likes and from several workers at once: a fetch that is not due
    or that another worker has claimed does nothing. A feed that fails is noted (`FeedState`) and
    the next one asked; when all fail nothing is stored and prices grow stale. Real and simulated
    feeds never stand in for each other.
    """
    held = origin()
    aliases = active_feeds()
    for alias in aliases:
        if budget.is_open(name=alias, now=now):
            continue
        result = _fetch_from(alias, first=aliases[0], held=held, now=now)
        if result is not None:
            return result
    return FetchResult(source=None)


def _fetch_from(alias: str, *, first: str, held: str | None, now: datetime) -> FetchResult | None:
    """Fetch from this feed; None sends the caller to the next one."""
    try:
        source = feed(alias)
        _refuse_other_kind(source, first=first, held=held)
        if not budget.claim_fetch(name=alias, interval=source.interval(now=now), now=now):
            # Between two tries of a feed that fails, the next one has to serve.
            is_failing = FeedState.objects.filter(name=alias, failures__gt=0).exists()
            return None if is_failing else FetchResult(source=None)
        is_first = source.is_real and _is_first_answer(alias, held=held)
        quotes = source_quotes(source, [], now=now) if is_first else _ask(source, held, now=now)
        if is_first:
            list_coins(quotes=quotes)
        result = ingest(quotes=quotes, now=now)
    except FeedError as error:
        budget.record_failure(name=alias, error=error, now=now)
        return None
    except MarketRejected as refusal:  # e.g. another process made the database's first price
        fault = FeedError(refusal.sentence, misconfigured=True)
        budget.record_failure(name=alias, error=fault, now=now)
        return None
    budget.record_success(name=alias, now=now)
    return FetchResult(source=alias, moved=len(result.moved))


def _refuse_other_kind(source: Feed, *, first: str, held: str | None) -> None:
    kind = REAL if source.is_real else SIMULATED
    if held is not None and held != kind:
        raise FeedError(refusal_of(held), misconfigured=True)
    if source.name != first and feed(first).is_real != source.is_real:
        raise FeedError(
            f"MARKET_FEEDS names real and simulated feeds together; {source.name} is left out.",
            misconfigured=True,
        )


def _is_first_answer(alias: str, *, held: str | None) -> bool:
    """Tell whether the source is to say which coins there are.

    A stream may have brought prices before: it knows no catalogue.
    """
    if held is None or not stream_feeds():
        return held is None
    return not FeedState.objects.filter(name=alias, last_success_at__isnull=False).exists()


def _ask(source: Feed, held: str | None, *, now: datetime) -> list[Quote]:
    """Ask for the coins of the database."""
    coin_ids = ids_to_fetch()
    if held is None and not coin_ids:
        seed_demo_coins()  # a simulation moves the coins that there are
        coin_ids = ids_to_fetch()
    return source_quotes(source, coin_ids, now=now) if coin_ids else []


def source_quotes(source: Feed, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
    """Ask a feed; whatever goes wrong in it comes out as FeedError."""
    try:
        return source.quotes(coin_ids, now=now)
    except FeedError:
        raise
    except Exception as error:
        logger.exception("the feed %s broke", source.name)
        raise FeedError(f"{source.name} broke: {type(error).__name__}: {error}") from error


def ids_to_fetch() -> list[str]:
    """Return the tracked coins, best first, and removed ones where a call has room for them.

    Who holds a removed coin can sell it only at a fresh price, and a call costs the same for one
    coin as for 250.
    """
    tracked = by_rank(list(Coin.objects.filter(tracked=True).only("id", "rank")))
    coin_ids = [coin.pk for coin in tracked]
    if room := -len(coin_ids) % CATALOGUE_SIZE:
        removed = Coin.objects.filter(tracked=False, last_price__isnull=False).order_by("pk")
        coin_ids += removed.values_list("pk", flat=True)[:room]
    return coin_ids


def list_coins(*, quotes: Sequence[Quote]) -> int:
    """Make the coins that a source lists, and that we do not know, our catalogue.

    The first ones are tracked, up to CATALOGUE_SIZE. Returns how many are new.
    """
    known = set(
        Coin.objects.filter(pk__in=[q.coin_id for q in quotes]).values_list("pk", flat=True)
    )
    new = [
        Coin(
            id=quote.coin_id,
            symbol=quote.symbol[:32],
            name=quote.name[:128],
            rank=quote.rank,
            tracked=place < CATALOGUE_SIZE,
        )
        for place, quote in enumerate(quotes)
        if is_coin_id(quote.coin_id) and quote.coin_id not in known and quote.symbol and quote.name
    ]
    for chunk in in_chunks(new, actions_per_item=1):
        run_atomic(partial(Coin.objects.bulk_create, chunk, ignore_conflicts=True))
    return len(new)
