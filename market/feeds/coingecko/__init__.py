"""CoinGecko's API v3: the catalogue, prices, history and exchange rates of some 19,000 coins.

Data provided by CoinGecko (https://www.coingecko.com), which asks for this line to be shown.
"""

from .feed import CoinGeckoFeed

__all__ = ["CoinGeckoFeed"]
