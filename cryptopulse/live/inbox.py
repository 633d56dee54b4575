"""What browsers say over a hub's connection: answers to its frames, and hardly anything else.

A thousand pages answer a thousand times a second, and a whole websocket parser costs five times as
much as what is asked of it here: small, whole frames that begin with a known byte. Whatever else
comes is handed on as it came.
"""

from __future__ import annotations

import json
import zlib

TEXT, PONG = 0x81, 0x8A
DEFLATED_TEXT = 0xC1
#: Two bytes of head, four of mask.
HEAD = 6
#: The longest payload whose size stands in the head's second byte.
SMALL = 125
_MASKED = 0x80
#: `{"ack": 12345678901234}`, and some room.
LONGEST_ACK = 64
_EMPTY_BLOCK = b"\x00\x00\xff\xff"


class Inbox:
    """Cuts a stream of bytes into frames, as long as they are small ones from a browser.

    The first that is not ends that for good: where the next one begins is then the library's to
    know. What is kept of a frame that came in part is smaller than a small frame.
    """

    __slots__ = ("_rest", "is_open")

    def __init__(self) -> None:
        self.is_open = True
        self._rest = b""

    def frames(self, data: bytes) -> list[bytes]:
        """Return the frames that are whole now, or all that there is when it cannot be told."""
        if not self.is_open:
            return [data]
        data = self._rest + data if self._rest else data
        found: list[bytes] = []
        start = 0
        while len(data) - start >= HEAD:
            size = data[start + 1] ^ _MASKED  # not masked, or not small: beyond SMALL
            if size > SMALL:
                return [*found, self.close(data[start:])]
            end = start + HEAD + size
            if end > len(data):
                break
            found.append(data if end - start == len(data) else data[start:end])
            start = end
        self._rest = data[start:]
        return found

    def close(self, data: bytes = b"") -> bytes:
        """Cut nothing from now on; return what belongs to the library."""
        self.is_open, self._rest = False, b""
        return data


def payload_of(frame: bytes) -> bytes:
    """Return what a small, masked frame says (RFC 6455, 5.3)."""
    size = len(frame) - HEAD
    mask = frame[2:HEAD] * (size // 4 + 1)
    unmasked = int.from_bytes(frame[HEAD:]) ^ int.from_bytes(mask[:size])
    return unmasked.to_bytes(size)


def acknowledged_number(text: bytes | str) -> int | None:
    """Return the number in `{"ack": number}`, or None when it says anything else."""
    if len(text) > LONGEST_ACK:
        return None
    try:
        message = json.loads(text)
    except ValueError:
        return None
    number = message.get("ack") if isinstance(message, dict) else None
    return number if type(number) is int else None


def inflated(payload: bytes) -> bytes:
    """Return a compressed message if it is as short as an answer, else nothing."""
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(payload + _EMPTY_BLOCK, LONGEST_ACK + 1)
    except zlib.error:
        return b""
    return text
