"""The announcements that pages show: read by every page, so kept for a few seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest

from cryptopulse.models import Announcement

KEY = "shell:announcements"
KEPT_FOR = 5  # seconds
#: So many of the newest are looked at, and shown above each other.
LOOKED_AT, SHOWN = 50, 3
#: The cookie in which a browser keeps what its person has closed (announcements.js).
COOKIE = "dismissed"


def for_request(request: HttpRequest, *, user: Any, now: datetime) -> list[Announcement]:
    """Return what this person is told now and has not closed in this browser, newest first."""
    closed = set(request.COOKIES.get(COOKIE, "").split("."))
    return [
        one
        for one in _all()
        if one.is_current(now) and one.is_for(user) and one.pk.hex not in closed
    ][:SHOWN]


def _all() -> list[Announcement]:
    kept: list[Announcement] | None = cache.get(KEY)
    if kept is None:
        kept = list(Announcement.objects.order_by("-id")[:LOOKED_AT])
        cache.set(KEY, kept, KEPT_FOR)
    return kept


def forget() -> None:
    """Have the next page read them again."""
    cache.delete(KEY)
