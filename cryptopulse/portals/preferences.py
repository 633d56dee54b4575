"""The settings page: what a person prefers, and what may tell them things."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.roles import Permission
from accounts.services import require
from alerts import services as alerts
from market import services as market

from .forms import SettingsForm
from .requests import me


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.READ_MARKET)
def preferences(request: HttpRequest) -> HttpResponse:
    """Show a person's settings and save what they change; all of it or nothing."""
    user = me(request)
    currencies = market.currencies()
    channels = alerts.channels_for(user=user)
    form = SettingsForm(
        request.POST if request.method == "POST" else None,
        user=user,
        currencies=currencies,
        channels=[(channel.kind, channel.label) for channel in channels if channel.usable],
    )
    if form.is_bound and form.is_valid():
        form.save(user)
        messages.success(request, "Settings saved.")
        return redirect("portals:settings")
    context = {
        "form": form,
        "channel_fields": [form[kind] for kind, *_ in form.kinds],
        "channels": channels,
        "currency_without_rate": ""
        if user.display_currency in currencies
        else user.display_currency,
    }
    return render(request, "portals/settings.html", context, status=422 if form.errors else 200)
