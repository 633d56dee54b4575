"""Pages: what a person has been told in the page, newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Permission
from accounts.services import require
from alerts import services
from cryptopulse.limits import limited

from .requests import is_htmx, key_of, me


@require_safe
@never_cache
@limited("read")
@require(Permission.READ_MARKET)
def bell(request: HttpRequest) -> HttpResponse:
    """Show a person's notifications, or the unread ones, a page at a time."""
    return _bell(request, request.GET.get("show", ""), request.GET.get("cursor", ""))


@require_POST
@require(Permission.READ_MARKET)
@limited("read")
def bell_read(request: HttpRequest) -> HttpResponse:
    """Mark the notifications as read: one (`id`), or all that the bell looks at."""
    keys = [key for text in request.POST.getlist("id") if (key := key_of(text))]
    everything = "id" not in request.POST
    services.mark_read(user=me(request), now=timezone.now(), keys=None if everything else keys)
    show, cursor = request.POST.get("show", ""), request.POST.get("cursor", "")
    if is_htmx(request):
        return _bell(request, show, cursor)
    kept = {name: value for name, value in (("show", show), ("cursor", cursor)) if value}
    return redirect(f"{reverse('alerts:bell')}?{urlencode(kept)}" if kept else "alerts:bell")


def _bell(request: HttpRequest, show: str, cursor: str) -> HttpResponse:
    unread_only = show == "unread"
    page = services.bell_page(user=me(request), unread_only=unread_only, cursor=cursor)
    kept = {"show": "unread"} if unread_only else {}
    older = urlencode(kept | {"cursor": page.next_cursor})
    context = {
        "notifications": page.rows,
        "unread_only": unread_only,
        "cursor": cursor,
        "next_url": f"?{older}" if page.next_cursor else "",
        "first_url": f"?{urlencode(kept)}" if cursor else "",
    }
    template = "alerts/_bell.html" if is_htmx(request) else "alerts/bell.html"
    return render(request, template, context)
