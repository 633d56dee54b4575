"""The settings page: what a person prefers, and what may tell them things."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from alerts import services as alerts
from market import services as market

from .forms import SettingsForm
from .requests import me

if TYPE_CHECKING:
    from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.READ_MARKET)
def preferences(request: HttpRequest) -> HttpResponse:
    """Show a person's settings and save what they change; all of it or nothing."""
    user = me(request)
    currencies = market.currencies()
    channels = alerts.channels_for(user=user)
    usable = [(channel.kind, channel.label) for channel in channels if channel.usable]
    data = request.POST if request.method == "POST" else None
    form = SettingsForm(data, user=user, currencies=currencies, channels=usable)
    if form.is_bound and form.is_valid():
        form.save(user)
        with accounts.speaking_to(user, language=get_language() or ""):
            messages.success(request, _("Settings saved."))
        return redirect("portals:settings")
    tried = SettingsForm(request.GET or None, user=user, currencies=currencies, channels=usable)
    context = {
        "form": form,
        "channel_fields": [form[kind] for kind, *_rest in form.kinds],
        "channels": channels,
        "preview": preview(tried, user),
        "currency_without_rate": ""
        if user.display_currency in currencies
        else user.display_currency,
    }
    return render(request, "portals/settings.html", context, status=422 if form.errors else 200)


def preview(form: SettingsForm, user: User) -> str:
    """Draw how numbers and dates look with what is tried out, chosen but not saved yet."""
    person = copy(user)
    if form.is_bound:
        form.is_valid()  # what is not valid is left as it was
        form.choose_for(person)
    with accounts.speaking_to(person, language=get_language() or ""):
        return render_to_string("portals/_settings_preview.html", {"now": timezone.now()})
