"""The parts of a small production: how each program is started, and a Redis of our own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.requirements import require_or_skip

from .product import ROOT, free_port

#: In front of a program's name: it ends with the tests, however those end.
TIED = [sys.executable, "-m", "tests.recovery.tied", str(os.getpid())]

WEB = [
    "-m",
    "uvicorn",
    "cryptopulse.asgi:application",
    "--ws",
    "cryptopulse.live.protocol:HubProtocol",
    "--ws-per-message-deflate",
    "false",
    "--no-proxy-headers",
    "--port",
]
WORKER = ["-m", "celery", "-A", "cryptopulse", "worker", "--pool", "threads", "-l", "WARNING"]
BEAT = [
    "-m",
    "celery",
    "-A",
    "cryptopulse",
    "beat",
    "--scheduler",
    "cryptopulse.scheduler:SkippingScheduler",
    "--max-interval",
    "1",
    "--pidfile=",
]


class Redis:
    """A Redis server of our own, which may go away and come back at the same port."""

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("redis-server")
        if self._program is None:
            require_or_skip("redis", "there is no redis-server on this machine")
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._program is not None
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._server = subprocess.Popen(
            [*TIED, self._program, *arguments, "--dir", str(self._folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


def eventually(condition: Callable[[], Any], *, seconds: float = 60) -> None:
    """Wait until this is so; fail where it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def is_alive(port: int) -> bool:
    """Tell whether a web process answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.RequestException:
        return False
