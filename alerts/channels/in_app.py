"""Telling the person's open pages. The row itself is the notification: the bell shows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .base import NotificationChannel

if TYPE_CHECKING:
    from alerts.models import Notification

logger = logging.getLogger(__name__)

#: kind of notification -> `type` of the event on the websocket.
EVENT_TYPES = {"price_alert": "alert", "trade": "trade"}


class InAppChannel(NotificationChannel):
    """Pushes an event to whoever of the person's browsers listens; none may, and that is fine."""

    def send(self, notification: Notification) -> None:
        layer = get_channel_layer()
        if layer is None or notification.user_id is None:
            return
        message = {"type": "personal.event", "event": event_of(notification)}
        try:
            async_to_sync(layer.group_send)(f"user.{notification.user_id.hex}", message)
        except Exception as error:  # the layer may be anybody's; the bell has the row anyway
            logger.warning("no push of %s: %s", notification.pk, error)


def event_of(notification: Notification) -> dict[str, Any]:
    """Return a notification as a personal event; browsers drop a second one by its `id`."""
    return {
        "type": EVENT_TYPES.get(notification.kind, "notification"),
        "id": str(notification.pk),
        "title": notification.subject,
        "body": notification.body,
        "url": notification.url,
        "at": notification.created_at.isoformat(),
    }
