"""Notification rows: one per event and channel, written in the event's own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from alerts.models import Condition, Notification, PriceAlert
from alerts.services.outbox import wake_delivery
from cryptopulse.atomic import in_chunks
from cryptopulse.engine import expires_by_itself

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

Kind = Notification.Kind

#: How long rows are kept: what happened to one's money and alerts, and account mail.
KEPT_FOR = timedelta(days=90)
MAIL_KEPT_FOR = timedelta(days=14)
#: Told to people who have not chosen otherwise.
DEFAULT_CHANNELS = ("in_app",)
#: The newest rows that the bell looks at; more unread ones are "99+" to it.
BELL_DEPTH = 100


def notify(
    *,
    user: User | None,
    kind: str,
    subject: str,
    body: str,
    channels: Sequence[str] | None = None,
    event_id: uuid.UUID,
    now: datetime,
    url: str = "",
    coin_id: str = "",
    html: str = "",
    address: str = "",
    is_new: bool = False,
) -> list[Notification]:
    """Write one event's notifications in the caller's transaction and wake the delivery.

    `channels` are the person's choice for this kind where they are not given. Writing the same
    event again changes nothing: its rows' keys follow from `event_id`. Who knows that the event
    `is_new` spares the database to look for them.
    """
    kinds = chosen_channels(user, kind) if channels is None else channels
    rows = [
        Notification(
            id=Notification.key(event_id, channel, address),
            event_id=event_id,
            kind=kind,
            channel=channel,
            user=user,
            address=address,
            coin_id=coin_id,
            subject=one_line(subject),
            body=body,
            html=html,
            url=url,
            due_at=now,
            created_at=now,
            expires_at=now + (MAIL_KEPT_FOR if kind == Kind.MAIL else KEPT_FOR),
        )
        for channel in kinds
    ]
    if rows:
        Notification.objects.bulk_create(rows, ignore_conflicts=not is_new)
        wake_delivery()
    return rows


def tell_operators(
    *, subject: str, body: str, now: datetime, event_id: uuid.UUID
) -> list[Notification]:
    """Tell the operators' topic (SNS_OPS_TOPIC_ARN); nothing is written where there is none."""
    return notify(
        user=None,
        kind=Kind.OPERATIONS,
        subject=subject,
        body=body,
        channels=["sns_ops"] if settings.SNS_OPS_TOPIC_ARN else [],
        event_id=event_id,
        now=now,
    )


def alert_notifications(alert: PriceAlert, coin: Coin, *, now: datetime) -> list[Notification]:
    """Return, unsaved, what tells that an alert has fired: one row per chosen channel."""
    event_id = uuid.uuid5(alert.pk, str(alert.times_fired))
    context = {"alert": alert, "coin": coin, "condition": Condition(alert.condition)}
    subject = one_line(render_to_string("alerts/messages/price_alert_subject.txt", context))
    body = render_to_string("alerts/messages/price_alert.txt", context).strip()
    url = coin_url(coin.pk)
    return [
        Notification(
            id=Notification.key(event_id, channel),
            event_id=event_id,
            kind=Kind.PRICE_ALERT,
            channel=channel,
            user_id=alert.user_id,
            coin_id=coin.pk,
            subject=subject,
            body=body,
            url=url,
            due_at=now,
            created_at=now,
            expires_at=now + KEPT_FOR,
        )
        for channel in with_topic(alert.channels)
    ]


@lru_cache(maxsize=1024)
def coin_url(coin_id: str) -> str:
    """Return the path of a coin's page; ten thousand alerts may fire on one coin."""
    return reverse("market:coin", args=[coin_id])


def confirm_trade(*, transaction: Any, coin_name: str) -> list[Notification]:
    """Write a trade's confirmation, in the trade's own transaction."""
    context = {"trade": transaction, "coin_name": coin_name}
    return notify(
        user=transaction.user,
        kind=Kind.TRADE,
        subject=render_to_string("alerts/messages/trade_subject.txt", context),
        body=render_to_string("alerts/messages/trade.txt", context).strip(),
        channels=with_topic(chosen_channels(transaction.user, Kind.TRADE)),
        event_id=transaction.pk,
        now=transaction.executed_at,
        url=reverse("portfolio:transactions"),
        coin_id=transaction.coin_id,
        is_new=True,  # as the transaction is, of which each has one
    )


def chosen_channels(user: User | None, kind: str) -> list[str]:
    """Return where a person wants events of this kind told; what nobody delivers is left out."""
    if user is None:
        return []
    chosen = user.notification_choices.get(kind, DEFAULT_CHANNELS)
    if not isinstance(chosen, (list, tuple)):
        chosen = DEFAULT_CHANNELS
    return [
        channel for channel in dict.fromkeys(chosen) if channel in settings.NOTIFICATION_CHANNELS
    ]


def with_topic(channels: Iterable[str]) -> list[str]:
    """Return the channels without repetition, and the system's topic where there is one."""
    topic = ["sns"] if settings.SNS_TOPIC_ARN else []
    return list(dict.fromkeys([*channels, *topic]))


def one_line(text: str) -> str:
    """Return a subject: one line that fits its column, whatever somebody put into a name."""
    return " ".join(text.split())[:200]


def bell(*, user: User, limit: int = 20) -> list[Notification]:
    """Return a person's newest in-app notifications. One query on one index."""
    return list(_in_app(user)[: min(limit, BELL_DEPTH)])


def unread_count(*, user: User) -> int:
    """Return how many of the newest BELL_DEPTH in-app notifications are unread. One query."""
    newest = _in_app(user).values_list("read_at", flat=True)[:BELL_DEPTH]
    return sum(read_at is None for read_at in newest)


def mark_read(*, user: User, now: datetime, keys: Iterable[uuid.UUID] | None = None) -> int:
    """Mark in-app notifications as read: these, or all that the bell looks at."""
    newest = _in_app(user).values_list("pk", "read_at")[:BELL_DEPTH]
    wanted = None if keys is None else set(keys)
    unread = [
        key for key, read_at in newest if read_at is None and (wanted is None or key in wanted)
    ]
    return sum(
        Notification.objects.filter(pk__in=chunk, user=user, read_at=None).update(read_at=now)
        for chunk in in_chunks(unread, actions_per_item=1)
    )


def history(*, user: User, limit: int = 20) -> list[list[Notification]]:
    """Return a person's last fired alerts, newest first: of each, its row on every channel."""
    rows = Notification.objects.filter(
        user=user, kind=Kind.PRICE_ALERT, channel__in=list(settings.NOTIFICATION_CHANNELS)
    ).exclude(channel__in=["sns", "sns_ops"])
    events: dict[uuid.UUID, list[Notification]] = {}
    for row in rows.order_by("-created_at")[: limit * 3]:
        events.setdefault(row.event_id, []).append(row)
    return list(events.values())[:limit]


def purge_notifications(*, now: datetime, limit: int = 1000) -> int:
    """Delete expired notifications with their attempts, oldest first; return how many."""
    if expires_by_itself(Notification):
        return 0
    expired = Notification.objects.filter(expires_at__lt=now).order_by("expires_at")
    keys = list(expired.values_list("pk", flat=True)[:limit])
    for chunk in in_chunks(keys, actions_per_item=10):
        Notification.objects.filter(pk__in=chunk).delete()
    return len(keys)


def _in_app(user: User) -> Any:
    return Notification.objects.filter(user=user, channel="in_app").order_by("-created_at")
