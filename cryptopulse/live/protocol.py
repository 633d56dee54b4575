"""uvicorn's websocket protocol, opened just enough for the hub to write ready-made frames.

`uvicorn --ws cryptopulse.live.protocol:HubProtocol`; with another server or protocol everything
works all the same, at about half the speed (`portable`). uvicorn loads it before the
application: settings are not looked at before somebody connects.

The ticker may be compressed: once per frame, the same bytes for everybody, because neither side
takes a context from one message to the next. Compression leaks where a secret and something that
an attacker chose share a compressed message (CRIME, BREACH): the ticker's messages hold public
prices, the same for everybody who asks for the same coins, and nothing of the person who asks.
No other path is compressed.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame as WebSocketFrame

from . import inbox
from .clients import RawClient

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent
    from websockets.http11 import Request

#: Where consumers find the protocol object in `scope["extensions"]`.
EXTENSION = "cryptopulse.connection"
#: The path whose frames are the same for everybody.
TICKER_PATH = "/ws/ticker/"

#: What a browser may say at most in one message, in bytes: it has nothing to tell us.
MAX_CLIENT_MESSAGE = 4096

#: Pings that a browser may send in a minute; browsers send none.
PINGS_PER_MINUTE = 60
MINUTE = 60.0

_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)


class HubProtocol(WebSocketsSansIOProtocol):
    """One websocket connection that the hub may write to directly.

    Whole frames only, so ours and uvicorn's own control frames never mix.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watcher: RawClient | None = None
        self.conn.max_message_size = MAX_CLIENT_MESSAGE
        self.takes_deflated = False
        self._inbox = inbox.Inbox()
        self._minute = 0.0
        self._pings = 0

    def handle_connect(self, event: Request) -> None:
        is_ticker = event.path.partition("?")[0] == TICKER_PATH
        self.conn.available_extensions = [_DEFLATE] if is_ticker and settings.TICKER_DEFLATE else []
        super().handle_connect(event)
        # Some ask for a smaller window than our frames are compressed with: they get plain ones.
        self.takes_deflated = any(
            isinstance(each, PerMessageDeflate) and each.local_max_window_bits == zlib.MAX_WBITS
            for each in self.conn.extensions
        )

    def data_received(self, data: bytes) -> None:
        """Take the answers to our frames; all else is the library's."""
        if self.watcher is None:
            if self.handshake_initiated or not data.endswith(b"\r\n\r\n"):
                self._inbox.close()  # who knows how much of a frame the library has already
            super().data_received(data)
            return
        for frame in self._inbox.frames(data):
            if not (self._inbox.is_open and self._takes_answer(frame)):
                super().data_received(frame)

    def handle_text(self, event: WebSocketFrame) -> None:
        if event.fin and self._acknowledges(bytes(event.data)):
            return
        super().handle_text(event)

    def _takes_answer(self, frame: bytes) -> bool:
        """Take a whole small frame, if it is an answer; tell whether it was."""
        kind = frame[0]
        if kind == inbox.PONG:
            return self.watcher is not None and self.watcher.answered(inbox.payload_of(frame))
        if kind == inbox.TEXT:
            return self._acknowledges(inbox.payload_of(frame))
        if kind == inbox.DEFLATED_TEXT and self.takes_deflated:
            return self._acknowledges(inbox.inflated(inbox.payload_of(frame)))
        return False

    def _acknowledges(self, text: bytes) -> bool:
        """Take an acknowledgement that is due; any other message counts as one too many."""
        if self.watcher is None:
            return False
        number = inbox.acknowledged_number(text)
        return number is not None and self.watcher.acknowledged(number)

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
        if not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._hold()

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
        self._hold()
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # to close is to wait for somebody who does not read

    def _hold(self) -> None:
        if self.watcher is not None:
            self.watcher.held()

    def shutdown(self) -> None:
        self._hold()
        super().shutdown()

    def handle_close(self, event: WebSocketFrame) -> None:
        self._hold()
        super().handle_close(event)
        self._end_in_time()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            self._hold()
        await super().send(message)
        if message["type"] == "websocket.close":
            self._end_in_time()

    def _end_in_time(self) -> None:
        """End a connection that is being closed, whether or not its buffer ever drains."""
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.close_timeout, self.transport.abort)
