"""Exchanges that stream their prices over a websocket, without a key.

`coinbase` and `kraken` quote dollars, `binance` quotes Tether. What is said on a connection is one
module per exchange and does no I/O (`Conversation`); connecting, watching and giving up is shared.
"""

from .binance import BinanceFeed
from .coinbase import CoinbaseFeed
from .kraken import KrakenFeed

__all__ = ["BinanceFeed", "CoinbaseFeed", "KrakenFeed"]
