"""Shows every time of day in the zone of whoever looks."""

from __future__ import annotations

import zoneinfo
from collections.abc import Awaitable, Callable
from datetime import UTC, tzinfo
from functools import lru_cache

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from .models import User


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the IANA zone of this name, or UTC where there is none (zones are also renamed)."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


class TimeZoneMiddleware:
    """Activates the person's time zone for the length of a request; visitors see UTC."""

    sync_capable = True
    async_capable = True

    def __init__(
        self,
        get_response: Callable[[HttpRequest], HttpResponseBase]
        | Callable[[HttpRequest], Awaitable[HttpResponseBase]],
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._later(request)
        with timezone.override(_zone(request.user)):
            return self.get_response(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(await request.auser())):
            response = self.get_response(request)
            assert isinstance(response, Awaitable)  # noqa: S101 (for the type checker)
            return await response


def _zone(user: User | AnonymousUser) -> tzinfo:
    return zone_of(user.timezone) if isinstance(user, User) else UTC
