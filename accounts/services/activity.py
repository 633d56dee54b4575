"""Who did what, when and from where."""

from __future__ import annotations

import uuid

from accounts.models import Activity, User
from accounts.pages import Page, keyset_page

SUMMARY_LENGTH = 200


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
    *, kind: str = "", user_id: uuid.UUID | None = None, cursor: str = "", limit: int = 50
) -> Page[Activity]:
    """Return the newest activities, of one kind and of one person where those are given.

    Three queries: the page by an index, then the people on it. An unknown kind has no rows.
    """
    rows = Activity.objects.prefetch_related("user", "subject")
    if kind:
        rows = rows.filter(kind=kind)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    return keyset_page(rows, cursor=cursor, limit=limit)


def recent_activity(
    *, user: User, limit: int, kinds: frozenset[Activity.Kind] | None = None
) -> list[Activity]:
    """Return what this person did last, newest first, of these kinds only where they are given."""
    rows = Activity.objects.filter(user=user)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    return list(rows.order_by("-id")[:limit])
