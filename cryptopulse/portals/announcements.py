"""Announcements: an admin puts a sentence above every page, changes it, and ends it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import client_address, require
from cryptopulse.limits import limited
from cryptopulse.models import Announcement

from . import notices
from .requests import me

LISTED = 50
#: What a zone's offset cannot carry over the end of the calendar.
YEARS = range(2000, 3000)


class AnnouncementForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own has no types
    """What an announcement says, to whom, and for how long."""

    class Meta:
        model = Announcement
        fields = ("text", "level", "audience", "starts_at", "ends_at")
        labels = {
            "text": gettext_lazy("Text"),
            "level": gettext_lazy("Kind"),
            "audience": gettext_lazy("For"),
            "starts_at": gettext_lazy("From"),
            "ends_at": gettext_lazy("Until"),
        }
        help_texts = {
            "text": gettext_lazy("One or two sentences. Links are shown as text."),
            "ends_at": gettext_lazy("Left empty, it stays until you end it."),
        }
        widgets = {
            "text": forms.Textarea(attrs={"rows": 2, "maxlength": 300}),
            **{
                name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
                for name in ("starts_at", "ends_at")
            },
        }

    def clean_text(self) -> str:
        """Take what can be read, on one line."""
        text = " ".join(self.cleaned_data["text"].split())
        readable = "".join(letter for letter in text if letter.isprintable()).strip()
        if not readable:
            raise forms.ValidationError(_("There is nothing in it that can be read."))
        return readable

    def clean(self) -> dict[str, Any]:
        """Refuse an announcement that nobody would ever see."""
        cleaned: dict[str, Any] = super().clean() or {}
        start, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        for name, moment in (("starts_at", start), ("ends_at", end)):
            if moment and moment.year not in YEARS:
                self.add_error(name, _("Choose a year between 2000 and 2999."))
        if start and end and end <= start:
            self.add_error("ends_at", _("Choose an end that comes after the beginning."))
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def announcements(request: HttpRequest) -> HttpResponse:
    """List all announcements, with a form for another one."""
    form = AnnouncementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.save()
        _record(request, made, "announced")
        messages.success(request, _("The announcement is made."))
        return redirect("portals:announcements")
    return _page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def announcement_edit(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Change what an announcement says, to whom, or how long."""
    found = _found(key)
    form = AnnouncementForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        _record(request, form.save(), "changed the announcement")
        messages.success(request, _("The announcement is changed."))
        return redirect("portals:announcements")
    return _page(request, form, edited=found)


@require_POST
@limited("read")
@require(Permission.USE_ADMIN_PORTAL)
def announcement_end(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take an announcement off the pages now; one that has ended stays as it is."""
    found, now = _found(key), timezone.now()
    if found.ends_at is None or found.ends_at > now:
        found.ends_at = now
        found.starts_at = min(found.starts_at, now)
        found.save(update_fields=["starts_at", "ends_at"])
        _record(request, found, "ended the announcement")
    messages.success(request, _("The announcement has ended."))
    return redirect("portals:announcements")


def _page(
    request: HttpRequest, form: AnnouncementForm, *, edited: Announcement | None = None
) -> HttpResponse:
    now = timezone.now()
    rows = [(one, _state(one, now)) for one in Announcement.objects.order_by("-id")[:LISTED]]
    context = {"form": form, "rows": rows, "edited": edited}
    status = 422 if form.errors else 200
    return render(request, "portals/announcements.html", context, status=status)


def _state(one: Announcement, now: datetime) -> str:
    """Name whether it is shown: "shown", "coming" or "over"."""
    if one.ends_at is not None and one.ends_at <= now:
        return "over"
    return "shown" if one.starts_at <= now else "coming"


def _found(key: uuid.UUID) -> Announcement:
    found = Announcement.objects.filter(pk=key).first()
    if found is None:
        raise Http404
    return found


def _record(request: HttpRequest, one: Announcement, verb: str) -> None:
    """Note in the activity log who did it, and have pages show it at once."""
    by = me(request)
    accounts.record(
        kind=accounts.Activity.Kind.ANNOUNCED,
        summary=f"{by.username} {verb}: {one.text}",
        user=by,
        address=client_address(request),
    )
    notices.forget()
