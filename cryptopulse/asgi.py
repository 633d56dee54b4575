"""What an ASGI server serves: pages, websockets, health, and the life of the hub.

`uvicorn cryptopulse.asgi:application --ws cryptopulse.live.protocol:HubProtocol`
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
_files = get_asgi_application()  # sets Django up; what follows needs it

from django.conf import settings  # noqa: E402

from . import garbage, health, late  # noqa: E402
from .live.routing import websocket_application  # noqa: E402
from .live.ticker import hub  # noqa: E402
from .pages import PageHandler  # noqa: E402

logger = logging.getLogger(__name__)
_pages = PageHandler()
#: Files of ours are read without a thread; those of another host are not asked for here.
_FILES_UNDER = urlsplit(settings.STATIC_URL).path

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


async def _http(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer probes before the middleware: they call us by whatever name and without TLS."""
    path = scope["path"]
    if probe := health.PROBES.get(path):
        await probe(scope, receive, send)
    elif path.startswith(_FILES_UNDER):
        await _files(scope, receive, send)
    else:
        await _pages(scope, receive, send)


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Start and stop the hub with the server."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if late.reads_ahead:
                late.read_all()
                garbage.settle()
            await hub.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


application = ProtocolTypeRouter(
    {"http": _http, "websocket": websocket_application(), "lifespan": _lifespan}
)
