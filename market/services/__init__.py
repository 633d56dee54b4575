"""The door of the market: everything that another app may ask of it."""

from __future__ import annotations

from market.quotes import SIMULATED_SOURCES

from .analysis import analysed, coin_figures, daily, first_closes, refresh_figures
from .analysis import today as analysis_day
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
from .headlines import refresh_news
from .history import CHART_RANGES, ChartData, candles, chart
from .loading import has_history, load_history, store_bars
from .newsstand import NewsPage, articles, news_page, publishers
from .origin import origin
from .performance import Averages, Performance, averages, performance
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
from .screens import MOST_SCREENS, delete_screen, save_screen, saved_screens
from .sources import active_feeds, stream_feeds
from .starting import choose_origin
from .streaming import StreamRunner
from .upkeep import purge_expired
from .watching import unwatch, watch, watched_ids, watchlist

__all__ = [
    "CHART_RANGES",
    "MOST_SCREENS",
    "SIMULATED_SOURCES",
    "Averages",
    "CatalogueEntry",
    "ChartData",
    "FetchResult",
    "IngestResult",
    "MarketRejected",
    "MarketSummary",
    "Movers",
    "NewsPage",
    "Performance",
    "StreamRunner",
    "active_feeds",
    "add_coin",
    "analysed",
    "analysis_day",
    "articles",
    "averages",
    "candles",
    "chart",
    "choose_origin",
    "coin",
    "coin_figures",
    "currencies",
    "daily",
    "delete_screen",
    "exchange_rate",
    "feed_states",
    "fetch_prices",
    "find_coins",
    "first_closes",
    "has_history",
    "ingest",
    "last_tick_at",
    "latest_quotes",
    "load_history",
    "mark_evaluated",
    "market_summary",
    "moved_coins",
    "movers",
    "news_page",
    "origin",
    "performance",
    "publishers",
    "purge_expired",
    "refresh_exchange_rates",
    "refresh_figures",
    "refresh_news",
    "remove_coin",
    "save_screen",
    "saved_screens",
    "search_catalogue",
    "seed_demo_coins",
    "store_bars",
    "stream_feeds",
    "tradable_quote",
    "unwatch",
    "watch",
    "watched_ids",
    "watchlist",
]
