"""The app of coins, quotes, candles, feeds and news."""

from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "market"
