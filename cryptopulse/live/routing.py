"""Websocket URLs and what stands in front of them."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.urls import path, re_path

from .consumers import NowhereConsumer, PersonalConsumer, TickerConsumer
from .origins import own_pages
from .protocol import TICKER_PATH


def websocket_application() -> Any:
    """Return the ASGI application for websockets.

    Only pages of our own hosts may open one, and a person's own only pages of this very site: a
    neighbour at another port gets the person's cookies too. The ticker knows nobody, so it reads
    no session: a thousand browsers that come back after an outage cost the database nothing.
    """
    return AllowedHostsOriginValidator(
        URLRouter(
            [
                path(TICKER_PATH.lstrip("/"), TickerConsumer.as_asgi()),
                path("ws/me/", own_pages(CookieMiddleware(PersonalConsumer.as_asgi()))),
                re_path("", NowhereConsumer.as_asgi()),
            ]
        )
    )
