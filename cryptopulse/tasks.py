"""Background work of the project itself."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone


@shared_task
def count_days() -> int:
    """Count what happened today, and what of the days before was not counted yet."""
    from cryptopulse.portals import faults, growth

    now = timezone.now()
    faults.purge(now=now)
    return growth.count_days(now=now)
