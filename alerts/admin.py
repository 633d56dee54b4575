"""Alerts and their delivery in the Django admin: to be read by those who may, changed by nobody.

What a notification says is not shown: account mail holds links that open accounts, and the rest
is between the product and the person.
"""

# ruff: noqa: ARG002 (Django passes the request and the object to every hook)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import DeliveryAttempt, Notification, PriceAlert

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Model]
else:
    Base = ModelAdmin


class ReadOnlyAdmin(Base):
    """Shows rows; who may see them is decided by the role alone."""

    list_per_page = 50
    show_full_result_count = False  # counting a table that only grows costs more than the page
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PriceAlert)
class PriceAlertAdmin(ReadOnlyAdmin):
    list_display = (
        "coin", "condition", "target", "state", "repeats", "user", "times_fired", "last_fired_at",
    )  # fmt: skip
    list_filter = ("state", "condition", "repeats")
    list_select_related = ("coin", "user")
    search_fields = ("user__username__istartswith",)
    search_help_text = "The beginning of a username"
    ordering = ("-id",)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = (
        "kind", "channel", "user", "subject", "status", "attempts", "error", "created_at",
    )  # fmt: skip
    list_filter = ("status", "channel", "kind")
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith",)
    search_help_text = "The beginning of a username"
    exclude = ("body", "html")
    ordering = ("-created_at",)


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "channel", "succeeded", "milliseconds", "error")
    list_filter = ("succeeded",)
    list_select_related = ("notification",)
    ordering = ("-id",)

    @admin.display(description="channel")
    def channel(self, attempt: DeliveryAttempt) -> str:
        return attempt.notification.channel
