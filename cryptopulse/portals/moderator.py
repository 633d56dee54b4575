"""The moderator's portal: who did what lately, who is new, what was traded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from portfolio import services as portfolio

ROWS = 10
#: Failed log-ins are counted up to this many; more are "more than".
COUNTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How many log-ins failed since midnight UTC."""

    count: int
    is_more: bool


@require_safe
@require(Permission.USE_MODERATOR_PORTAL)
def moderator_portal(request: HttpRequest) -> HttpResponse:
    """Show what a moderator looks at first; each list has a page of its own."""
    now = timezone.now()
    counts = accounts.user_counts()
    context = {
        "now": now,
        "counts": counts,
        "total": sum(counts.values()),
        "others": sum(counts.values()) - counts["user"],
        "activity": accounts.activity_page(limit=ROWS).rows,
        "failures": failed_logins_today(now=now),
        "newest": accounts.users_page(limit=ROWS).rows,
        "transactions": portfolio.all_transactions(cursor="", limit=ROWS).rows,
    }
    return render(request, "portals/moderator.html", context)


def failed_logins_today(*, now: datetime) -> Failures:
    """Count the failed log-ins since midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    page = accounts.activity_page(kind=accounts.Activity.Kind.LOGIN_FAILED, limit=COUNTED)
    count = sum(entry.at >= midnight for entry in page.rows)
    return Failures(count=count, is_more=count == COUNTED and bool(page.next_cursor))
