"""Notes now and then that a session is in use, for the list on the security page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from .addresses import client_address
from .models import User
from .services.sessions import is_due, note_session

#: Where a session keeps when it was noted last, in Unix seconds.
SEEN = "seen"


class PresenceMiddleware:
    """Writes at most every quarter of an hour for each session; most requests cost nothing."""

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
        if _has_session(request) and request.user.is_authenticated:
            note(request)
        return self.get_response(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        if (
            _has_session(request)
            and (await request.auser()).is_authenticated
            # Looking the person up has read the session, so this asks no database.
            and is_due(request.session.get(SEEN))
        ):
            await sync_to_async(note)(request)
        response = self.get_response(request)
        assert isinstance(response, Awaitable)  # noqa: S101 (for the type checker)
        return await response


def note(request: HttpRequest, user: User | None = None) -> None:
    """Note that this session is in use, if that is due; of a log-in it always is."""
    person = user or request.user
    key = request.session.session_key
    if not key or not isinstance(person, User):
        return
    if user is None and not is_due(request.session.get(SEEN)):
        return
    now = timezone.now()
    request.session[SEEN] = int(now.timestamp())
    note_session(
        user=person,
        session_key=key,
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        address=client_address(request),
        now=now,
    )


def _has_session(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES
