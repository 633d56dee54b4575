"""Notification rows: one per event and channel, written in the event's own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import services as accounts
from alerts.models import Notification
from alerts.services.kinds import chosen_channels
from alerts.services.outbox import wake_delivery
from cryptopulse.atomic import in_chunks
from cryptopulse.engine import expires_by_itself
from market import services as market

if TYPE_CHECKING:
    from accounts.models import User

Kind = Notification.Kind

#: How long rows are kept: what happened to one's money and alerts, and account mail.
KEPT_FOR = timedelta(days=90)
MAIL_KEPT_FOR = timedelta(days=14)


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


def confirm_trade(*, transaction: Any, coin_name: str) -> list[Notification]:
    """Write a trade's confirmation, in the trade's own transaction."""
    context = {
        "trade": transaction,
        "coin_name": coin_name,
        "is_simulated": transaction.price_source in market.SIMULATED_SOURCES,
    }
    with accounts.speaking_to(transaction.user):
        subject = render_to_string("alerts/messages/trade_subject.txt", context)
        body = render_to_string("alerts/messages/trade.txt", context).strip()
    return notify(
        user=transaction.user,
        kind=Kind.TRADE,
        subject=subject,
        body=body,
        channels=with_topic(chosen_channels(transaction.user, Kind.TRADE)),
        event_id=transaction.pk,
        now=transaction.executed_at,
        url=reverse("portfolio:transactions"),
        coin_id=transaction.coin_id,
        is_new=True,  # as the transaction is, of which each has one
    )


def with_topic(channels: Iterable[str]) -> list[str]:
    """Return the channels without repetition, and the system's topic where there is one."""
    topic = ["sns"] if settings.SNS_TOPIC_ARN else []
    return list(dict.fromkeys([*channels, *topic]))


def one_line(text: str) -> str:
    """Return a subject: one line that fits its column, whatever somebody put into a name."""
    return " ".join(text.split())[:200]


def purge_notifications(*, now: datetime, limit: int = 1000) -> int:
    """Delete expired notifications with their attempts, oldest first; return how many."""
    if expires_by_itself(Notification):
        return 0
    expired = Notification.objects.filter(expires_at__lt=now).order_by("expires_at")
    keys = list(expired.values_list("pk", flat=True)[:limit])
    for chunk in in_chunks(keys, actions_per_item=10):
        Notification.objects.filter(pk__in=chunk).delete()
    return len(keys)
