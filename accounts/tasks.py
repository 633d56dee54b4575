"""What happens to accounts without anybody asking."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task
def clear_sessions() -> int:
    """Delete the sessions that have ended, and what else is past its time."""
    now = timezone.now()
    return (
        services.purge_sessions(now=now)
        + services.purge_open_sessions(now=now)
        + services.purge_invitations(now=now)
        + services.purge_activity_hours(now=now)
    )


@shared_task
def read_log() -> int:
    """Count the hours of the log and flag its patterns."""
    return services.read_log(now=timezone.now())


@shared_task
def erase_accounts() -> int:
    """Erase what is left of accounts that their owners have deleted."""
    return services.erase_accounts()
