"""Who did what, when and from where."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import Activity, User
from accounts.moments import key_at
from accounts.pages import MAX_LIMIT, Page, keyset_page

SUMMARY_LENGTH = 200
#: A line is written in a transaction and seen when that commits, so that a line may appear behind
#: one that is newer. Whoever follows the log looks this far back again.
LATE = timedelta(seconds=10)

#: What staff do to others: the audit trail.
STAFF_KINDS = frozenset(
    {
        Activity.Kind.SUSPENDED,
        Activity.Kind.RESTORED,
        Activity.Kind.NOTED,
        Activity.Kind.FLAG_REVIEWED,
        Activity.Kind.EXPORTED,
        Activity.Kind.ROLE_CHANGED,
        Activity.Kind.INVITED,
    }
)


def record(
    *,
    kind: Activity.Kind,
    summary: str,
    user: User | None = None,
    subject: User | None = None,
    address: str | None = None,
) -> Activity:
    """Add one line to the log, in the caller's transaction where there is one.

    `user` did it, to `subject` where that is somebody else. A summary that is too long is cut;
    control characters, which a database or a terminal might choke on, are left out.
    """
    text = "".join(letter for letter in summary if letter.isprintable())
    if len(text) > SUMMARY_LENGTH:
        text = text[: SUMMARY_LENGTH - 1] + "…"
    return Activity.objects.create(
        kind=kind, summary=text, user=user, subject=subject, address=address
    )


def activity_page(
    *,
    kind: str = "",
    user_id: uuid.UUID | None = None,
    address: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    limit: int = 50,
) -> Page[Activity]:
    """Return the newest activities that fit all that is given, `since` included, `until` not.

    Three queries: the page by an index, then the people on it. An unknown kind has no rows.
    """
    rows = _matching(kind=kind, user_id=user_id, address=address, since=since, until=until)
    return keyset_page(_with_people(rows), cursor=cursor, limit=limit)


def activity_since(*, newest: uuid.UUID, limit: int = 50, **filters: Any) -> list[Activity]:
    """Return what came after the line with this key, newest first, and what may have come late.

    `filters` as in `activity_page`. Some lines before `newest` are among them: see LATE.
    """
    # A key that nobody was given is as good as the newest there can be: nothing comes after it.
    milliseconds = max(0, (newest.int >> 80) - int(LATE.total_seconds() * 1000))
    after = uuid.UUID(int=milliseconds << 80)
    rows = _matching(**filters).filter(pk__gt=after)
    return list(_with_people(rows).order_by("-pk")[:limit])


def all_activity(*, most: int, **filters: Any) -> Iterator[Activity]:
    """Yield up to `most` activities, newest first, read a page at a time as they are taken."""
    cursor, left = "", most
    while left > 0:
        page = activity_page(cursor=cursor, limit=min(left, MAX_LIMIT), **filters)
        yield from page.rows
        left -= len(page.rows)
        cursor = page.next_cursor
        if not cursor:
            return


def recent_activity(
    *, user: User, limit: int, kinds: frozenset[Activity.Kind] | None = None
) -> list[Activity]:
    """Return what this person did last, newest first, of these kinds only where they are given."""
    rows = Activity.objects.filter(user=user)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    return list(rows.order_by("-id")[:limit])


def count_since(*, kind: str, since: datetime, most: int) -> int:
    """Count what happened of a kind since a moment, up to `most`: one read of the index."""
    moments = Activity.objects.filter(kind=kind).order_by("-pk").values_list("at", flat=True)
    return sum(at >= since for at in moments[:most])


def audit_page(*, user: User, cursor: str = "", limit: int = 50) -> Page[Activity]:
    """Return what this person did to others as a member of the staff, newest first."""
    rows = Activity.objects.filter(user=user, kind__in=STAFF_KINDS)
    return keyset_page(_with_people(rows), cursor=cursor, limit=limit)


def done_to(*, user: User, limit: int) -> list[Activity]:
    """Return what others did to this person, newest first: suspensions, notes, roles."""
    rows = Activity.objects.filter(subject=user).order_by("-id")
    return list(_with_people(rows)[:limit])


def _matching(
    *,
    kind: str = "",
    user_id: uuid.UUID | None = None,
    address: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Activity]:
    rows = Activity.objects.all()
    if kind:
        rows = rows.filter(kind=kind)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    if address:
        rows = rows.filter(address=address)
    if since is not None:
        rows = rows.filter(pk__gte=key_at(since))
    if until is not None:
        rows = rows.filter(pk__lt=key_at(until))
    return rows


def _with_people(rows: QuerySet[Activity]) -> QuerySet[Activity]:
    return rows.prefetch_related("user", "subject")
