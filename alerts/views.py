"""Pages: alerts, the bell, channels. Everything works without JavaScript; htmx swaps a part."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Permission
from accounts.services import client_address, require, safe_next
from alerts import services
from alerts.forms import AlertForm
from alerts.services import AlertRejected
from cryptopulse.limits import limited

if TYPE_CHECKING:
    from accounts.models import User

REFUSED = 422
DONE = {"pause": "Alert paused.", "resume": "Alert armed.", "delete": "Alert deleted."}


def me(request: HttpRequest) -> User:
    """Return the person who is logged in."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 (`require` has let only people through)
    return user


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether a part of the page is wanted, not the page."""
    return "HX-Request" in request.headers


# --- Alerts -------------------------------------------------------------------------------------


@require_safe
@never_cache
@limited("read")
@require(Permission.SET_ALERTS)
def alert_list(request: HttpRequest) -> HttpResponse:
    """Show a person's alerts, what has fired, and the form for a new one."""
    form = AlertForm(user=me(request), coin_id=request.GET.get("coin", ""))
    return _page(request, form)


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_create(request: HttpRequest) -> HttpResponse:
    """Create an alert; refused, the form comes back with the reason and what was typed."""
    form = AlertForm(request.POST, user=me(request))
    alert = form.create(now=timezone.now(), address=client_address(request))
    whole_page = request.POST.get("view") == "page"
    if alert is None:
        return _page(request, form) if whole_page or not is_htmx(request) else _panel(request, form)
    saved = f"Alert created: {services.describe(alert, alert.coin)}."
    if not is_htmx(request):
        messages.success(request, saved)
        return safe_next(request, "alerts:list")
    empty = AlertForm(user=me(request), coin_id=alert.coin_id)
    answer = _page if whole_page else _panel
    return answer(request, empty, saved=saved, new_id=alert.pk)


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_pause(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Pause an alert."""
    return _change(request, alert_id, services.pause, DONE["pause"])


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_resume(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Arm an alert again."""
    return _change(request, alert_id, services.resume, DONE["resume"])


@require_POST
@require(Permission.SET_ALERTS)
@limited("alert")
def alert_delete(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Delete an alert."""
    return _change(request, alert_id, services.delete_alert, DONE["delete"])


def _change(
    request: HttpRequest, alert_id: uuid.UUID, operation: Callable[..., object], done: str
) -> HttpResponse:
    """Do one thing with one alert; a refusal is shown at that alert."""
    form = AlertForm(user=me(request))
    try:
        operation(
            user=me(request),
            alert_id=alert_id,
            now=timezone.now(),
            address=client_address(request),
        )
    except AlertRejected as refused:
        return _page(request, form, refused=refused, refused_id=alert_id)
    if is_htmx(request):
        return _page(request, form, saved=done)
    messages.success(request, done)
    return redirect("alerts:list")


def _page(request: HttpRequest, form: AlertForm, **extra: Any) -> HttpResponse:
    """Draw the alerts page; for htmx only its content."""
    now = timezone.now()
    views = services.own_alerts(user=me(request), now=now)
    context = {
        "form": form,
        "views": views,
        "history": services.history(user=me(request)),
        "limit": services.MAX_ALERTS,
        "whole_page": True,
    } | extra
    is_known = any(view.alert.pk == extra.get("refused_id") for view in views)
    template = "alerts/_page.html" if is_htmx(request) else "alerts/list.html"
    status = REFUSED if form.errors or "refused" in extra else 200
    return render(request, template, context | {"refused_is_known": is_known}, status=status)


def _panel(request: HttpRequest, form: AlertForm, **extra: Any) -> HttpResponse:
    """Draw the form alone, as other pages show it."""
    context = {"form": form} | extra
    status = REFUSED if form.errors else 200
    return render(request, "alerts/_alert_panel.html", context, status=status)


# --- The bell -----------------------------------------------------------------------------------


@require_safe
@never_cache
@limited("read")
@require(Permission.READ_MARKET)
def bell(request: HttpRequest) -> HttpResponse:
    """Show a person's newest notifications."""
    return _bell(request)


@require_POST
@require(Permission.READ_MARKET)
@limited("read")
def bell_read(request: HttpRequest) -> HttpResponse:
    """Mark the notifications as read: one (`id`), or all that are shown."""
    keys = [key for text in request.POST.getlist("id") if (key := _key(text))]
    everything = "id" not in request.POST
    services.mark_read(user=me(request), now=timezone.now(), keys=None if everything else keys)
    return _bell(request) if is_htmx(request) else redirect("alerts:bell")


def _bell(request: HttpRequest) -> HttpResponse:
    rows = services.bell(user=me(request))
    template = "alerts/_bell.html" if is_htmx(request) else "alerts/bell.html"
    context = {"notifications": rows, "unread": sum(row.read_at is None for row in rows)}
    return render(request, template, context)


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


# --- Channels -----------------------------------------------------------------------------------


@require_safe
@never_cache
@limited("read")
@require(Permission.RECEIVE_EMAIL)
def channels(request: HttpRequest) -> HttpResponse:
    """Show where a person may be told things, and how to set each up."""
    return _channels(request)


@require_POST
@require(Permission.RECEIVE_EMAIL)
@limited("verify")
def channel_sms_start(request: HttpRequest) -> HttpResponse:
    """Send a code to a number."""
    number = request.POST.get("number", "")
    return _set_up(
        request,
        lambda: services.start_sms(user=me(request), number=number, now=timezone.now()),
        "A code is on its way.",
        number=number,
    )


@require_POST
@require(Permission.RECEIVE_EMAIL)
@limited("verify")
def channel_sms_confirm(request: HttpRequest) -> HttpResponse:
    """Verify a number with its code."""
    code = request.POST.get("code", "")
    return _set_up(
        request,
        lambda: services.confirm_sms(user=me(request), code=code, now=timezone.now()),
        "Your number is verified.",
        code=code,
    )


@require_POST
@require(Permission.RECEIVE_EMAIL)
@limited("verify")
def channel_sns_email(request: HttpRequest) -> HttpResponse:
    """Ask for a topic of one's own."""
    return _set_up(
        request,
        lambda: services.subscribe_sns_email(user=me(request), now=timezone.now()),
        "Amazon will send you a mail. Confirm there.",
    )


@require_POST
@require(Permission.RECEIVE_EMAIL)
@limited("verify")
def channel_remove(request: HttpRequest, kind: str) -> HttpResponse:
    """Forget an address."""
    return _set_up(
        request, lambda: services.remove_channel(user=me(request), kind=kind), "Removed."
    )


def _set_up(
    request: HttpRequest, operation: Callable[[], object], done: str, **typed: str
) -> HttpResponse:
    """Do one step of setting a channel up; a refusal is shown at its field."""
    try:
        operation()
    except AlertRejected as refused:
        return _channels(request, channel_refused=refused, typed=typed)
    if is_htmx(request):
        return _channels(request, channel_saved=done)
    messages.success(request, done)
    return redirect("portals:settings")


def _channels(request: HttpRequest, **extra: Any) -> HttpResponse:
    context = {"channels": services.channels_for(user=me(request))} | extra
    template = "alerts/_channels.html" if is_htmx(request) else "alerts/channels.html"
    status = REFUSED if "channel_refused" in extra else 200
    return render(request, template, context, status=status)
