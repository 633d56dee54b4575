"""Money in the Django admin: to be read by those who may, changed by nobody."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cryptopulse.admin_base import ReadOnlyAdmin

from .models import Holding, Portfolio, Transaction


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "cash", "realised_profit", "paid_in", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    person_path = "user"
    search_help_text = _("The beginning of a username")
    ordering = ("-id",)


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    list_display = ("coin", "quantity", "cost", "portfolio", "owner")
    list_select_related = ("coin", "portfolio__user")
    search_fields = ("portfolio__user__username",)
    person_path = "portfolio__user"
    search_help_text = _("The beginning of a username")
    ordering = ("id",)

    @admin.display(description="user")
    def owner(self, holding: Holding) -> str:
        return holding.portfolio.user.username


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "user", "side", "coin", "quantity", "price", "amount", "fee")
    list_select_related = ("user", "coin")
    list_filter = ("side",)
    search_fields = ("user__username",)
    person_path = "user"
    search_help_text = _("The beginning of a username")
    ordering = ("-executed_at", "-id")
