"""What goes over a websocket: the bytes of a frame, built once for everybody. No Django, no I/O."""

from __future__ import annotations

import struct
import zlib
from functools import cached_property

_FINAL_TEXT = 0x81
_FINAL_PING = 0x89
#: RSV1: the payload is compressed (RFC 7692, 6).
_COMPRESSED = 0x40
_PROBE_MARK = b"cp"
#: Sizes from which on the head of a frame has two, and eight, bytes for the size.
_TWO_BYTES = 126
_EIGHT_BYTES = 65536
#: What a flushed deflate stream ends with, and a message leaves out (RFC 7692, 7.2.1).
_FLUSHED = b"\x00\x00\xff\xff"


def text_frame(text: str) -> bytes:
    """Return the text as one unmasked websocket frame, as servers send them (RFC 6455, 5.2)."""
    return _framed(_FINAL_TEXT, text.encode())


def deflated_frame(text: str) -> bytes:
    """Return the text compressed by itself: whoever takes no context over can read it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    return _framed(_FINAL_TEXT | _COMPRESSED, packed.removesuffix(_FLUSHED))


def _framed(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < _TWO_BYTES:
        head = struct.pack("!BB", first, size)
    elif size < _EIGHT_BYTES:
        head = struct.pack("!BBH", first, 126, size)
    else:
        head = struct.pack("!BBQ", first, 127, size)
    return head + payload


def probe_frame(number: int) -> bytes:
    """Return a ping that asks "have you read this far?"; every browser answers it by itself."""
    payload = _PROBE_MARK + struct.pack("!I", number & 0xFFFFFFFF)
    return struct.pack("!BB", _FINAL_PING, len(payload)) + payload


def probe_number(payload: bytes) -> int | None:
    """Return which probe a pong answers, or None when it answers somebody else's ping."""
    if len(payload) != len(_PROBE_MARK) + 4 or not payload.startswith(_PROBE_MARK):
        return None
    return int(struct.unpack("!I", payload[len(_PROBE_MARK) :])[0])


class Frame:
    """One text for many clients, in the shape that each kind of client needs, made on demand.

    `number` is the board's when the text was made; `before` that of the frame before it, for
    whoever got all of them; `at` is the hub's clock. A frame that `asks` has its number in the
    text, to be acknowledged. A heartbeat has no news: neither number counts.
    """

    def __init__(
        self,
        text: str,
        *,
        number: int = 0,
        before: int = 0,
        at: float = 0.0,
        asks: bool = False,
        is_news: bool = True,
    ) -> None:
        self.text = text
        self.number = number
        self.before = before
        self.at = at
        self.asks = asks
        self.is_news = is_news

    @cached_property
    def asking(self) -> Frame:
        """The same for those who are to acknowledge it."""
        if self.asks or not self.is_news:
            return self
        text = f'{self.text[:-1]},"ack":{self.number}}}'
        return Frame(text, number=self.number, before=self.before, at=self.at, asks=True)

    @cached_property
    def event(self) -> dict[str, str]:
        """The ASGI message."""
        return {"type": "websocket.send", "text": self.text}

    @cached_property
    def wire(self) -> bytes:
        """The bytes on the wire."""
        return text_frame(self.text)

    @cached_property
    def deflated(self) -> bytes:
        """The same, compressed once for all who agreed to it."""
        return deflated_frame(self.text)

    @cached_property
    def probe(self) -> bytes:
        """A ping that is answered by browsers themselves, for pages that do not acknowledge."""
        return probe_frame(self.number)
