"""The two ways to reach one browser. Both keep only the newest state for one that lags.

A client is owed either nothing, one frame, or "everything as it is now": what it missed is never
queued, because the hub's snapshot says it all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from .frames import Frame, probe_number

logger = logging.getLogger(__name__)

#: A client that has not answered this many probes has that much unread in its buffers, and is
#: written to again when it answers.
UNANSWERED_PROBES = 2


class Client(Protocol):
    """What the hub knows of a browser."""

    def offer(self, frame: Frame) -> None:
        """Send the frame, or remember that a snapshot is owed. Never waits, never raises."""

    def close(self) -> None:
        """Let go of what the client holds; the connection itself is the server's."""


class TaskClient:
    """Any ASGI server: a task of its own awaits `send`, and while it waits the client lags."""

    def __init__(
        self, send: Callable[[Any], Awaitable[None]], snapshot: Callable[[], Frame]
    ) -> None:
        self._send = send
        self._snapshot = snapshot
        self._slot: Frame | None = None
        self._behind = True  # the first thing sent is a snapshot
        self._wake = asyncio.Event()
        self._wake.set()
        self._task = asyncio.create_task(self._run())

    def offer(self, frame: Frame) -> None:
        if self._behind or self._slot is not None:
            self._behind, self._slot = True, None
        else:
            self._slot = frame
        self._wake.set()

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            frame = self._snapshot() if self._behind else self._slot
            self._behind, self._slot = False, None
            if frame is None:
                continue
            try:
                await self._send(frame.event)
            except Exception as error:
                logger.debug("a client is gone: %r", error)
                return


class Connection(Protocol):
    """What RawClient needs of the server's protocol object (see `protocol.HubProtocol`)."""

    watcher: RawClient | None

    def can_take_frames(self) -> bool:
        """Tell whether the handshake is done and the socket is not closing."""

    def is_writable(self) -> bool:
        """Tell whether the write buffer is below its mark."""

    def write(self, data: bytes) -> None:
        """Put bytes on the wire; never waits."""


class RawClient:
    """Straight to the transport: bytes that were built once are written to every socket.

    A slow reader shows in two ways: the transport's buffer is full, or probes (pings that travel
    with ticks) come back late. The second matters because the kernel's buffers hold minutes of
    ticks before the first is noticed.
    """

    def __init__(self, connection: Connection, snapshot: Callable[[], Frame]) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._behind = True
        self._unanswered: list[int] = []
        connection.watcher = self
        self.caught_up()

    def offer(self, frame: Frame) -> None:
        if self._behind or not self._ready():
            self._behind = True
            self.caught_up()
        else:
            self._write(frame)

    def close(self) -> None:
        self._connection.watcher = None

    def caught_up(self) -> None:
        """Send everything as it is now, if that is owed and the client can take it."""
        if self._behind and self._ready():
            self._behind = False
            self._write(self._snapshot())

    def answered(self, payload: bytes) -> bool:
        """Take a pong; tell whether it was for us."""
        number = probe_number(payload)
        if number is None:
            return False
        self._unanswered = [probe for probe in self._unanswered if probe > number]
        self.caught_up()
        return True

    def _ready(self) -> bool:
        return self._connection.is_writable() and len(self._unanswered) < UNANSWERED_PROBES

    def _write(self, frame: Frame) -> None:
        if not self._connection.can_take_frames():
            return
        if frame.probe is not None:
            self._unanswered.append(frame.probe)
        self._connection.write(frame.wire)
