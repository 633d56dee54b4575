"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware
from servestatic.middleware import ServeStaticMiddleware

_without_files = ContextVar("_without_files", default=False)


@contextmanager
def without_files() -> Iterator[None]:
    """Put a handler's middleware together without `static_files`: nobody asks it for any."""
    token = _without_files.set(True)
    yield
    _without_files.reset(token)


@async_only_middleware  # else Django makes it synchronous, as those inside of it are
def static_files(get_response: Any) -> Any:
    """Serve static files on the event loop."""
    if _without_files.get():
        raise MiddlewareNotUsed
    return ServeStaticMiddleware(get_response)


class DropNulMiddleware:
    """Takes NUL characters out of query strings; a path with one leads nowhere (404).

    No person types one, and PostgreSQL stores none: a search for it would be an error there.
    Forms refuse it in their fields, the JSON operations in theirs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            raise Http404("The address holds a NUL character.")
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or "\0" in query:
            request.META["QUERY_STRING"] = query.replace("%00", "").replace("\0", "")
        return self.get_response(request)


class AdminContentPolicyMiddleware:
    """Gives the Django admin its own content policy: its theme needs what our pages do not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]  # noqa: SLF001 (the package's documented hook)
        return response


class PrivatePagesMiddleware:
    """Keeps what somebody sees who is logged in out of the browser's store.

    After a log-out neither the back button nor a browser without a network shows it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django's note of who asked; nobody has looked, and what is sent is nobody's.
        user = getattr(request, "_cached_user", None)
        if user and user.is_authenticated and not response.has_header("Cache-Control"):
            response.headers["Cache-Control"] = "private, no-store"
        return response
