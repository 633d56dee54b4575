"""The market's background work: shells around the services, so that Celery can call them."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from . import services


@shared_task
def fetch_prices() -> None:
    """Fetch and store prices from the feed that is due, if one is."""
    services.fetch_prices(now=timezone.now())


@shared_task
def load_history() -> None:
    """Load the history of the next coins that have none."""
    services.load_history(now=timezone.now())


@shared_task
def refresh_news() -> None:
    """Read the news feeds that are due."""
    services.refresh_news(now=timezone.now())


@shared_task
def refresh_exchange_rates() -> None:
    """Fetch today's exchange rates."""
    services.refresh_exchange_rates(now=timezone.now())


@shared_task
def refresh_figures() -> None:
    """Work out what the complete days of all coins say, before a page asks."""
    services.refresh_figures(now=timezone.now())


@shared_task
def purge_expired() -> None:
    """Delete candles and headlines that are past their time."""
    services.purge_expired(now=timezone.now())


@shared_task
def find_coins(query: str) -> None:
    """Bring the coins that the source knows by this name into the catalogue."""
    services.find_coins(query=query, now=timezone.now())
