"""Speaks to whoever looks: their language, their numbers, their time of day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from .models import User
from .services import speaking_to


class SpeakingMiddleware:
    """Activates language, notation and time zone of the person for the length of a request.

    Visitors, and members who have chosen no language, are spoken to as their browser asks; they
    see UTC until they choose a zone.
    """

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
        with speaking_to(_member(request.user), language=_wished(request)):
            response = self.get_response(request)
            assert isinstance(response, HttpResponseBase)  # noqa: S101 (for the type checker)
            return _labelled(request, response)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with speaking_to(_member(await request.auser()), language=_wished(request)):
            response = self.get_response(request)
            assert isinstance(response, Awaitable)  # noqa: S101 (for the type checker)
            return _labelled(request, await response)


def _member(user: Any) -> User | None:
    return user if isinstance(user, User) else None


def _wished(request: HttpRequest) -> str:
    return translation.get_language_from_request(request)


def _labelled(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Tell caches what the answer depends on, and readers which language it is in."""
    request.LANGUAGE_CODE = translation.get_language()
    patch_vary_headers(response, ("Accept-Language",))
    response.headers.setdefault("Content-Language", translation.get_language() or "en")
    return response
