"""The real product as processes, and a person with a browser, for the tests of this folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """Return the environment of a product of its own: no network, own files, quick prices."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV"}
    }
    own = {
        "READ_DOTENV": "0",
        "DEBUG": "1",
        "LOCAL_DIR": str(folder),
        "MARKET_FEEDS": "simulated",
        "SIMULATED_INTERVAL": "1",
        "NEWS_FEEDS": "",
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | own | extra


class Process:
    """One program of the product, its output kept."""

    def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
        self.started_at = time.monotonic()
        self.name = " ".join(arguments)
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self.lines.extend(output)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str, *, seconds: float = 60) -> float:
        """Wait until this was printed; return how many seconds after the start that was."""
        while text not in self.output:
            passed = time.monotonic() - self.started_at
            assert self._process.poll() is None, f"it ended:\n{self.output}"
            assert passed < seconds, f"no {text!r} in {seconds} s:\n{self.output}"
            time.sleep(0.01)
        return time.monotonic() - self.started_at

    def wait_until_signals_are_handled(self) -> None:
        """Wait until SIGTERM no longer kills: before that, Python itself is still starting."""
        bit = 1 << (signal.SIGTERM - 1)
        while True:
            status = Path(f"/proc/{self.pid}/status").read_text()
            caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
            if caught and int(caught[1], 16) & bit:
                return
            time.sleep(0.002)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, *, seconds: float = 20) -> int:
        """Wait for the end and return the exit code."""
        code = self._process.wait(seconds)
        self._reader.join(5)
        return code

    def stop(self) -> int:
        """Ask it to end, as systemd or Ctrl-C do."""
        self.send(signal.SIGTERM)
        return self.end()

    def kill(self) -> None:
        """End it without a warning. Fine for one that has ended already."""
        self._process.kill()
        self.end()


class Pulse(Process):
    """`manage.py pulse` on a free port."""

    def __init__(self, folder: Path, **extra: str) -> None:
        extra.setdefault("PORT", str(free_port()))
        self.port = int(extra["PORT"]) if extra["PORT"].isdigit() else 0
        super().__init__(["manage.py", "pulse"], environment(folder, **extra))

    def wait_until_it_serves(self) -> float:
        return self.wait_for(f"http://localhost:{self.port}")


class Person:
    """Somebody with a browser."""

    def __init__(self, port: int, username: str) -> None:
        self.username = username
        self.http = requests.Session()
        self.http.trust_env = False
        self.move_to(port)

    def move_to(self, port: int) -> None:
        """Use the same cookies at another port."""
        self.port = port
        self.origin = f"http://localhost:{port}"

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.origin + path, timeout=20)

    def post_form(self, path: str, page: str, **fields: Any) -> requests.Response:
        """Send a form from the page that shows it."""
        self.get(page).raise_for_status()
        data = fields | {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        headers = {"Referer": self.origin + page}
        return self.http.post(self.origin + path, data=data, headers=headers, timeout=20)

    def sign_up(self) -> None:
        page = "/accounts/signup/"
        answer = self.post_form(
            page,
            page,
            email=f"{self.username}@example.com",
            username=self.username,
            password1=PASSWORD,
            password2=PASSWORD,
        )
        assert answer.ok
        assert "sessionid" in self.http.cookies, answer.text

    def buy(self, coin_id: str, *, amount: str, order: str) -> requests.Response:
        return self.http.post(
            f"{self.origin}/api/buy_coin",
            json={"coin_id": coin_id, "amount": amount, "client_order_id": order},
            headers={"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.origin},
            timeout=20,
        )

    def listen(self, path: str) -> ClientConnection:
        """Open a websocket as this person's page does."""
        return listen(self.port, path, cookies=self.http.cookies.get_dict())


def listen(port: int, path: str, *, cookies: dict[str, str] | None = None) -> ClientConnection:
    """Open a websocket, as a page of this site does."""
    cookie = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    browser: ClientConnection = connect(
        f"ws://localhost:{port}{path}",
        origin=Origin(f"http://localhost:{port}"),
        additional_headers={"Cookie": cookie} if cookie else {},
        proxy=None,
        open_timeout=20,
    )
    return browser


def receive_until(
    browser: ClientConnection, condition: Callable[[dict[str, Any]], bool], *, seconds: float = 20
) -> dict[str, Any]:
    """Read frames until one fits and return it."""
    deadline = time.monotonic() + seconds
    while True:
        frame: dict[str, Any] = json.loads(browser.recv(timeout=deadline - time.monotonic()))
        if condition(frame):
            return frame
