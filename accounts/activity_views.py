"""The moderators' monitor: what people do, live, and the patterns in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited

from . import services
from .access import require, safe_next
from .addresses import client_address
from .errors import AccountRejected
from .filters import ActivityFilter, page_position
from .models import Activity, Flag, User
from .roles import Permission

#: The most lines of one file.
EXPORTED = 10_000
#: What one answer to a page that follows the log holds.
FOLLOWED = 50


@require_GET
@limited("read")
@require(Permission.MONITOR_ACTIVITY)
def activity(request: HttpRequest) -> HttpResponse:
    """What people did, newest first; a page that stays open gets what is new."""
    form = ActivityFilter(request.GET)
    page: services.Page[Activity] = services.Page([])
    cursor = request.GET.get("cursor", "")
    if form.is_valid():
        page = services.activity_page(cursor=cursor, **form.query)
    chosen = form.parameters
    context = {
        "form": form,
        "rows": page.rows,
        "chosen": chosen,
        "query": urlencode(chosen),
        "is_live": form.is_valid() and not cursor and not chosen.get("until"),
        "heat": None if chosen or cursor else services.heat_of_week(now=timezone.now()),
        **_pager(cursor, page.next_cursor, chosen),
    }
    return render(request, "accounts/activity.html", context)


@require_GET
@limited("read")
@require(Permission.MONITOR_ACTIVITY)
def activity_new(request: HttpRequest) -> HttpResponse:
    """The lines that came after one that the page shows; 204 where there are none."""
    form = ActivityFilter(request.GET)
    after = page_position(request.GET.get("after", ""))
    if after is None or not form.is_valid():
        return HttpResponse(status=400)
    rows = services.activity_since(newest=after, limit=FOLLOWED, **form.query)
    if not any(row.pk > after for row in rows):
        return HttpResponse(status=204)
    return render(request, "accounts/_activity_rows.html", {"rows": rows, "show_kind": True})


@require_GET
@limited("export")
@require(Permission.MONITOR_ACTIVITY)
def activity_export(request: HttpRequest) -> HttpResponseBase:
    """The lines that fit the filter, as a CSV file; that somebody took it is in the log too."""
    form = ActivityFilter(request.GET)
    if not form.is_valid():
        return activity(request)
    by = _me(request)
    what = ", ".join(f"{name} {value}" for name, value in form.parameters.items())
    services.record(
        kind=Activity.Kind.EXPORTED,
        summary=f"{by.username} exported activity: {what or 'everything'}",
        user=by,
        address=client_address(request),
    )
    header = [_("When"), _("Kind"), _("What"), _("Done by"), _("Done to"), _("From")]
    name = f"activity-{timezone.now():%Y-%m-%d}.csv"
    return csv_response(name, header, _lines(form.query))


def _lines(query: dict[str, Any]) -> Iterator[list[Any]]:
    for row in services.all_activity(most=EXPORTED, **query):
        yield [
            row.at,
            row.get_kind_display(),
            row.summary,
            row.user.username if row.user else None,
            row.subject.username if row.subject else None,
            row.address,
        ]


@require_GET
@limited("read")
@require(Permission.MONITOR_ACTIVITY)
def flags(request: HttpRequest) -> HttpResponse:
    """Patterns that wait to be looked at, or those that have been."""
    return _flags_page(request)


def _flags_page(request: HttpRequest, *, status: int = 200, **refused: Any) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in Flag.State.values else Flag.State.OPEN
    cursor = request.GET.get("cursor", "")
    page = services.flags_page(state=state, cursor=cursor)
    context = {
        "flags": [services.flag_row(flag=flag, by=_me(request)) for flag in page.rows],
        "state": state,
        **_pager(cursor, page.next_cursor, {"state": state}),
        **refused,
    }
    return render(request, "accounts/flags.html", context, status=status)


@require_POST
@limited("read")
@require(Permission.MONITOR_ACTIVITY)
def flag_review(request: HttpRequest, flag_id: uuid.UUID) -> HttpResponse:
    """Close a flag with a note; a refused note comes back as it was typed."""
    flag = services.flag_called(flag_id=flag_id)
    if flag is None:
        raise Http404
    note = request.POST.get("note", "")
    try:
        services.review_flag(
            flag=flag,
            by=_me(request),
            note=note,
            now=timezone.now(),
            address=client_address(request),
        )
    except AccountRejected as refused:
        if refused.field:
            return _flags_page(
                request, status=422, refused=flag.pk, sentence=refused.sentence, note=note
            )
        messages.error(request, refused.sentence)
    else:
        messages.success(request, _("The flag is reviewed."))
    return safe_next(request, "accounts:flags")


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (`require` has let only people through)
    return request.user


def _pager(cursor: str, next_cursor: str, chosen: dict[str, str]) -> dict[str, str]:
    """Return the links to the next page, and back to the first where this is another one."""
    first = "?" + urlencode(chosen) if cursor else ""
    following = "?" + urlencode({**chosen, "cursor": next_cursor}) if next_cursor else ""
    return {"first_url": first, "next_url": following}
