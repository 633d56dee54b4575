"""Starting the product for a browser, and the browser itself. Used by tests and screenshots."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse battery staple"
DESKTOP = (1440, 900)
PHONE = (390, 844)

#: Who sees which pages; every page of the product is here.
VISITOR_PAGES = (
    "/",
    "/markets/",
    "/markets/?q=nothing-like-it",
    "/markets/bitcoin/",
    "/news/",
    "/about/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
)
EVERYBODYS_PAGES = (
    "/markets/",
    "/markets/bitcoin/",
    "/charts/",
    "/watchlist/",
    "/news/",
    "/about/",
    "/settings/",
    "/notifications/",
    "/accounts/security/",
)
ROLE_PAGES: dict[str, tuple[str, ...]] = {
    "alice": ("/dashboard/", "/portfolio/", "/portfolio/transactions/", "/alerts/"),
    "root": ("/portal/admin/", "/users/", "/transactions/", "/statistics/"),
    "ana": ("/portal/analyst/", "/analysis/", "/statistics/"),
    "mo": ("/portal/moderator/", "/users/", "/activity/", "/transactions/", "/statistics/"),
}


@dataclass(frozen=True)
class Product:
    """A running product: where it answers, and the switch that holds its prices back."""

    url: str
    folder: Path

    def halt(self) -> None:
        (self.folder / "halt").touch()

    def go_on(self) -> None:
        (self.folder / "halt").unlink(missing_ok=True)


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_product(folder: Path, **environment: str) -> Iterator[Product]:
    """Start the product on a free port, wait until it answers, end it afterwards."""
    with server(folder, free_port(), **environment) as product:
        yield product


@contextmanager
def server(folder: Path, port: int, **environment: str) -> Iterator[Product]:
    """Run the product on this port."""
    wanted = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "LOCAL_DIR": str(folder),
        "PORT": str(port),
        "DEBUG": "1",
        "READ_DOTENV": "0",
        "MARKET_FEEDS": "simulated",
        "HTTPS": "0",
        **environment,
    }
    log = folder / "server.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.server"],
            cwd=ROOT,
            env=wanted,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_up(url, process, log)
            yield Product(url, folder)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the product answers; raise with its log when it does not."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 (loopback)
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the product did not start:\n{log.read_text()}")
