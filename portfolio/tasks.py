"""The portfolios' background work: shells around the services, so that Celery can call them."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from . import services


@shared_task
def record_equity() -> None:
    """Store what each portfolio was worth at the hours since the last run."""
    services.finish_interrupted(now=timezone.now())
    services.record_equity(now=timezone.now())
