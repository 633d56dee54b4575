"""The app of virtual portfolios, holdings and transactions."""

from django.apps import AppConfig


class PortfolioConfig(AppConfig):
    name = "portfolio"
