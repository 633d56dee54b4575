"""Telling the server's log: for a laptop, and for seeing that anything is told at all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .base import NotificationChannel

if TYPE_CHECKING:
    from alerts.models import Notification

logger = logging.getLogger(__name__)


class ConsoleChannel(NotificationChannel):
    """Writes one line to the log."""

    def send(self, notification: Notification) -> None:
        logger.info("to %s: %s", notification.user_id, notification.subject)
