"""Reading the latest prices: what pages, trades and alerts ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.conf import settings
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cryptopulse.atomic import in_chunks, run_atomic
from market.feeds import FeedError, feed
from market.models import Coin, FeedState
from market.quotes import PRICE_CONTEXT, SIMULATED_SOURCES

from .errors import MarketRejected
from .lease import STREAM_LEASE
from .origin import SIMULATED, origin

_TENTH = Decimal("0.1")
#: An UPDATE costs about as much as this many rows of an upsert.
COINS_PER_UPDATE = 8


def by_rank(coins: Collection[Coin]) -> list[Coin]:
    """Sort as lists show coins: best rank first, those without a rank last.

    Databases disagree on where NULLs go, and an index serves only one of the answers.
    """
    return sorted(coins, key=lambda coin: (coin.rank is None, coin.rank or 0, coin.pk))


def latest_quotes(*, coin_ids: Collection[str] | None = None) -> list[Coin]:
    """Return the tracked coins by rank, or exactly these coins, tracked or not. One query.

    The objects are for reading: saving one would undo the prices that came in the meantime.
    """
    coins = (
        Coin.objects.filter(tracked=True)
        if coin_ids is None
        else Coin.objects.filter(pk__in=set(coin_ids))
    )
    return by_rank(list(coins))


def coin(*, coin_id: str) -> Coin | None:
    """Return this coin, tracked or not, or None."""
    try:  # `first()` would sort what is one row, and putting that together costs as much as asking
        return Coin.objects.get(pk=coin_id)
    except Coin.DoesNotExist:
        return None


def tradable_quote(*, coin_id: str, now: datetime, allow_removed: bool = False) -> Coin:
    """Return the coin with a price fresh enough to trade at.

    A coin that an admin removed is refused, unless `allow_removed`: who holds it may sell it for
    as long as it has a fresh price. Raises MarketRejected: unknown_coin, no_price, stale_price.
    """
    found = coin(coin_id=coin_id)
    if found is None or not (found.tracked or allow_removed):
        raise MarketRejected(_("This coin is not traded here."), code="unknown_coin")
    if found.last_price is None or found.quantity_step is None:
        raise MarketRejected(
            _("%(coin)s has no price yet. Try again soon.") % {"coin": found.name}, code="no_price"
        )
    if found.is_stale(now=now):
        raise MarketRejected(
            _("The last price of %(coin)s is too old to trade at. Try again when prices are live.")
            % {"coin": found.name},
            code="stale_price",
        )
    return found


def moved_coins(*, coin_ids: Collection[str] | None = None) -> QuerySet[Coin]:
    """Return those of these coins that have a price, as a query to build on.

    With no ids: all whose price came after they were last evaluated, to catch up on a crash.
    """
    coins = Coin.objects.filter(last_price__isnull=False)
    if coin_ids is not None:
        return coins.filter(pk__in=set(coin_ids))
    return coins.filter(Q(evaluated_at__isnull=True) | Q(evaluated_at__lt=F("price_at")))


def mark_evaluated(*, moments: Mapping[str, datetime], now: datetime) -> None:  # noqa: ARG001
    """Note that alerts were evaluated up to these coins' prices of these moments.

    A price that came since is not marked, and an evaluation that ended late undoes nothing.
    """
    for chunk in in_chunks(sorted(moments), actions_per_item=1):
        run_atomic(partial(_mark, chunk, moments))


def _mark(coin_ids: list[str], seen: Mapping[str, datetime]) -> None:
    """Mark by moment where many coins share theirs, as in a feed's answer: a fifth of the cost."""
    rows = Coin.objects.select_for_update().filter(pk__in=coin_ids).order_by("pk")
    late = {
        coin_id: (symbol, name)
        for coin_id, symbol, name, evaluated_at in rows.values_list(
            "id", "symbol", "name", "evaluated_at"
        )
        if evaluated_at is None or evaluated_at < seen[coin_id]
    }
    moments: dict[datetime, list[str]] = defaultdict(list)
    for coin_id in late:
        moments[seen[coin_id]].append(coin_id)
    if len(moments) == 1 or len(moments) * COINS_PER_UPDATE <= len(late):
        for moment, ids in moments.items():
            Coin.objects.filter(pk__in=ids).update(evaluated_at=moment)
        return
    Coin.objects.bulk_create(
        [
            Coin(id=coin_id, symbol=symbol, name=name, evaluated_at=seen[coin_id])
            for coin_id, (symbol, name) in late.items()
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["evaluated_at"],
    )


def last_tick_at() -> datetime | None:
    """Return when the newest price of a tracked coin was."""
    newest: datetime | None = Coin.objects.filter(tracked=True).aggregate(newest=Max("price_at"))[
        "newest"
    ]
    return newest


def feed_states() -> list[FeedState]:
    """Return what is known about each feed, by name; the notes of single coins are left out.

    So is the real feed that a simulated database was to choose by, and never asks again.
    """
    states = list(FeedState.objects.exclude(name__startswith="history:").order_by("name"))
    states = [state for state in states if state.name != STREAM_LEASE]
    unused = settings.FEEDS.keys() - SIMULATED_SOURCES - set(settings.MARKET_FEEDS)
    if any(_feed_of(state) in unused for state in states) and origin() == SIMULATED:
        states = [state for state in states if _feed_of(state) not in unused]
    for state in states:
        if state.name in settings.FEEDS:
            with suppress(FeedError):  # one that is set up wrong says so in its last error
                state.monthly_calls = feed(state.name).monthly_calls
    return states


def _feed_of(state: FeedState) -> str:
    return state.name.split(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSummary:
    """The tracked coins together, in US dollars and percent."""

    coins: int
    priced: int
    market_cap: Decimal | None
    volume_24h: Decimal | None
    bitcoin_dominance: Decimal | None
    change_24h: Decimal | None  # of the market's value, by capitalisation
    newest_at: datetime | None
    is_stale: bool
    is_simulated: bool
    sources: list[str]


def market_summary(
    *, now: datetime | None = None, coins: Sequence[Coin] | None = None
) -> MarketSummary:
    """Add up the tracked coins: capitalisation, volume, Bitcoin's share. One query.

    No query where the caller has the tracked coins already. Stale when even the newest price is.
    A figure that no coin has is None, never zero.
    """
    now = now or timezone.now()
    if coins is None:
        coins = list(Coin.objects.filter(tracked=True).defer("sparkline"))
    priced = [coin for coin in coins if coin.last_price is not None]
    caps = {coin.pk: coin.market_cap for coin in priced if coin.market_cap}
    volumes = [coin.volume_24h for coin in priced if coin.volume_24h is not None]
    total = sum(caps.values(), Decimal(0))
    newest = max(priced, key=lambda coin: coin.price_at or now, default=None)
    bitcoin = caps.get("bitcoin")
    return MarketSummary(
        coins=len(coins),
        priced=len(priced),
        market_cap=total or None,
        volume_24h=sum(volumes, Decimal(0)) if volumes else None,
        bitcoin_dominance=_percent(bitcoin, total) if bitcoin else None,
        change_24h=_change_of_all(priced),
        newest_at=newest.price_at if newest else None,
        is_stale=newest is None or newest.is_stale(now=now),
        is_simulated=any(coin.is_simulated for coin in priced),
        sources=sorted({coin.source for coin in priced}),
    )


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return (100 * part / whole).quantize(_TENTH)


def _change_of_all(coins: Sequence[Coin]) -> Decimal | None:
    """Compare today's capitalisation with yesterday's, of the coins that have both figures."""
    today = yesterday = Decimal(0)
    for coin in coins:
        if coin.market_cap and coin.change_24h is not None and coin.change_24h > -100:  # noqa: PLR2004 (per cent)
            today += coin.market_cap
            yesterday += coin.market_cap / (1 + coin.change_24h / 100)
    return (
        PRICE_CONTEXT.plus(100 * (today / yesterday - 1)).quantize(Decimal("0.01"))
        if yesterday
        else None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Movers:
    """The coins that rose and fell most in 24 hours."""

    gainers: list[Coin]
    losers: list[Coin]


def movers(*, limit: int = 5, coins: Sequence[Coin] | None = None) -> Movers:
    """Return the tracked coins that rose and fell most in 24 hours, the furthest first.

    One query; none where the caller has the tracked coins already.
    """
    if coins is None:
        coins = list(Coin.objects.filter(tracked=True, change_24h__isnull=False))
    moved = [coin for coin in coins if coin.change_24h]
    moved.sort(key=lambda coin: (coin.change_24h or Decimal(0), coin.pk))
    return Movers(
        gainers=[coin for coin in reversed(moved) if (coin.change_24h or 0) > 0][:limit],
        losers=[coin for coin in moved if (coin.change_24h or 0) < 0][:limit],
    )
