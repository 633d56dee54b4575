"""Tags that let any page show what is about alerts, without knowing how it is made."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from accounts.roles import Permission
from alerts import services
from alerts.forms import DIRECTIONS, AlertForm

register = template.Library()


@register.inclusion_tag("alerts/_alert_panel.html", takes_context=True)
def alert_form(context: template.Context) -> dict[str, Any]:
    """Draw the form for a new alert, about the page's `coin` where there is one.

    Needs a request. Draws nothing for people who have no alerts.
    """
    request = context["request"]
    user = request.user
    if not (user.is_authenticated and user.may(Permission.SET_ALERTS)):
        return {"form": None}
    coin = context.get("coin")
    form = AlertForm(user=user, coin_id=getattr(coin, "pk", ""), coins=context.get("all_coins"))
    return panel(request, form)


def panel(request: Any, form: AlertForm, **extra: Any) -> dict[str, Any]:
    """Return what `alerts/_alert_panel.html` needs; the CSRF token comes from the request."""
    return {"request": request, "shell": getattr(request, "shell", None), "form": form} | extra


@register.filter
def channel_label(kind: str) -> str:
    """Name a channel as people know it."""
    return services.channel_label(kind)


@register.filter
def direction(condition: str) -> str:
    """Say shortly which way the price has to go: "rises to"."""
    return DIRECTIONS.get(condition, condition)


@register.filter
def duration(seconds: int) -> str:
    """Write a length of time in its largest whole unit: 15 minutes, 1 hour, 90 seconds."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "0 seconds"


@register.filter
def plain(value: Decimal) -> str:
    """Write a number for a script: its digits, a point, nothing else."""
    return f"{value.normalize():f}"


@register.simple_tag(takes_context=True)
def channel_states(context: template.Context) -> list[services.ChannelState]:
    """Return where the person may be told things, unless the page has asked already."""
    given = context.get("channels")
    return given if given is not None else services.channels_for(user=context["request"].user)


@register.simple_tag(takes_context=True)
def own_alerts_on(context: template.Context, coin: Any) -> list[services.AlertView]:
    """Return the person's alerts on one coin."""
    user = context["request"].user
    if not (user.is_authenticated and user.may(Permission.SET_ALERTS)):
        return []
    views = services.own_alerts(user=user, now=timezone.now())
    return [view for view in views if view.alert.coin_id == coin.pk]
