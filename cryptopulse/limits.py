"""Limits on our own doors: so many requests in so many seconds, for each person or address.

A fixed window counted in Django's cache: in this process, or in Redis for several. The numbers
are `settings.RATE_LIMITS`. Log-in and its relatives have allauth's own limits.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from accounts import services as accounts

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many: how long until the door opens again."""

    seconds: int

    @property
    def sentence(self) -> str:
        return ngettext(
            "Too many requests. Try again in %(seconds)s second.",
            "Too many requests. Try again in %(seconds)s seconds.",
            self.seconds,
        ) % {"seconds": self.seconds}


def allowed(name: str, who: str, now: datetime) -> Wait | None:
    """Count one more request of `who` and return None, or how long to wait if it is too many.

    One atomic step in the cache, so that requests that come together are each counted. `who` is
    a key of a person or a client address; IPv6 addresses count by their /64, which one client
    has whole.
    """
    limit, seconds = settings.RATE_LIMITS[name]
    window, elapsed = divmod(now.timestamp(), seconds)
    key = f"limit:{name}:{one_client(who)}:{int(window)}"
    # The key names its window, so it only has to outlive it.
    if cache.add(key, 1, timeout=seconds * 2):
        count = 1
    else:
        try:
            count = cache.incr(key)
        except ValueError:  # evicted between the two steps
            cache.add(key, 1, timeout=seconds * 2)
            count = 1
    return Wait(max(1, math.ceil(seconds - elapsed))) if count > limit else None


def limited(name: str) -> Callable[[View[P]], View[P]]:
    """Refuse a view's requests beyond the limit with 429 and Retry-After: JSON or the page."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def counted(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            wait = allowed(name, requester(request), timezone.now())
            return refuse(request, wait) if wait else view(request, *args, **kwargs)

        return counted

    return decorate


def requester(request: HttpRequest) -> str:
    """Name whom a request counts for: the person, or a visitor's address."""
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return accounts.client_address(request) or "unknown"


def refuse(request: HttpRequest, wait: Wait) -> HttpResponseBase:
    """Answer a request that is one too many."""
    if accounts.wants_json(request):
        response: HttpResponseBase = accounts.refusal(
            wait.sentence, "too_many_requests", status=429
        )
    else:
        context = {"sentence": wait.sentence, "seconds": wait.seconds}
        response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(wait.seconds)
    return response


def one_client(who: str) -> str:
    """Return what stands for all that one client may come from: of IPv6 its /64."""
    try:
        address = ipaddress.ip_address(who)
    except ValueError:
        return who
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return who
