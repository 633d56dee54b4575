"""Is the process alive, and can it work: what load balancers and orchestrators ask.

`/healthz` answers as long as the process can answer at all. `/readyz` asks the database and the
broker, and fails when one of them does not answer; it reports how old the last tick is but never
fails for it, because restarting us does not mend a feed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from market import services as market

from .celery import app

logger = logging.getLogger(__name__)

#: Seconds that the broker has to answer.
BROKER_TIMEOUT = 2.0

Answer = tuple[int, dict[str, Any]]


def alive() -> Answer:
    """Say that we are here."""
    return 200, {"status": "alive"}


def ready(*, now: datetime) -> Answer:
    """Ask the database and the broker; 503 when one does not answer. One query."""
    answer: dict[str, Any] = {"status": "ready", "last_tick_age": None}
    try:
        last = market.last_tick_at()
        answer["last_tick_age"] = last and round((now - last).total_seconds(), 1)
        answer["database"] = "ok"
    except Exception as error:
        answer["database"] = _failure("database", error)
    try:
        _ask_broker()
        answer["broker"] = "ok"
    except Exception as error:
        answer["broker"] = _failure("broker", error)
    if answer["database"] == answer["broker"] == "ok":
        return 200, answer
    return 503, answer | {"status": "not ready"}


def _ask_broker() -> None:
    if settings.CELERY_BROKER_URL.startswith("memory"):
        return
    with app.connection_for_write(connect_timeout=BROKER_TIMEOUT) as connection:
        connection.ensure_connection(
            max_retries=0, timeout=BROKER_TIMEOUT, reraise_as_library_errors=False
        )


def _failure(what: str, error: Exception) -> str:
    """Log the error; the answer is public and names no host."""
    logger.warning("%s does not answer: %s", what, error)
    return "does not answer"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """The view of `alive`."""
    status, answer = alive()
    return JsonResponse(answer, status=status)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """The view of `ready`."""
    status, answer = ready(now=timezone.now())
    return JsonResponse(answer, status=status)


async def _alive_asgi(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    """On the event loop itself: it takes no thread, so a busy pool does not get us killed."""
    await _respond(send, *alive())


async def _ready_asgi(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    await _respond(send, *await database_sync_to_async(ready)(now=timezone.now()))


async def _respond(send: Any, status: int, answer: dict[str, Any]) -> None:
    response = JsonResponse(answer, status=status)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(response.content)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


#: path -> ASGI application, for `cryptopulse.asgi`.
PROBES: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {
    "/healthz": _alive_asgi,
    "/readyz": _ready_asgi,
}
