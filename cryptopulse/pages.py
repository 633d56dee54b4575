"""How pages are answered: a request's work is one visit to one of a few threads.

Django's own handler goes to a thread and back for every synchronous middleware, some thirty times
a page, and each request gets a thread, and so a database connection, of its own. Fifty people at
once are then fifty threads that take the interpreter from each other and from the event loop,
which waits behind all of them before it can write prices to sockets. Here those who find no free
thread wait in line and cost nothing meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from .middleware import without_files

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Any], Awaitable[None]]


class PageHandler(ASGIHandler):
    """Answers HTTP requests in `settings.PAGE_THREADS` threads, which keep their connections."""

    def __init__(self) -> None:
        super().__init__()
        threads = ThreadPoolExecutor(settings.PAGE_THREADS, thread_name_prefix="page")
        self._in_thread = sync_to_async(self._answer, thread_sensitive=False, executor=threads)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 (Django's signature)
        """Let all middleware run where the view does."""
        with without_files():
            super().load_middleware(is_async=False)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; stop early for somebody who has left, also while they wait for a thread."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answering = asyncio.create_task(self._answer_and_send(scope, body, send))
        leaving = asyncio.create_task(self._has_left(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
        await asyncio.wait({answering})
        if not answering.cancelled():
            answering.result()

    async def _answer_and_send(self, scope: Scope, body: Any, send: Send) -> None:
        response = await self._in_thread(scope, body)
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                await sync_to_async(_close)(response)

    def _answer(self, scope: Scope, body: Any) -> HttpResponseBase:
        """Run middleware and view, in a thread."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:
            request, refusal = self.create_request(scope, body)
            response = refusal if request is None else self.get_response(request)
        assert response is not None  # noqa: S101 (one of the two)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # noqa: SLF001 (as Django does)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()  # the request is over, for this thread's connections too
        return response

    async def _has_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def _close(response: HttpResponseBase) -> None:
    """End a response whose parts were made in a thread of its own, which ends now."""
    try:
        response.close()
    finally:
        connections.close_all()
