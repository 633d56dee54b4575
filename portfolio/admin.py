"""Money in the Django admin: to be read by those who may, changed by nobody."""

# ruff: noqa: ARG002 (Django passes the request and the object to every hook)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .models import Holding, Portfolio, Transaction

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


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "cash", "realised_profit", "paid_in", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith",)
    search_help_text = "The beginning of a username"
    ordering = ("-id",)


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    list_display = ("coin", "quantity", "cost", "portfolio", "owner")
    list_select_related = ("coin", "portfolio__user")
    search_fields = ("portfolio__user__username__istartswith",)
    search_help_text = "The beginning of a username"
    ordering = ("id",)

    @admin.display(description="user")
    def owner(self, holding: Holding) -> str:
        return holding.portfolio.user.username


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "user", "side", "coin", "quantity", "price", "amount", "fee")
    list_select_related = ("user", "coin")
    list_filter = ("side",)
    search_fields = ("user__username__istartswith",)
    search_help_text = "The beginning of a username"
    ordering = ("-executed_at", "-id")
