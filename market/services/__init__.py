"""The door of the market: everything that another app may ask of it."""

from __future__ import annotations

from market.quotes import SIMULATED_SOURCES

from .catalogue import (
    CatalogueEntry,
    add_coin,
    find_coins,
    remove_coin,
    search_catalogue,
    seed_demo_coins,
)
from .currency import currencies, exchange_rate, refresh_exchange_rates
from .errors import MarketRejected
from .fetching import FetchResult, fetch_prices
from .headlines import articles, refresh_news
from .history import CHART_RANGES, Averages, ChartData, averages, candles, chart
from .loading import has_history, load_history, store_bars
from .origin import origin
from .prices import IngestResult, ingest
from .reading import (
    MarketSummary,
    Movers,
    coin,
    feed_states,
    last_tick_at,
    latest_quotes,
    mark_evaluated,
    market_summary,
    moved_coins,
    movers,
    tradable_quote,
)
from .sources import active_feeds
from .starting import choose_origin
from .upkeep import purge_expired
from .watching import unwatch, watch, watched_ids, watchlist

__all__ = [
    "CHART_RANGES",
    "SIMULATED_SOURCES",
    "Averages",
    "CatalogueEntry",
    "ChartData",
    "FetchResult",
    "IngestResult",
    "MarketRejected",
    "MarketSummary",
    "Movers",
    "active_feeds",
    "add_coin",
    "articles",
    "averages",
    "candles",
    "chart",
    "choose_origin",
    "coin",
    "currencies",
    "exchange_rate",
    "feed_states",
    "fetch_prices",
    "find_coins",
    "has_history",
    "ingest",
    "last_tick_at",
    "latest_quotes",
    "load_history",
    "mark_evaluated",
    "market_summary",
    "moved_coins",
    "movers",
    "origin",
    "purge_expired",
    "refresh_exchange_rates",
    "refresh_news",
    "remove_coin",
    "search_catalogue",
    "seed_demo_coins",
    "store_bars",
    "tradable_quote",
    "unwatch",
    "watch",
    "watched_ids",
    "watchlist",
]
