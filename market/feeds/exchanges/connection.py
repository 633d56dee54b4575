"""One websocket connection to an exchange, with a limit on everything."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException

from market.feeds.base import FeedError

from .refusals import closed, refused

MAX_MESSAGE = 256 * 1024  # bytes; a price is less than one of them
QUEUED_MESSAGES = 256  # while we are busy; after that the exchange waits, and cuts us in the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long what may take, in seconds."""

    open: float = 10.0  # name, TCP, TLS and handshake together
    send: float = 5.0
    close: float = 2.0
    ping_every: float = 15.0
    pong: float = 10.0


class _Connect(connect):
    """Follows no redirect: prices come from the host that the settings name, or not at all."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Connection:
    """Sends and receives; every failure is a FeedError."""

    def __init__(self, name: str, socket: ClientConnection, limits: Limits) -> None:
        self._name = name
        self._socket = socket
        self._limits = limits

    async def send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._limits.send):
                await self._socket.send(json.dumps(message))
        except TimeoutError as error:
            raise FeedError(
                f"{self._name} has not taken a message for {self._limits.send:g} s."
            ) from error
        except ConnectionClosed as error:
            raise closed(self._name, error, pong=self._limits.pong) from error

    async def receive(self, *, within: float) -> str | bytes | None:
        """Return the next message, None if there was none in that time."""
        try:
            async with asyncio.timeout(within):
                return await self._socket.recv()
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise closed(self._name, error, pong=self._limits.pong) from error


@asynccontextmanager
async def connected(
    name: str, url: str, *, limits: Limits, tls: ssl.SSLContext | None
) -> AsyncIterator[Connection]:
    """Connect, and disconnect at the end. Raises FeedError.

    Compression is not offered: a price is smaller than what it costs to unpack it.
    """
    options: dict[str, Any] = {"ssl": tls} if tls and url.startswith("wss:") else {}
    try:
        _check(name, url)
        socket = await _Connect(
            url,
            compression=None,
            open_timeout=limits.open,
            close_timeout=limits.close,
            ping_interval=limits.ping_every,
            ping_timeout=limits.pong,
            max_size=MAX_MESSAGE,
            max_queue=QUEUED_MESSAGES,
            **options,
        )
    except (WebSocketException, OSError, ImportError, ValueError) as error:
        raise refused(name, url, error) from error
    try:
        yield Connection(name, socket, limits)
    finally:
        await socket.close()


def _check(name: str, url: str) -> None:
    """Raise for an address that cannot be used, or at which anybody could change prices."""
    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise InvalidURI(url, str(error)) from error
    if not host:
        raise InvalidURI(url, "it names no host")
    if not url.startswith("wss:") and not _is_loopback(host):
        raise FeedError(
            f"The address of {name}, {url}, is not encrypted, and so anybody in between could "
            "change prices. Use a wss:// address.",
            misconfigured=True,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
