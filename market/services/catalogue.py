"""Which coins there are: the demo's, those an admin adds and removes, those a search finds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts import services as accounts
from cryptopulse.atomic import in_chunks, run_atomic
from market import budget
from market.catalogue import BY_ID, COINS, RANKS
from market.feeds import FeedError, feed
from market.models import BAD_COIN_ID, Coin
from market.quotes import is_coin_id

from .errors import MarketRejected
from .sources import active_feeds

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

SEARCH_RESULTS = 25
#: One search a few seconds: typing must not eat the calls that prices need.
SEARCH_EVERY = timedelta(seconds=5)
LONGEST_QUERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A coin that could be tracked here, or is."""

    coin_id: str
    symbol: str
    name: str
    rank: int | None
    is_tracked: bool


def seed_demo_coins() -> int:
    """Make the well-known coins part of the catalogue; return how many are new.

    What is there stays as it is, also a coin that an admin removed.
    """
    known = set(Coin.objects.filter(pk__in=[c.id for c in COINS]).values_list("pk", flat=True))
    new = [
        Coin(
            id=coin.id,
            symbol=coin.symbol,
            name=coin.name,
            category=coin.category,
            rank=RANKS[coin.id],
        )
        for coin in COINS
        if coin.id not in known
    ]
    for chunk in in_chunks(new, actions_per_item=1):
        run_atomic(partial(Coin.objects.bulk_create, chunk, ignore_conflicts=True))
    return len(new)


def add_coin(
    *,
    coin_id: str,
    by: User,
    symbol: str = "",
    name: str = "",
    category: str = "",
    address: str | None = None,
) -> Coin:
    """Track a coin; one that was removed comes back with its history. Who may is asked before.

    A coin that neither the catalogue nor a search knows needs its symbol and name. Raises
    MarketRejected (bad_coin, unknown_coin).
    """
    coin_id = coin_id.strip()
    if not is_coin_id(coin_id):
        raise MarketRejected(str(BAD_COIN_ID), code="bad_coin")
    listed = BY_ID.get(coin_id)
    symbol = symbol.strip() or (listed.symbol if listed else "")
    name = name.strip() or (listed.name if listed else "")
    category = category.strip() or (listed.category if listed else "")

    def operation() -> Coin:
        coin = Coin.objects.select_for_update().filter(pk=coin_id).first()
        if coin is not None and coin.tracked:
            return coin
        if coin is not None:
            coin.tracked = True
            coin.save(update_fields=["tracked"])
        elif symbol and name:
            coin = Coin.objects.create(
                id=coin_id, symbol=symbol[:32], name=name[:128], category=category[:64]
            )
        else:
            raise MarketRejected(
                _("Nobody here knows a coin “%(coin)s”. Search for it by name first.")
                % {"coin": coin_id},
                code="unknown_coin",
            )
        kind = accounts.Activity.Kind.COIN_ADDED
        accounts.record(kind=kind, summary=f"Added {coin}", user=by, address=address)
        return coin

    return run_atomic(operation)


def remove_coin(*, coin_id: str, by: User, address: str | None = None) -> Coin:
    """Stop offering a coin. Its history, and what people hold of it, stays.

    Removing it again changes nothing. Raises MarketRejected (unknown_coin).
    """

    def operation() -> Coin:
        coin = Coin.objects.select_for_update().filter(pk=coin_id).first()
        if coin is None:
            raise MarketRejected(_("There is no such coin here."), code="unknown_coin")
        if coin.tracked:
            coin.tracked = False
            coin.save(update_fields=["tracked"])
            kind = accounts.Activity.Kind.COIN_REMOVED
            accounts.record(kind=kind, summary=f"Removed {coin}", user=by, address=address)
        return coin

    return run_atomic(operation)


def search_catalogue(*, query: str, now: datetime) -> list[CatalogueEntry]:  # noqa: ARG001
    """Find coins by id, symbol or name in what is stored here; best matches first.

    Never waits for a feed: `find_coins`, from a task, brings what the source knows.
    """
    words = query.strip().casefold()[:LONGEST_QUERY]
    if not words:
        return []
    entries = {
        coin.id: CatalogueEntry(
            coin_id=coin.id, symbol=coin.symbol, name=coin.name, rank=None, is_tracked=False
        )
        for coin in COINS
    }
    for coin_id, symbol, name, rank, tracked in Coin.objects.order_by().values_list(
        "id", "symbol", "name", "rank", "tracked"
    ):
        entries[coin_id] = CatalogueEntry(
            coin_id=coin_id, symbol=symbol, name=name, rank=rank, is_tracked=tracked
        )
    found = [(match, entry) for entry in entries.values() if (match := _match(entry, words))]
    found.sort(key=lambda pair: (pair[0], pair[1].rank or 10**9, pair[1].coin_id))
    return [entry for _, entry in found[:SEARCH_RESULTS]]


def _match(entry: CatalogueEntry, words: str) -> int:
    """Return how well an entry fits, 1 best; 0 is not at all."""
    texts = (entry.symbol.casefold(), entry.name.casefold(), entry.coin_id.casefold())
    if words in texts:
        return 1
    if any(text.startswith(words) for text in texts):
        return 2
    return 3 if any(words in text for text in texts) else 0


def find_coins(*, query: str, now: datetime) -> int:
    """Ask the active feed for coins of this name and note them, untracked; return how many.

    For a task: it waits for somebody else's server. Searches come at most every few seconds.
    """
    words = query.strip()[:LONGEST_QUERY]
    for alias in active_feeds() if words else ():
        if not budget.claim_fetch(name=f"{alias}:search", interval=SEARCH_EVERY, now=now):
            return 0
        try:
            found = feed(alias).search(words, now=now)
        except FeedError as error:
            logger.info("no search with %s: %s", alias, error)
            continue
        new = [
            Coin(id=coin_id, symbol=symbol[:32], name=name[:128], tracked=False)
            for coin_id, symbol, name in found
            if is_coin_id(coin_id) and symbol and name
        ]
        for chunk in in_chunks(new, actions_per_item=1):
            run_atomic(partial(Coin.objects.bulk_create, chunk, ignore_conflicts=True))
        return len(new)
    return 0
