"""Browsers that read one frame a second, whatever comes: how old is what they read?

`python -m benchmarks.fanout.slow <port> <path> <readers> <seconds>` prints a line of JSON: for
each reader the age, in seconds, of the frame that it read last, and of every frame before it.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.fanout import frames
from benchmarks.fanout.ticks import microseconds

#: From one frame to the next, in seconds.
PACE = 1.0


class Reader:
    """Takes from the socket no more than the frame that it reads."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        frames.ask(self._socket, port=port, path=path, deflate=False)
        self._here, _ = frames.answered(self._socket)

    def follow(self, seconds: float) -> list[float]:
        """Read for so long; return the ages of the ticks that came."""
        ages = []
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            seen = self._next()
            if seen.reply:
                self._socket.sendall(seen.reply)
            if seen.number < 1:
                continue  # what was there before the first tick
            ages.append((microseconds() - seen.made_at) / 1e6)
            time.sleep(PACE)
        return ages

    def _next(self) -> frames.Seen:
        while True:
            head = self._take(2)
            size = head[1] & 127
            if size == 126:  # noqa: PLR2004 (RFC 6455, 5.2)
                size = int.from_bytes(self._take(2), "big")
            elif size == 127:  # noqa: PLR2004
                size = int.from_bytes(self._take(8), "big")
            payload = self._take(size)
            opcode = head[0] & 15
            if opcode == frames.PING:
                self._socket.sendall(frames.masked(frames.PONG, payload))
            elif opcode == frames.CLOSE:
                raise ConnectionError(f"the server closed: {payload!r}")
            elif opcode == frames.TEXT:
                return frames.read(payload, compressed=False)

    def _take(self, size: int) -> bytes:
        while len(self._here) < size:
            more = self._socket.recv(size - len(self._here))
            if not more:
                raise ConnectionError("the server has gone")
            self._here += more
        taken, self._here = self._here[:size], self._here[size:]
        return taken


def main(port: int, path: str, readers: int, seconds: float) -> None:
    """Read with all at once."""
    opened = [Reader(port, path) for _ in range(readers)]
    print("reading", flush=True)
    with ThreadPoolExecutor(readers) as pool:
        ages = list(pool.map(lambda reader: reader.follow(seconds), opened))
    print(json.dumps({"last": [one[-1] for one in ages], "all": ages}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
