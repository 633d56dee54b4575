"""How the load of `benchmarks.load` reads what the server sends: whole, or in whatever pieces."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.load.generator import Listener, Load, Visitor
from cryptopulse.live.frames import text_frame

pytestmark = pytest.mark.once

PING = b"\x89\x04ping"
PONG = b"\x8a\x84\0\0\0\0ping"


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


@pytest.mark.parametrize("step", [1, 3, 1000, 10**6])
async def test_frames_are_counted_and_pings_answered_however_they_arrive(step: int) -> None:
    listener, wire = Listener(80), Wire()
    listener.connection_made(wire)
    before = Listener.frames
    sent = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + PING.join(
        text_frame(text) for text in ("x", "y" * 300, "z" * 70_000, "")
    )

    for start in range(0, len(sent), step):
        listener.data_received(sent[start : start + step])

    await listener.opened
    assert Listener.frames - before == 4
    assert wire.written[1:] == [PONG] * 3


async def test_a_socket_that_is_refused_is_an_error() -> None:
    listener = Listener(80)
    listener.connection_made(Wire())
    listener.data_received(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    with pytest.raises(ConnectionError, match="403"):
        await listener.opened


@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_a_visitor_asks_again_when_the_whole_page_is_there(step: int) -> None:
    now = time.perf_counter()
    load = Load(begin=now, end=now + 60)
    visitor, wire = Visitor(b"GET", load), Wire()
    visitor.connection_made(wire)
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20

    for start in range(0, len(page), step):
        assert len(wire.written) == 1
        visitor.data_received(page[start : start + step])

    assert wire.written == [b"GET", b"GET"]
    assert load.statuses == {"200": 1}
    assert len(load.latencies) == 1


async def test_a_visitor_that_is_cut_off_is_an_error() -> None:
    now = time.perf_counter()
    visitor = Visitor(b"GET", Load(begin=now, end=now + 60))
    visitor.connection_made(Wire())
    visitor.connection_lost(None)

    with pytest.raises(ConnectionError):
        await visitor.ended
