"""Pages: where a person may be told things, and the steps that set a channel up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Permission
from accounts.services import require
from alerts import services
from alerts.services import AlertRejected
from cryptopulse.limits import limited

from .requests import REFUSED, is_htmx, me


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
        _("A code is on its way."),
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
        _("Your number is verified."),
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
        _("Amazon will send you a mail. Confirm there."),
    )


@require_POST
@require(Permission.RECEIVE_EMAIL)
@limited("verify")
def channel_remove(request: HttpRequest, kind: str) -> HttpResponse:
    """Forget an address."""
    return _set_up(
        request, lambda: services.remove_channel(user=me(request), kind=kind), _("Removed.")
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
    return redirect("alerts:channels")


def _channels(request: HttpRequest, **extra: Any) -> HttpResponse:
    context = {"channels": services.channels_for(user=me(request))} | extra
    template = "alerts/_channels.html" if is_htmx(request) else "alerts/channels.html"
    status = REFUSED if "channel_refused" in extra else 200
    return render(request, template, context, status=status)
