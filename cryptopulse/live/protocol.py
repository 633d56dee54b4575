"""uvicorn's websocket protocol, opened just enough for the hub to write ready-made frames.

`uvicorn --ws cryptopulse.live.protocol:HubProtocol`; with another server or protocol everything
works all the same, at about half the speed (`clients.TaskClient`). Imports no Django: uvicorn
loads it before the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as WebSocketFrame

from .clients import RawClient

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

#: Where consumers find the protocol object in `scope["extensions"]`.
EXTENSION = "cryptopulse.connection"

#: What a browser may say at most in one message, in bytes: it has nothing to tell us.
MAX_CLIENT_MESSAGE = 4096

#: Pings that a browser may send in a minute; browsers send none.
PINGS_PER_MINUTE = 60
MINUTE = 60.0


class HubProtocol(WebSocketsSansIOProtocol):
    """One websocket connection that the hub may write to directly.

    Whole frames only, so ours and uvicorn's own control frames never mix.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watcher: RawClient | None = None
        self.conn.max_message_size = MAX_CLIENT_MESSAGE
        self._minute = 0.0
        self._pings = 0

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = {"connection": self}
        await super().run_asgi()

    def can_take_frames(self) -> bool:
        return (
            self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and not self.transport.is_closing()
        )

    def is_writable(self) -> bool:
        return self.writable.is_set()

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.watcher is not None:
            self.watcher.caught_up()

    def handle_pong(self, event: WebSocketFrame) -> None:
        if self.watcher is not None and self.watcher.answered(bytes(event.data)):
            return
        super().handle_pong(event)

    def handle_ping(self) -> None:
        """Answer a ping, but buffer nothing for a peer that asks and does not read."""
        if self.transport.is_closing():
            return
        now = self.loop.time()
        if now - self._minute > MINUTE:
            self._minute, self._pings = now, 0
        self._pings += 1
        if self.is_writable() and self._pings <= PINGS_PER_MINUTE:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the pongs that it made; nobody gets them
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # to close is to wait for somebody who does not read

    def handle_close(self, event: WebSocketFrame) -> None:
        super().handle_close(event)
        self._end_in_time()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self._end_in_time()

    def _end_in_time(self) -> None:
        """End a connection that is being closed, whether or not its buffer ever drains."""
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.close_timeout, self.transport.abort)
