"""What happens to accounts without anybody asking."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task
def clear_sessions() -> int:
    """Delete the sessions that have ended, and invitations that are past their time."""
    now = timezone.now()
    return services.purge_sessions(now=now) + services.purge_invitations(now=now)
