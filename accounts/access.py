"""The guard in front of views: who may see a page or call an operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import resolve_url

from .roles import Permission

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def require(permission: Permission) -> Callable[[View[P]], View[P]]:
    """Let only people who may do this reach the view, which carries `permission` for all to see.

    A visitor is sent to the log-in page and comes back afterwards; somebody with another role
    gets the 403 page. Scripts (JSON, htmx) get 401 or 403 with {"error": sentence, "code": ...}.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _ask_to_log_in(request)
            if not request.user.may(permission):
                return _forbid(request, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a script asks, to whom a page would be no answer."""
    return (
        request.content_type == "application/json"
        or request.path.startswith("/api/")
        or "HX-Request" in request.headers
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def refusal(sentence: str, code: str, *, status: int, **headers: Any) -> JsonResponse:
    """Answer a script that it may not, in the one shape that all of our refusals have."""
    return JsonResponse({"error": sentence, "code": code}, status=status, headers=headers)


def _ask_to_log_in(request: HttpRequest) -> HttpResponseBase:
    if not wants_json(request):
        return redirect_to_login(request.get_full_path())
    response = refusal("Log in first.", "not_logged_in", status=401)
    if "HX-Request" in request.headers:  # a session that ended while the page stood open
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        response["HX-Redirect"] = redirect_to_login(here, resolve_url("account_login")).url
    return response


def _forbid(request: HttpRequest, permission: Permission) -> HttpResponseBase:
    sentence = f"Your role does not let you {permission.value}."
    if wants_json(request):
        return refusal(sentence, "forbidden", status=403)
    raise PermissionDenied(sentence)
