"""Which pages may open a websocket, by the Origin that their browser states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.utils.http import is_same_domain

DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]


class OwnPages:
    """Lets in pages of the site itself: of the address that was asked, or of one in the settings.

    Scheme, host and port count, as they do for CSRF. Behind a proxy that ends TLS the request
    says http and the page https: then SITE_URL, or CSRF_TRUSTED_ORIGINS, names the page.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve, or refuse before the socket is accepted."""
        own = is_own_page(
            _header(scope, b"origin"), host=_header(scope, b"host"), is_secure=_is_secure(scope)
        )
        await (self.application if own else WebsocketDenier())(scope, receive, send)


def own_pages(application: Callable[..., Awaitable[None]]) -> Any:
    """Wrap an application so that only pages of the site itself reach it."""
    return OwnPages(application)


def is_own_page(origin: str, *, host: str, is_secure: bool) -> bool:
    """Tell whether a page of this origin belongs to the site that was asked as `host`."""
    page = _parts(origin)
    if page is None:
        return False
    own = [f"{'https' if is_secure else 'http'}://{host}", settings.SITE_URL]
    if any(page == _parts(address) for address in own):
        return True
    return any(_is_trusted(page, pattern) for pattern in settings.CSRF_TRUSTED_ORIGINS)


def _is_trusted(page: Origin, pattern: str) -> bool:
    """Compare with one of CSRF_TRUSTED_ORIGINS, such as https://*.example.com."""
    scheme, host, port = page
    if trusted := _parts(pattern.replace("://*.", "://.", 1)):
        return (scheme, port) == (trusted[0], trusted[2]) and is_same_domain(host, trusted[1])
    return False


def _parts(address: str) -> Origin | None:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.scheme and parts.hostname else None


def _header(scope: dict[str, Any], name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _is_secure(scope: dict[str, Any]) -> bool:
    """Tell whether the browser came by TLS; a proxy is believed only where one is ours."""
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = _header(scope, b"x-forwarded-proto")
        if forwarded:
            return forwarded.split(",")[0].strip() == "https"
    return bool(scope.get("scheme") == "wss")
