"""What every channel is: one small contract, one error, one registry made from the settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from alerts.models import Notification


class DeliveryError(Exception):
    """A notification could not be delivered.

    `permanent`: trying again will not help (no address, a refused one); the row settles as
    failed. Otherwise it is tried again later.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class NotificationChannel(ABC):
    """One way to deliver. To add one: a module here, an alias in NOTIFICATION_CHANNELS.

    Instances are shared between threads; what they are given in OPTIONS is keyword arguments.
    """

    @abstractmethod
    def send(self, notification: Notification) -> None:
        """Deliver one notification now, in bounded time. Raises DeliveryError.

        May be called again for one that was delivered already, when a process died before it
        could say so: carry `event_id`, by which a receiver can drop the second.
        """


@cache
def channel_for(alias: str) -> NotificationChannel:
    """Return the channel of this alias. Raises DeliveryError for one that is not configured."""
    try:
        configured = settings.NOTIFICATION_CHANNELS[alias]
    except KeyError:
        raise DeliveryError(f"No channel {alias!r} is configured.", permanent=True) from None
    channel: NotificationChannel = import_string(configured["BACKEND"])(**configured["OPTIONS"])
    return channel


@receiver(setting_changed)
def forget_channels(*, setting: str, **_: object) -> None:
    """Make channels anew after their settings have changed (in tests)."""
    if setting == "NOTIFICATION_CHANNELS":
        channel_for.cache_clear()
