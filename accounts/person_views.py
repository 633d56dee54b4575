"""One person, as moderators and admins see them. No secrets: no hashes, no keys, no sessions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cryptopulse.limits import limited

from . import services
from .access import require
from .addresses import client_address
from .errors import AccountRejected
from .models import Activity, User
from .roles import Permission, Role

ROWS = 20
#: How many of a person's last log-ins are looked through for addresses.
LOGINS = 200
ADDRESSES = 8
LOGIN_KINDS = frozenset({Activity.Kind.LOGGED_IN, Activity.Kind.LOGIN_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An address that somebody logged in from, or tried to."""

    address: str
    logins: int
    failed: int
    last_at: datetime


@require_GET
@limited("read")
@require(Permission.VIEW_USERS)
def person(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Everything that the staff may know about a person."""
    return _page(request, _person(user_id))


def _page(request: HttpRequest, shown: User, *, status: int = 200, **refused: Any) -> HttpResponse:
    by = request.user
    assert isinstance(by, User)  # noqa: S101 (`require` has let only people through)
    notes = services.notes_page(user=shown, cursor=request.GET.get("cursor", ""))
    flags = services.flags_of(user=shown)
    monitors = by.may(Permission.MONITOR_ACTIVITY)
    context = {
        "person": shown,
        "is_confirmed": services.verified_email(user_id=shown.pk) is not None,
        "obstacle": services.obstacle_to_suspending(user=shown, by=by),
        "notes": notes.rows,
        "next_url": f"?cursor={notes.next_cursor}" if notes.next_cursor else "",
        "flags": [services.flag_row(flag=flag, by=by) for flag in flags],
        "origins": origins(services.recent_activity(user=shown, limit=LOGINS, kinds=LOGIN_KINDS)),
        "done_to": services.done_to(user=shown, limit=ROWS),
        "rows": services.recent_activity(user=shown, limit=ROWS) if monitors else None,
        "monitors": monitors,
        "trades": shown.role == Role.USER and by.may(Permission.VIEW_ALL_TRANSACTIONS),
        **refused,
    }
    return render(request, "accounts/person.html", context, status=status)


@require_POST
@limited("read")
@require(Permission.SUSPEND_USERS)
def note(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """Write a note; one that is refused comes back as it was typed."""
    about, text = _person(user_id), request.POST.get("text", "")
    assert isinstance(request.user, User)  # noqa: S101 (`require` has let only people through)
    try:
        services.add_note(user=about, by=request.user, text=text, address=client_address(request))
    except AccountRejected as refused:
        return _page(request, about, status=422, note_error=refused.sentence, text=text)
    messages.success(request, _("The note is kept."))
    return redirect("accounts:person", about.pk)


def origins(rows: Iterable[Activity]) -> list[Origin]:
    """Sum log-ins up by address, the address that was used last first."""
    found: dict[str, list[Activity]] = {}
    for row in rows:
        if row.address:
            found.setdefault(row.address, []).append(row)
    failed = Activity.Kind.LOGIN_FAILED
    return [
        Origin(
            address=address,
            logins=sum(row.kind != failed for row in mine),
            failed=sum(row.kind == failed for row in mine),
            last_at=max(row.at for row in mine),
        )
        for address, mine in list(found.items())[:ADDRESSES]
    ]


def _person(user_id: uuid.UUID) -> User:
    found = services.person(user_id=user_id)
    if found is None:
        raise Http404
    return found
