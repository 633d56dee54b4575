"""Upkeep: what is past its time is deleted, a chunk at a time.

On DynamoDB there is nothing to do: such rows have a time to live.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from accounts.models import ActivityHour, Invitation, OpenSession
from cryptopulse.atomic import in_chunks
from cryptopulse.engine import expires_by_itself

#: Rows looked up at once, and the most that one run deletes: the next run goes on.
PAGE = 1000
MOST_PER_RUN = 200_000


def purge_sessions(*, now: datetime) -> int:
    """Delete the sessions that have ended; return how many."""
    return _purge(Session.objects.filter(expire_date__lt=now).order_by("expire_date"))


def purge_invitations(*, now: datetime) -> int:
    """Delete the invitations that open nothing any more; return how many. The log keeps them."""
    return _purge(Invitation.objects.filter(expires_at__lt=now).order_by("expires_at"))


def purge_open_sessions(*, now: datetime) -> int:
    """Delete what is known of sessions that have ended; return how many."""
    return _purge(OpenSession.objects.filter(expires_at__lt=now).order_by("expires_at"))


def purge_activity_hours(*, now: datetime) -> int:
    """Delete the numbers of hours that no heat map shows any more; return how many."""
    return _purge(ActivityHour.objects.filter(expires_at__lt=now).order_by("expires_at"))


def _purge(rows: QuerySet[Any]) -> int:
    """Delete these rows. Can be stopped at any moment and run again."""
    if expires_by_itself(rows.model):
        return 0
    deleted = 0
    while deleted < MOST_PER_RUN and (keys := list(rows.values_list("pk", flat=True)[:PAGE])):
        for chunk in in_chunks(keys, actions_per_item=1):
            rows.model._default_manager.filter(pk__in=chunk).delete()  # noqa: SLF001 (Django's public API)
        deleted += len(keys)
    return deleted
