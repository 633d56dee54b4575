"""The browser's side of a websocket: the handshake, the frames, what a page answers."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from benchmarks.fanout.ticks import CLOCK, NUMBER

FINAL = 0x80
COMPRESSED = 0x40
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
#: A frame's first bytes tell the tick: its moment is among them, or they are compressed from it.
KEY = 64

_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n{more}\r\n"
)
#: As Chrome and Firefox ask.
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


class HandshakeError(Exception):
    """The server does not speak websocket with us."""


def ask(connection: socket.socket, *, port: int, path: str, deflate: bool) -> None:
    """Ask for a websocket."""
    more = _DEFLATE if deflate else ""
    connection.sendall(_REQUEST.format(path=path, port=port, more=more).encode())


def answered(connection: socket.socket) -> tuple[bytes, bool]:
    """Wait for the answer; return what came after it, and whether frames will be compressed."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more:
            raise HandshakeError(f"closed after {got[:200]!r}")
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise HandshakeError(repr(head[:200]))
    return rest, b"permessage-deflate" in head.lower()


def head_of(data: bytes | bytearray | memoryview, start: int, end: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `start` begins and ends; None: not all is here."""
    if end - start < 2:  # noqa: PLR2004 (the smallest head)
        return None
    size = data[start + 1] & 127
    begin = start + 2
    if size == 126:  # noqa: PLR2004 (RFC 6455, 5.2)
        if end - start < 4:  # noqa: PLR2004
            return None
        begin, size = start + 4, data[start + 2] << 8 | data[start + 3]
    elif size == 127:  # noqa: PLR2004
        if end - start < 10:  # noqa: PLR2004
            return None
        begin, size = start + 10, int.from_bytes(data[start + 2 : start + 10], "big")
    return None if begin + size > end else (begin, begin + size)


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a small frame as browsers send them, masked by zeros."""
    return struct.pack("!BBI", FINAL | opcode, 0x80 | len(payload), 0) + payload


@dataclass(slots=True)
class Seen:
    """What one frame says, the same for all who get it."""

    number: int  # the tick's; -1 where it has none
    made_at: int  # microseconds
    size: int  # of the payload on the wire
    text_size: int
    reply: bytes  # what a page answers, if anything
    count: int = field(default=0)


def read(payload: bytes, *, compressed: bool) -> Seen:
    """Look into a frame."""
    text = payload
    if compressed:
        text = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    document: dict[str, Any] = json.loads(text)
    prices = {coin["id"]: coin["price"] for coin in document.get("coins", ())}
    reply = b""
    if "ack" in document:
        reply = masked(TEXT, json.dumps({"ack": document["ack"]}).encode())
    return Seen(
        number=int(prices.get(NUMBER, -1)),
        made_at=int(prices.get(CLOCK, 0)),
        size=len(payload),
        text_size=len(text),
        reply=reply,
    )
