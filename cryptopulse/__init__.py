"""CryptoPulse: live crypto prices, a virtual portfolio, and alerts that can be trusted."""

from .celery import app as celery_app

__all__ = ["celery_app"]
