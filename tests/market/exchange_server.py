"""Exchanges of our own on loopback: real websockets that speak the recorded protocols.

A `Visit` is one connection that arrived. What happens on it is a coroutine of the test, or one of
`exchange_frames.coinbase`, `kraken` and `binance`, which answer as the exchange does.
"""

from __future__ import annotations

import asyncio
import http
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class Visit:
    """One connection, seen from the exchange."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.path = socket.request.path if socket.request else ""
        self.said: list[dict[str, Any]] = []  # by the client

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.socket.recv())
        self.said.append(message)
        return message

    async def say(self, *messages: object) -> None:
        for message in messages:
            raw = isinstance(message, str | bytes)
            await self.socket.send(message if raw else json.dumps(message))  # type: ignore[arg-type]

    async def say_text(self, body: bytes) -> None:
        """Send bytes as a text message, valid UTF-8 or not."""
        await self.socket.send(body, text=True)

    async def rest(self) -> None:
        """Say nothing more; hear whatever comes."""
        while True:
            await self.hear()

    def stop_reading(self) -> None:
        """Take nothing from the network any more, pings included."""
        self.socket.transport.pause_reading()

    def cut(self) -> None:
        self.socket.transport.abort()


Script = Callable[[Visit], Awaitable[None]]


@dataclass
class ExchangeServer:
    """What arrived and what the next connections meet; the last script stays."""

    scripts: list[Script]
    refusal: Response | None = None
    url: str = ""
    visits: list[Visit] = field(default_factory=list)

    async def meet(self, socket: ServerConnection) -> None:
        visit = Visit(socket)
        script = self.scripts[min(len(self.visits), len(self.scripts) - 1)]
        self.visits.append(visit)
        with suppress(ConnectionClosed):
            await script(visit)

    def refuse(self, _: ServerConnection, __: Request) -> Response | None:
        return self.refusal

    @property
    def said(self) -> list[dict[str, Any]]:
        """All that clients have said, on all connections."""
        return [message for visit in self.visits for message in visit.said]


@asynccontextmanager
async def exchange(
    *scripts: Script, refusal: Response | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ExchangeServer]:
    """Run an exchange on a free port of loopback."""
    server = ExchangeServer(list(scripts), refusal)
    async with serve(
        server.meet,
        "127.0.0.1",
        0,
        ssl=tls,
        process_request=server.refuse,
        ping_interval=None,
        close_timeout=0.2,
        compression=None,
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"wss://localhost:{port}" if tls else f"ws://127.0.0.1:{port}"
        yield server


@contextmanager
def exchange_in_thread(*scripts: Script) -> Iterator[ExchangeServer]:
    """Run an exchange beside code that has no event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = exchange(*scripts)
    server = asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(5)
    try:
        yield server
    finally:
        ending = running.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(ending, loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def refusal(status: int, body: str = "", **headers: str) -> Response:
    """Return an answer to the handshake; `Retry_After` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body.encode()
    phrase = next((s.phrase for s in http.HTTPStatus if s == status), "")
    return Response(
        status, phrase, Headers({"Content-Length": str(len(content)), **named}), content
    )


@asynccontextmanager
async def raw_server(answer: bytes | None) -> AsyncIterator[str]:
    """Run what is no websocket server: it answers with these bytes, or never."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(65_536)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
