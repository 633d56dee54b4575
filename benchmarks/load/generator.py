"""The load: people who ask for a page again as soon as they have it, and browsers that listen.

A process of its own, plain asyncio protocols. It reads commands from standard input and answers
each with one line of JSON: `sockets <how many>`, `pages <path> <seconds>`, `end`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import sys
import time
from functools import partial
from typing import Any

TWO_BYTES, EIGHT_BYTES = 126, 127
PING, CLOSE = 0x9, 0x8
MASK = b"\0\0\0\0"  # a mask of zeros changes nothing, and is one


class Visitor(asyncio.Protocol):
    """One person with one connection, kept alive; asks again when the answer is there."""

    def __init__(self, request: bytes, load: Load) -> None:
        self.request = request
        self.load = load
        self.buffer = bytearray()
        self.missing = -1
        self.asked = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.ask()

    def ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[:end]).lower()
            self.load.count_status(head[9:12].decode())
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            self.missing = length - (len(self.buffer) - end - 4)
            self.buffer.clear()
        else:
            self.missing -= len(data)
        if self.missing == 0:
            self.missing = -1
            self.answered()

    def answered(self) -> None:
        now = time.perf_counter()
        if self.load.note(self.asked, now):
            self.ask()
        elif not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))


class Load:
    """One measurement: from `begin` on, answers count; after `end` nobody asks again."""

    def __init__(self, *, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.latencies: list[float] = []
        self.statuses: dict[str, int] = {}

    def note(self, asked: float, now: float) -> bool:
        """Count an answer that came within the time; tell whether to go on."""
        if self.begin <= now < self.end:
            self.latencies.append(now - asked)
        return now < self.end

    def count_status(self, status: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Listener(asyncio.Protocol):
    """A browser on the ticker: counts frames, answers pings, looks into nothing."""

    frames = 0  # of all of them

    def __init__(self, port: int) -> None:
        self.port = port
        self.buffer = bytearray()
        self.skip = 0
        self.is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(  # type: ignore[attr-defined]
            f"GET /ws/ticker/ HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Origin: http://127.0.0.1:{self.port}\r\n"
            # As browsers offer it; what they would inflate is skipped here.
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.skip >= len(data):
            self.skip -= len(data)
            return
        self.buffer += memoryview(data)[self.skip :]
        self.skip = 0
        if not self.is_open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.buffer.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(bytes(self.buffer[:40]).decode()))
                return
            self.is_open = True
            self.opened.set_result(None)
            del self.buffer[: end + 4]
        while self.take_frame():
            pass

    def take_frame(self) -> bool:
        """Take one frame off the buffer, or as much of it as is there; False for a half head."""
        buffer = self.buffer
        if len(buffer) < 2:  # noqa: PLR2004 (the shortest head)
            return False
        size, head = buffer[1], 2
        if size == TWO_BYTES:
            size, head = int.from_bytes(buffer[2:4], "big"), 4
        elif size == EIGHT_BYTES:
            size, head = int.from_bytes(buffer[2:10], "big"), 10
        kind = buffer[0] & 0x0F
        if len(buffer) < head + (size if kind >= CLOSE else 0):
            return False
        if kind == PING:
            payload = bytes(buffer[head : head + size])
            self.transport.write(bytes([0x8A, 0x80 | size]) + MASK + payload)
        elif kind != CLOSE:
            Listener.frames += 1
        self.skip = max(0, head + size - len(buffer))
        del buffer[: head + size]
        return bool(buffer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the server closed the connection"))
        self.is_open = False


class Generator:
    """What the commands do."""

    def __init__(self, *, port: int, sessions: list[str]) -> None:
        self.port = port
        self.sessions = sessions
        self.listeners: list[Listener] = []

    async def sockets(self, wanted: str) -> dict[str, Any]:
        """Open or close tickers until there are so many."""
        loop = asyncio.get_running_loop()
        while len(self.listeners) > int(wanted):
            self.listeners.pop().transport.abort()
        while len(self.listeners) < int(wanted):
            _, made = await loop.create_connection(
                lambda: Listener(self.port), "127.0.0.1", self.port
            )
            self.listeners.append(made)
            await made.opened
        return {"open": len(self.listeners)}

    async def pages(self, path: str, seconds: str) -> dict[str, Any]:
        """Let everybody ask for a page, again and again; half a second before it counts."""
        loop = asyncio.get_running_loop()
        begin = time.perf_counter() + 0.5
        load = Load(begin=begin, end=begin + float(seconds))
        frames = [0, 0]
        loop.call_later(0.5, lambda: frames.__setitem__(0, Listener.frames))
        loop.call_later(0.5 + float(seconds), lambda: frames.__setitem__(1, Listener.frames))
        cpu = _cpu()
        started = time.perf_counter()
        visitors = []
        for session in self.sessions:
            request = (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                f"Cookie: sessionid={session}\r\nAccept-Encoding: gzip, br\r\n"
                "Accept: text/html\r\nAccept-Language: en\r\n\r\n"
            ).encode()
            visitor = partial(Visitor, request, load)
            _, made = await loop.create_connection(visitor, "127.0.0.1", self.port)
            visitors.append(made)
        await asyncio.gather(*(one.ended for one in visitors))
        for one in visitors:
            one.transport.abort()
        busy = (_cpu() - cpu) / (time.perf_counter() - started)
        await asyncio.sleep(0)
        return {
            "requests": len(load.latencies),
            "seconds": float(seconds),
            "latencies": sorted(load.latencies),
            "statuses": load.statuses,
            "frames": frames[1] - frames[0],
            "closed": sum(not one.is_open for one in self.listeners),
            "cpu": busy,
        }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(port: str, path: str, core: str) -> None:
    """Obey until standard input ends."""
    if core:
        os.sched_setaffinity(0, {int(core)})
    with open(path) as file:  # noqa: ASYNC230, PTH123 (before anything runs)
        generator = Generator(port=int(port), sessions=json.load(file))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, *arguments = line.split()
        if name == "end":
            return
        print(json.dumps(await getattr(generator, name)(*arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
