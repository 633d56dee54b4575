"""The first minute of a new database: which kind of prices it holds, and what it shows first."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings

from market import budget
from market.feeds import FeedError, feed

from .catalogue import seed_demo_coins
from .errors import MarketRejected
from .fetching import ids_to_fetch, list_coins, source_quotes
from .loading import load_history
from .origin import REAL, SIMULATED, origin
from .prices import ingest
from .sources import answer_within

logger = logging.getLogger(__name__)

#: How long the first start waits for real prices before it makes some up.
PATIENCE = 3.0  # seconds
#: How long the first start may take over the history of the most important coins.
HISTORY_SECONDS = 1.0
FIRST_COINS = 12


def choose_origin(*, now: datetime) -> str | None:
    """Decide what kind of prices a new database holds, and store the first ones.

    CoinGecko is asked once: an answer within PATIENCE makes the database one of real prices, none
    makes it a simulated one. MARKET_FEEDS, where it is set, decides instead, and a real feed
    named there is waited for by the schedule: then the answer is None until its first price. A
    database that has prices keeps its kind; nobody is asked.
    """
    held = origin()
    if held is not None:
        return held
    named = settings.MARKET_FEEDS[0] if settings.MARKET_FEEDS else None
    if named == "simulated" or (named is None and not _start_real(now=now)):
        _start_simulated(now=now)
    elif named == "replay":
        seed_demo_coins()
    return origin()


def _start_real(*, now: datetime) -> bool:
    """Ask CoinGecko for its list; tell whether it answered in time with prices."""
    try:
        source = feed("coingecko", deadline=PATIENCE, attempts=1)
        quotes = answer_within(PATIENCE, lambda: source_quotes(source, [], now=now))
        list_coins(quotes=quotes)
        ingest(quotes=quotes, now=now)
    except TimeoutError as error:
        budget.record_failure(name="coingecko", error=FeedError(f"CoinGecko: {error}"), now=now)
    except FeedError as error:
        budget.record_failure(name="coingecko", error=error, now=now)
    except MarketRejected:
        logger.info("another process has chosen meanwhile")
    else:
        budget.claim_fetch(name="coingecko", interval=source.interval(now=now), now=now)
        budget.record_success(name="coingecko", now=now)
    return origin() == REAL


def _start_simulated(*, now: datetime) -> None:
    """Store a first simulated tick, and as much history as a start may take."""
    seed_demo_coins()
    try:
        ingest(quotes=source_quotes(feed("simulated"), ids_to_fetch(), now=now), now=now)
    except MarketRejected:
        logger.info("another process has chosen meanwhile")
        return
    except FeedError as error:
        budget.record_failure(name="simulated", error=error, now=now)
        return
    if origin() == SIMULATED:
        load_history(now=now, seconds=HISTORY_SECONDS, coins=FIRST_COINS)
