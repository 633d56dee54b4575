"""Tags that let any page show what is about alerts, without knowing how it is made."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.roles import Permission
from alerts import services
from alerts.forms import DIRECTIONS, AlertForm
from cryptopulse import figures, notation

register = template.Library()

UNITS = (
    (86400, partial(ngettext, "%(count)s day", "%(count)s days")),
    (3600, partial(ngettext, "%(count)s hour", "%(count)s hours")),
    (60, partial(ngettext, "%(count)s minute", "%(count)s minutes")),
    (1, partial(ngettext, "%(count)s second", "%(count)s seconds")),
)


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
    coins = context.get("all_coins") or ([coin] if coin is not None else None)
    form = AlertForm(user=user, coin_id=getattr(coin, "pk", ""), coins=coins)
    return panel(request, form, of_coin=coin is not None)


def panel(request: Any, form: AlertForm, **extra: Any) -> dict[str, Any]:
    """Return what `alerts/_alert_panel.html` needs; the CSRF token comes from the request."""
    return {"request": request, "shell": getattr(request, "shell", None), "form": form} | extra


@register.filter
def channel_label(kind: str) -> str:
    """Name a channel as people know it."""
    return services.channel_label(kind)


@register.filter
def signed_percent(value: Decimal | None) -> str:
    """Write a change with its sign, where no colour and no triangle can tell: +2.31%."""
    sign = {"up": "+", "down": notation.MINUS}.get(figures.direction(value), "")
    return f"{sign}{figures.percent(value)}"


@register.filter
def delivery_word(row: Any) -> str:
    """Say what has become of a notification on its channel."""
    if row.status == "pending":
        return _("tried again later") if row.attempts else _("pending")
    words = {"sending": _("sending"), "sent": _("sent"), "failed": _("failed")}
    return words.get(row.status) or str(row.status)


@register.filter
def direction(condition: str) -> str:
    """Say shortly which way the price has to go: "rises to"."""
    return str(DIRECTIONS.get(condition, condition))


@register.filter
def duration(seconds: int) -> str:
    """Write a length of time in its largest whole unit: 15 minutes, 1 hour, 90 seconds."""
    for length, say in UNITS:
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return say(number) % {"count": number}
    return _("0 seconds")


@register.filter
def plain(value: Decimal | None) -> str:
    """Write a number for a script or a link: its digits, a point, nothing else."""
    return "" if value is None else f"{value.normalize():f}"


@register.filter
def size(value: int) -> int:
    """Return a number without its sign, which stands before it."""
    return abs(value)


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
