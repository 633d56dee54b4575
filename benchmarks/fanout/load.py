"""A thousand browsers in one process, cheap enough to be no part of what is measured.

Orders come by standard input and are answered by standard output, a line of JSON each. It reads
whatever comes at any time, answers pings and acknowledgements as a page does, and looks into each
different frame once: after that the first bytes tell which one it is.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from array import array
from contextlib import suppress
from typing import Any

from benchmarks.fanout import frames
from benchmarks.fanout.frames import Seen
from benchmarks.fanout.ticks import microseconds

BUFFER = 1 << 20
#: Connections that are being made at a time.
AT_A_TIME = 50
#: Seconds that an answer to a handshake may take.
PATIENCE = 30.0


class Browser:
    """One websocket: its socket, and the frame that has come in part."""

    __slots__ = ("rest", "socket")

    def __init__(self, connection: socket.socket, rest: bytes) -> None:
        self.socket = connection
        self.rest = rest


class Load:
    """All of them, and the order that is being carried out."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._browsers: dict[int, Browser] = {}
        self._view = memoryview(bytearray(BUFFER))
        self._seen: dict[tuple[int, bytes], Seen] = {}  # by size and beginning
        self._latencies = array("q")
        self._closed = 0
        self._ticks = range(0)
        self._awaited = 0  # frames still to come
        self._end = 0.0  # when we stop waiting; 0 while nothing is awaited

    def run(self) -> None:
        """Obey until standard input ends."""
        orders = sys.stdin.fileno()
        while True:
            for descriptor, _ in self._poll.poll(0.2):
                if descriptor != orders:
                    self._receive(self._browsers[descriptor])
                elif line := sys.stdin.readline():
                    self._obey(**json.loads(line))
                else:
                    return
            if self._end and (self._awaited <= 0 or time.monotonic() > self._end):
                self._end = 0.0
                self._answer(self._result())

    def _obey(self, do: str, **how: Any) -> None:
        if do == "connect":
            self._answer(self._connect(**how))
        elif do == "expect":
            self._expect(**how)
            self._answer({"expecting": len(self._ticks)})

    def _answer(self, document: dict[str, Any]) -> None:
        print(json.dumps(document), flush=True)

    # --- Connections --------------------------------------------------------------------------

    def _connect(self, port: int, path: str, clients: int, deflate: bool) -> dict[str, Any]:
        compressed = 0
        for first in range(0, clients, AT_A_TIME):
            made = []
            for _ in range(min(AT_A_TIME, clients - first)):
                connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                frames.ask(connection, port=port, path=path, deflate=deflate)
                made.append(connection)
            for connection in made:
                rest, is_compressed = frames.answered(connection)
                compressed += is_compressed
                self._keep(Browser(connection, rest))
        return {"connected": len(self._browsers), "compressed": compressed}

    def _keep(self, browser: Browser) -> None:
        browser.socket.setblocking(False)
        self._browsers[browser.socket.fileno()] = browser
        self._poll.register(browser.socket.fileno(), select.EPOLLIN)

    def _forget(self, browser: Browser) -> None:
        self._poll.unregister(browser.socket.fileno())
        del self._browsers[browser.socket.fileno()]
        browser.socket.close()
        self._closed += 1

    # --- Frames -------------------------------------------------------------------------------

    def _receive(self, browser: Browser) -> None:
        """Take what has come; what is incomplete waits for the rest."""
        view, rest = self._view, browser.rest
        start, end = 0, len(rest)
        if end:
            view[:end] = rest
        try:
            got = browser.socket.recv_into(view[end:])
        except BlockingIOError:
            return
        except OSError:
            got = 0
        if not got:
            self._forget(browser)
            return
        end += got
        now = microseconds()
        while (found := frames.head_of(view, start, end)) is not None:
            begin, after = found
            first = view[start]
            if first & 15 == frames.TEXT:
                self._take(browser, view[begin:after], first & frames.COMPRESSED, now)
            elif first & 15 == frames.PING:
                self._say(browser, frames.masked(frames.PONG, bytes(view[begin:after])))
            start = after
        browser.rest = bytes(view[start:end]) if start < end else b""

    def _take(self, browser: Browser, payload: memoryview, compressed: int, now: int) -> None:
        key = len(payload), bytes(payload[: frames.KEY])
        seen = self._seen.get(key)
        if seen is None:
            seen = frames.read(bytes(payload), compressed=bool(compressed))
            self._seen[key] = seen
        if seen.reply:
            self._say(browser, seen.reply)
        if seen.number in self._ticks:
            seen.count += 1
            self._awaited -= 1
            self._latencies.append(now - seen.made_at)

    def _say(self, browser: Browser, data: bytes) -> None:
        with suppress(OSError):  # gone; reading will tell
            browser.socket.send(data)

    # --- Orders -------------------------------------------------------------------------------

    def _expect(self, first: int, count: int, timeout: float) -> None:
        """Count what comes of these ticks."""
        self._seen.clear()
        self._latencies = array("q")
        self._closed = 0
        self._ticks = range(first, first + count)
        self._awaited = count * len(self._browsers)
        self._end = time.monotonic() + timeout

    def _result(self) -> dict[str, Any]:
        ticks = [seen for seen in self._seen.values() if seen.number in self._ticks]
        latencies = sorted(self._latencies)
        self._ticks = range(0)
        return {
            "frames": len(latencies),
            "lost": max(0, self._awaited),
            "closed": self._closed,
            "p50_ms": _percentile(latencies, 0.50) / 1000,
            "p99_ms": _percentile(latencies, 0.99) / 1000,
            "most_ms": (latencies[-1] if latencies else 0) / 1000,
            "bytes": max((seen.size for seen in ticks), default=0),
            "text_bytes": max((seen.text_size for seen in ticks), default=0),
        }


def _percentile(ordered: list[int], part: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0


if __name__ == "__main__":
    Load().run()
