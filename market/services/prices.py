"""Storing prices: the one door that every quote goes through."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, groupby
from typing import Any

from django.conf import settings

from cryptopulse.atomic import in_chunks, run_atomic
from market.models import Coin
from market.quotes import Quote, quantity_step_for
from market.signals import prices_updated

from .candlestore import advance_candles, points_of, store_candles
from .origin import claim_origin, origin_of
from .rounding import fit, round_price
from .sources import stream_feeds

logger = logging.getLogger(__name__)

#: A quote further ahead of our clock than this is a fault of its source.
CLOCK_TOLERANCE = timedelta(seconds=60)
#: The candles that one minute's quotes of a coin touch, one of each resolution.
ROWS_PER_MINUTE = 4
#: Minutes of one coin that are written together.
MINUTES_PER_CHUNK = 15
#: The first chunk of all claims the database for its kind of prices.
ROWS_PER_CHUNK = 1
#: A coin whose last price came from a stream, no longer ago than this, is the stream's: the feed
#: that is asked now and then says what else there is to say of it.
STREAM_SERVES_FOR = timedelta(seconds=60)
#: More points of a sparkline than this nobody can see.
SPARKLINE_POINTS = 168

_KEPT = ("rank", "change_24h", "change_7d", "market_cap", "volume_24h")  # where a quote is silent
_DESCRIBING = ("rank", "change_7d", "market_cap", "volume_24h")  # what no stream says
_TICK = ("tick_low", "tick_high", "tick_since")
_PRICE = ("last_price", "price_at", "source", "quantity_step")
_WRITTEN = (*_PRICE, *_KEPT, *_TICK)
_READ = ("id", "symbol", "name", "evaluated_at", *_WRITTEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What became of a batch: the quotes that moved their coin, oldest first, and how many not."""

    moved: list[Quote]
    ignored: int


def ingest(*, quotes: Sequence[Quote], now: datetime, is_shown: bool = False) -> IngestResult:
    """Store quotes, roll up their candles and tell the listeners (`prices_updated`).

    Idempotent: the same quotes in any order, split into any batches and repeated, leave the same
    last prices and candles. A quote of a coin that is not listed, or with an impossible price or
    time, is logged and left out. One older than the coin's price completes its candle and moves
    nothing, as does one of a feed that is asked while a stream serves the coin. Each coin's row is
    written once, however many of its quotes there are. Raises MarketRejected (wrong_origin,
    mixed_origins), with nothing stored. `is_shown`: browsers have seen these (`prices_ticked`).

    Runs in transactions of its own, one per chunk; costs seven queries each at most.
    """
    usable = [cleaned for quote in quotes if (cleaned := _clean(quote, now=now)) is not None]
    if not usable:
        return IngestResult(moved=[], ignored=len(quotes))
    kind = origin_of(quote.source for quote in usable)
    usable.sort(key=_place)
    moved: list[Quote] = []
    for chunk in in_chunks(_by_coin(usable), actions_per_item=_rows, besides=ROWS_PER_CHUNK):
        together = [quote for of_coin in chunk for quote in of_coin]
        moved += run_atomic(partial(_store, together, kind=kind, now=now))
    if moved:
        moved.sort(key=_place)
        _announce(moved, now=now, is_shown=is_shown)
    return IngestResult(moved=moved, ignored=len(quotes) - len(moved))


def _place(quote: Quote) -> tuple[datetime, str]:
    return (quote.price_at, quote.coin_id)


def _minute(quote: Quote) -> int:
    return int(quote.price_at.timestamp()) // 60


def _by_coin(quotes: Iterable[Quote]) -> list[list[Quote]]:
    """Group quotes that are in order of time by their coin; a long backlog in several groups."""
    of_coin: dict[str, list[Quote]] = {}
    for quote in quotes:
        of_coin.setdefault(quote.coin_id, []).append(quote)
    groups: list[list[Quote]] = []
    for backlog in of_coin.values():
        if len(backlog) <= MINUTES_PER_CHUNK:
            groups.append(backlog)
            continue
        minutes = [list(minute) for _, minute in groupby(backlog, key=_minute)]
        groups += (
            list(chain(*minutes[first : first + MINUTES_PER_CHUNK]))
            for first in range(0, len(minutes), MINUTES_PER_CHUNK)
        )
    return groups


def _rows(of_coin: Sequence[Quote]) -> int:
    """Return how many rows the quotes of one coin may write: its own and its candles."""
    minutes = 1 if len(of_coin) == 1 else len({_minute(quote) for quote in of_coin})
    return 1 + ROWS_PER_MINUTE * minutes


