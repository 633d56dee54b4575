"""uvicorn's websocket protocol, opened just enough for the hub to write ready-made frames.

`uvicorn --ws cryptopulse.live.protocol:HubProtocol`; with another server or protocol everything
works all the same, at about half the speed (`clients.TaskClient`). Imports no Django: uvicorn
loads it before the application.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as WebSocketFrame

from .clients import RawClient

#: Where consumers find the protocol object in `scope["extensions"]`.
EXTENSION = "cryptopulse.connection"

#: What a browser may say at most in one message, in bytes: it has nothing to tell us.
MAX_CLIENT_MESSAGE = 4096


class HubProtocol(WebSocketsSansIOProtocol):
    """One websocket connection that the hub may write to directly.

    Whole frames only, so ours and uvicorn's own control frames never mix.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watcher: RawClient | None = None
        self.conn.max_message_size = MAX_CLIENT_MESSAGE

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
