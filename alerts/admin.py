"""Alerts and their delivery in the Django admin: to be read by those who may, changed by nobody.

What a notification says is not shown: account mail holds links that open accounts, and the rest
is between the product and the person.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cryptopulse.admin_base import ReadOnlyAdmin

from .models import DeliveryAttempt, Notification, PriceAlert


class ChannelFilter(admin.AllValuesFieldListFilter):
    """The channels that there are, from the settings: rows are not read for a filter's sake."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lookup_choices = sorted(settings.NOTIFICATION_CHANNELS)  # type: ignore[assignment]


@admin.register(PriceAlert)
class PriceAlertAdmin(ReadOnlyAdmin):
    list_display = (
        "coin", "condition", "target", "state", "repeats", "user", "times_fired", "last_fired_at",
    )  # fmt: skip
    list_filter = ("state", "condition", "repeats")
    list_select_related = ("coin", "user")
    search_fields = ("user__username",)
    person_path = "user"
    search_help_text = _("The beginning of a username")
    ordering = ("-id",)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = (
        "kind", "channel", "user", "subject", "status", "attempts", "error", "created_at",
    )  # fmt: skip
    list_filter = ("status", ("channel", ChannelFilter), "kind")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    person_path = "user"
    search_help_text = _("The beginning of a username")
    exclude = ("body", "html")
    ordering = ("-created_at", "-id")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "channel", "succeeded", "milliseconds", "error")
    list_filter = ("succeeded",)
    list_select_related = ("notification",)
    ordering = ("-id",)

    @admin.display(description="channel")
    def channel(self, attempt: DeliveryAttempt) -> str:
        return attempt.notification.channel
