"""The guard in front of views: who may see a page or call an operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

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


def local_path(url: str) -> str:
    """Return what a form or a link says to go on to if it is a path of ours, else nothing.

    Only what begins with one slash: `redirect` would look anything else up as a view's name.
    """
    is_path = url.startswith("/") and not url.startswith("//")
    return url if is_path and url_has_allowed_host_and_scheme(url, allowed_hosts=None) else ""


def safe_next(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Go back to the page that a form was on (`next`), or to `default`, a view's name."""
    return HttpResponseRedirect(local_path(request.POST.get("next", "")) or resolve_url(default))


def refusal(sentence: str, code: str, *, status: int, **headers: Any) -> JsonResponse:
    """Answer a script that it may not, in the one shape that all of our refusals have."""
    return JsonResponse({"error": sentence, "code": code}, status=status, headers=headers)


def _ask_to_log_in(request: HttpRequest) -> HttpResponseBase:
    if not wants_json(request):
        return redirect_to_login(request.get_full_path())
    response = refusal(_("Log in first."), "not_logged_in", status=401)
    if "HX-Request" in request.headers:  # a session that ended while the page stood open
        here = _path_of(request.headers.get("HX-Current-URL", ""))
        response["HX-Redirect"] = redirect_to_login(here, resolve_url("account_login")).url
    return response


def _path_of(url: str) -> str:
    try:
        return local_path(urlsplit(url).path) or "/"
    except ValueError:  # no URL at all
        return "/"


def _forbid(request: HttpRequest, permission: Permission) -> HttpResponseBase:
    sentence = _("Your role does not let you %(do)s.") % {"do": _(permission.value)}
    if wants_json(request):
        return refusal(sentence, "forbidden", status=403)
    raise PermissionDenied(sentence)
