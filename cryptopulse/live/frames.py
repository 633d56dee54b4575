"""What goes over a websocket: the bytes of a frame, built once for everybody. No Django, no I/O."""

from __future__ import annotations

import struct
from functools import cached_property

_FINAL_TEXT = 0x81
_FINAL_PING = 0x89
_PROBE_MARK = b"cp"
#: Sizes from which on the head of a frame has two, and eight, bytes for the size.
_TWO_BYTES = 126
_EIGHT_BYTES = 65536


def text_frame(text: str) -> bytes:
    """Return the text as one unmasked websocket frame, as servers send them (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < _TWO_BYTES:
        head = struct.pack("!BB", _FINAL_TEXT, size)
    elif size < _EIGHT_BYTES:
        head = struct.pack("!BBH", _FINAL_TEXT, 126, size)
    else:
        head = struct.pack("!BBQ", _FINAL_TEXT, 127, size)
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
    """One text for every client, in the shape that each kind of client needs, made on demand."""

    def __init__(self, text: str, *, probe: int | None = None) -> None:
        self.text = text
        self.probe = probe

    @cached_property
    def event(self) -> dict[str, str]:
        """The ASGI message."""
        return {"type": "websocket.send", "text": self.text}

    @cached_property
    def wire(self) -> bytes:
        """The bytes on the wire, the probe included where there is one."""
        wire = text_frame(self.text)
        return wire if self.probe is None else wire + probe_frame(self.probe)
