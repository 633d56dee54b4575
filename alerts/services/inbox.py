"""What a person has been told: the bell, and the alerts that have fired with their delivery."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import QuerySet

from accounts.services import Page
from alerts.models import Notification
from cryptopulse.atomic import in_chunks

if TYPE_CHECKING:
    from accounts.models import User

Status = Notification.Status

#: The newest rows that the bell looks at; more unread ones are "99+" to it.
BELL_DEPTH = 100
#: Channels for machines, which are nobody's.
TOPICS = ("sns", "sns_ops")
PAGE = 20
EXPORT_PAGE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: What a person may look for in the history -> the states of its rows.
DELIVERY = {
    "sent": (Status.SENT,),
    "waiting": (Status.PENDING, Status.SENDING),
    "failed": (Status.FAILED,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One time that an alert fired: its row on every channel, the first of which speaks for it."""

    rows: list[Notification]

    @property
    def first(self) -> Notification:
        return self.rows[0]


def bell(*, user: User, limit: int = 20) -> list[Notification]:
    """Return a person's newest in-app notifications. One query on one index."""
    return list(_in_app(user)[: min(limit, BELL_DEPTH)])


def bell_page(
    *, user: User, unread_only: bool = False, cursor: str = "", limit: int = PAGE
) -> Page[Notification]:
    """Return in-app notifications, newest first. One query, two where a page is full."""
    rows = _in_app(user)
    if unread_only:
        rows = rows.filter(read_at=None)
    return moments_page(rows, cursor=cursor, limit=limit)


def unread_count(*, user: User) -> int:
    """Return how many of the newest BELL_DEPTH in-app notifications are unread. One query."""
    newest = _in_app(user).values_list("read_at", flat=True)[:BELL_DEPTH]
    return sum(read_at is None for read_at in newest)


def mark_read(*, user: User, now: datetime, keys: Iterable[uuid.UUID] | None = None) -> int:
    """Mark in-app notifications as read: these, or all that the bell looks at."""
    rows = _in_app(user)
    if keys is None:
        newest = rows.values_list("pk", "read_at")[:BELL_DEPTH]
        unread = [key for key, read_at in newest if read_at is None]
    else:
        unread = list(keys)[:BELL_DEPTH]
    return sum(
        Notification.objects.filter(pk__in=chunk, user=user, channel="in_app", read_at=None).update(
            read_at=now
        )
        for chunk in in_chunks(unread, actions_per_item=1)
    )


def fired_page(
    *, user: User, coin_id: str = "", delivery: str = "", cursor: str = "", limit: int = PAGE
) -> Page[Fired]:
    """Return the alerts that have fired, newest first: of one coin, or so delivered, if given.

    One query; one more where a page is full, and one where a delivery is looked for. An unknown
    delivery has no rows.
    """
    rows = Notification.objects.filter(
        user=user, kind=Notification.Kind.PRICE_ALERT, channel__in=_personal_channels()
    )
    if coin_id:
        rows = rows.filter(coin_id=coin_id)
    wanted = rows.filter(status__in=DELIVERY.get(delivery, ())) if delivery else rows
    page = moments_page(wanted.order_by("-created_at"), cursor=cursor, limit=limit * 2)
    found = page.rows
    if delivery and found:  # the other channels of the same events
        events = {row.event_id for row in found}
        found = sorted(
            rows.filter(event_id__in=events), key=lambda row: row.created_at, reverse=True
        )
    together: dict[uuid.UUID, list[Notification]] = {}
    for row in found:
        together.setdefault(row.event_id, []).append(row)
    return Page([Fired(rows=each) for each in together.values()], page.next_cursor)


def every_fired(*, user: User, coin_id: str = "", delivery: str = "") -> Iterator[Fired]:
    """Yield all that `fired_page` pages through, reading a page at a time."""
    cursor = ""
    while True:
        page = fired_page(
            user=user, coin_id=coin_id, delivery=delivery, cursor=cursor, limit=EXPORT_PAGE
        )
        yield from page.rows
        if not (cursor := page.next_cursor):
            return


def moments_page(rows: QuerySet[Notification], *, cursor: str, limit: int) -> Page[Notification]:
    """Return the newest rows before the cursor's moment, by `created_at`.

    A page never parts what happened at one moment, so a moment is all that a cursor has to hold:
    when a price fires two hundred alerts at once, the page is that much longer.
    """
    before = _read(cursor)
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    found = list(rows.order_by("-created_at")[: limit + 1])
    if len(found) <= limit:
        return Page(found)
    last = found[limit - 1].created_at
    whole = [row for row in found if row.created_at > last]
    whole += rows.filter(created_at=last)
    return Page(whole, _write(last))


def _write(moment: datetime) -> str:
    return str((moment - _EPOCH) // timedelta(microseconds=1))


def _read(cursor: str) -> datetime | None:
    """Return the moment of a cursor; one that we never gave out is the first page."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 16):  # noqa: PLR2004 (the year 2286)
        return None
    return _EPOCH + timedelta(microseconds=int(cursor))


def _personal_channels() -> list[str]:
    return [channel for channel in settings.NOTIFICATION_CHANNELS if channel not in TOPICS]


def _in_app(user: User) -> QuerySet[Notification]:
    return Notification.objects.filter(user=user, channel="in_app").order_by("-created_at")
