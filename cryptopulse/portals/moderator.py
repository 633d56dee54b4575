"""The moderator's portal: what needs a look, what people do, and what one has done oneself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from portfolio import services as portfolio

from .requests import me

ROWS = 10
FLAGS = 5
#: Failed log-ins, new accounts and flags are counted up to this many; more are "more than".
COUNTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many; `is_more` where there are more than were counted."""

    count: int
    is_more: bool


@require_safe
@require(Permission.USE_MODERATOR_PORTAL)
def moderator_portal(request: HttpRequest) -> HttpResponse:
    """Show what a moderator looks at first; each list has a page of its own.

    `find` looks for a person: an exact username leads to their page, anything else to the list.
    """
    if wanted := request.GET.get("find", "").strip()[:254]:
        return _find(wanted)
    now, by = timezone.now(), me(request)
    counts = accounts.user_counts()
    flags = accounts.flags_page(limit=COUNTED)
    context = {
        "now": now,
        "counts": counts,
        "total": sum(counts.values()),
        "others": sum(counts.values()) - counts["user"],
        "rows": accounts.activity_page(limit=ROWS).rows,
        "failures": failed_logins_today(now=now),
        "signed_up": happened_today(accounts.Activity.Kind.SIGNED_UP, now=now),
        "suspended": accounts.suspended_count(),
        "flags": [accounts.flag_row(flag=flag, by=by) for flag in flags.rows[:FLAGS]],
        "open_flags": Count(count=len(flags.rows), is_more=bool(flags.next_cursor)),
        "heat": accounts.heat_of_week(now=now),
        "newest": accounts.users_page(limit=ROWS).rows,
        "transactions": portfolio.all_transactions(cursor="", limit=ROWS).rows,
    }
    return render(request, "portals/moderator.html", context)


@require_safe
@require(Permission.USE_MODERATOR_PORTAL)
def audit(request: HttpRequest) -> HttpResponse:
    """Show what the moderator who looks has done to others, newest first."""
    cursor = request.GET.get("cursor", "")
    page = accounts.audit_page(user=me(request), cursor=cursor)
    context = {
        "rows": page.rows,
        "first_url": "?" if cursor else "",
        "next_url": "?" + urlencode({"cursor": page.next_cursor}) if page.next_cursor else "",
    }
    return render(request, "portals/moderator_audit.html", context)


def failed_logins_today(*, now: datetime) -> Count:
    """Count the failed log-ins since midnight where the moderator is."""
    return happened_today(accounts.Activity.Kind.LOGIN_FAILED, now=now)


def happened_today(kind: str, *, now: datetime) -> Count:
    """Count what happened of a kind since midnight where the moderator is, up to COUNTED."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    count = accounts.count_since(kind=kind, since=midnight, most=COUNTED + 1)
    return Count(count=min(count, COUNTED), is_more=count > COUNTED)


def _find(wanted: str) -> HttpResponse:
    person = accounts.person_called(username=wanted)
    if person is not None:
        return redirect("accounts:person", person.pk)
    return redirect(f"{reverse('accounts:users')}?{urlencode({'q': wanted})}")