def _store(chunk: Sequence[Quote], *, kind: str, now: datetime) -> list[Quote]:
    """Store one chunk, oldest quote first; return those that moved their coin."""
    claim_origin(kind)
    with_sparkline = any(quote.sparkline for quote in chunk)
    coins = _lock_coins({quote.coin_id for quote in chunk}, with_sparkline=with_sparkline)
    streams = stream_feeds()
    moved: list[Quote] = []
    changed: dict[str, None] = {}  # a set that keeps its order
    in_candles: list[tuple[Quote, bool]] = []
    for quote in chunk:
        coin = coins.get(quote.coin_id)
        if coin is None:
            logger.info("no coin %s here: its quote is left out", quote.coin_id)
            continue
        if streams and _is_streamed(coin, quote, streams=streams, now=now):
            _describe(coin, quote)
            changed[quote.coin_id] = None
            continue
        is_news = coin["price_at"] is None or quote.price_at > coin["price_at"]
        if is_news:
            _move(coin, quote)
            changed[quote.coin_id] = None
            moved.append(quote)
        elif quote.price_at == coin["price_at"] and quote.price == coin["last_price"]:
            continue
        in_candles.append((quote, is_news))
    _save_coins([coins[coin_id] for coin_id in changed], with_sparkline)
    advanced = advance_candles(_simple(in_candles), now=now)
    store_candles(points_of(in_candles, now=now, without=advanced))
    return moved


def _simple(in_candles: Sequence[tuple[Quote, bool]]) -> list[Quote]:
    """Return the quotes that are their coin's only one here, move it, and carry no volume."""
    times = Counter(quote.coin_id for quote, _ in in_candles)
    return [
        quote
        for quote, is_news in in_candles
        if is_news and quote.volume is None and times[quote.coin_id] == 1
    ]


def _lock_coins(coin_ids: Iterable[str], *, with_sparkline: bool) -> dict[str, dict[str, Any]]:
    """Read coins for update as plain rows: a model object of each costs more than the query."""
    columns = [*_READ, "sparkline"] if with_sparkline else _READ
    rows = Coin.objects.select_for_update().filter(pk__in=sorted(coin_ids)).order_by("pk")
    return {row["id"]: dict(row) for row in rows.values(*columns)}


def _move(coin: dict[str, Any], quote: Quote) -> None:
    """Make this quote, newer than what it has, the coin's latest; widen its tick."""
    price, before = quote.price, coin["price_at"]
    evaluated = coin["evaluated_at"]
    is_all_evaluated = before is None or (evaluated is not None and evaluated >= before)
    if is_all_evaluated or quote.price_at - before > settings.STALE_AFTER:
        coin |= {"tick_low": price, "tick_high": price, "tick_since": quote.price_at}
    else:
        coin["tick_low"] = price if coin["tick_low"] is None else min(coin["tick_low"], price)
        coin["tick_high"] = price if coin["tick_high"] is None else max(coin["tick_high"], price)
        coin["tick_since"] = coin["tick_since"] or quote.price_at
    coin |= {"last_price": price, "price_at": quote.price_at, "source": quote.source}
    if coin["quantity_step"] is None:
        coin["quantity_step"] = quantity_step_for(price)
    for name in _KEPT:
        if (value := getattr(quote, name)) is not None:
            coin[name] = value
    if quote.sparkline:
        coin["sparkline"] = quote.sparkline


def _is_streamed(
    coin: dict[str, Any], quote: Quote, *, streams: Sequence[str], now: datetime
) -> bool:
    """Tell whether a stream brings this coin's prices now, and this quote is none of a stream."""
    if coin["source"] not in streams or quote.source in streams:
        return False
    return bool(now - coin["price_at"] <= STREAM_SERVES_FOR)


def _describe(coin: dict[str, Any], quote: Quote) -> None:
    """Take over what a feed that is asked knows beside the price."""
    for name in _DESCRIBING:
        if (value := getattr(quote, name)) is not None:
            coin[name] = value
    if quote.sparkline:
        coin["sparkline"] = quote.sparkline


def _save_coins(rows: Sequence[dict[str, Any]], with_sparkline: bool) -> None:
    """Write the quotes of coins that are locked; nothing else of them changes."""
    if rows:
        Coin.objects.bulk_create(
            [Coin(**row) for row in rows],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*_WRITTEN, "sparkline"] if with_sparkline else _WRITTEN,
        )


def _announce(moved: list[Quote], *, now: datetime, is_shown: bool) -> None:
    """Tell the listeners; one that fails is logged and keeps nobody else from hearing."""
    answers = prices_updated.send_robust(sender=Coin, quotes=moved, now=now, is_shown=is_shown)
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("%r failed on a price update", receiver, exc_info=answer)


def _clean(quote: Quote, *, now: datetime) -> Quote | None:
    """Return the quote as it can be stored exactly on every database, or None with a log line."""
    price = round_price(quote.price)
    if price is None:
        logger.warning(
            "%s: %s gave the price %s; left out", quote.source, quote.coin_id, quote.price
        )
        return None
    if quote.price_at.tzinfo is None or quote.price_at > now + CLOCK_TOLERANCE:
        logger.warning(
            "%s: %s is quoted at %s, ahead of now; left out",
            quote.source, quote.coin_id, quote.price_at,
        )  # fmt: skip
        return None
    return replace(
        quote,
        price=price,
        price_at=quote.price_at.astimezone(UTC),
        source=quote.source[:32],
        rank=quote.rank if quote.rank is not None and 0 < quote.rank < 2**31 else None,
        change_24h=fit(quote.change_24h, 15, 4),  # digits and places of the columns
        change_7d=fit(quote.change_7d, 15, 4),
        market_cap=fit(quote.market_cap, 20, 2),
        volume_24h=fit(quote.volume_24h, 20, 2),
        volume=fit(quote.volume, 30, 8),
        sparkline=[value for value in quote.sparkline[-SPARKLINE_POINTS:] if math.isfinite(value)],
    )
