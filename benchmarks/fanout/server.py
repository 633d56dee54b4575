"""What the servers have in common: they say where they listen, and make ticks when told to.

On standard input: `prepare <first number> <count> <rate>`, answered by `prepared`, then `go`.
The end of the input ends the process.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

#: From `go` to the first tick, in seconds.
RUN_UP = 0.1


def listener() -> socket.socket:
    """Return a socket that listens on a port of the machine's choice."""
    made = socket.create_server(("127.0.0.1", 0), backlog=2048)
    made.setblocking(False)
    return made


def say(word: str) -> None:
    """Tell whoever started us."""
    print(word, flush=True)


def serving(listening: socket.socket) -> None:
    """Tell where we serve, once we do."""
    say(f"port {listening.getsockname()[1]}")


def obey(
    prepare: Callable[[int, int, float], list[Any]],
    go: Callable[[Any], object],
) -> None:
    """Do as standard input says, in a thread of its own: the market works in one too.

    `go` sends one of the ticks that `prepare` made, from this thread.
    """
    threading.Thread(target=_obey, args=(prepare, go), daemon=True).start()


def _obey(prepare: Callable[[int, int, float], list[Any]], go: Callable[[Any], object]) -> None:
    prepared: list[Any] = []
    rate = 1.0
    for line in sys.stdin:
        word, *values = line.split()
        if word == "prepare":
            rate = float(values[2])
            prepared = prepare(int(values[0]), int(values[1]), rate)
            say("prepared")
        elif word == "go":
            start = time.monotonic() + RUN_UP
            for index, tick in enumerate(prepared):
                time.sleep(max(0.0, start + index / rate - time.monotonic()))
                go(tick)
    os._exit(0)
