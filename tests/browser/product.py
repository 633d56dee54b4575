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

#: Who sees which pages; every page of the product is here (see test_every_page_is_looked_at).
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
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/confirm-email/",
    "/accounts/inactive/",
    "/farewell/",
    "/offline/",
)
EVERYBODYS_PAGES = (
    "/markets/",
    "/markets/bitcoin/",
    "/charts/",
    "/watchlist/",
    "/news/",
    "/about/",
    "/settings/",
    "/settings/privacy/",
    "/notifications/",
    "/accounts/security/",
)
#: The account's own pages are the same for every role: one person looks at them.
ACCOUNT_PAGES = (
    "/accounts/logout/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
)
ROLE_PAGES: dict[str, tuple[str, ...]] = {
    "alice": (
        "/dashboard/",
        "/portfolio/",
        "/portfolio/transactions/",
        "/portfolio/import/",
        "/alerts/",
    ),
    "root": (
        "/portal/admin/",
        "/portal/admin/errors/",
        "/portal/admin/announcements/",
        "/users/",
        "/transactions/",
        "/statistics/",
    ),
    "ana": (
        "/portal/analyst/",
        "/analysis/",
        "/analysis/report/",
        "/analysis/screener/",
        "/statistics/",
    ),
    "mo": (
        "/portal/moderator/",
        "/portal/moderator/audit/",
        "/users/",
        "/activity/",
        "/activity/flags/",
        "/transactions/",
        "/statistics/",
    ),
}
#: Pages with a key in their address are reached as people reach them: on this page, the first
#: link that begins so.
LINKED_PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "root": (("/users/", "/users/"),),
    "mo": (("/users/", "/users/"),),
}
#: What somebody sees who has nothing yet.
NEW_PERSONS_PAGES = (*ROLE_PAGES["alice"], "/watchlist/", "/notifications/")
#: A visitor, one person of each role, and one who is new.
WHO = ("", *ROLE_PAGES, "nina")


def pages_of(who: str) -> tuple[str, ...]:
    """Return every page that this person (\"\" is a visitor) may see."""
    if not who:
        return VISITOR_PAGES
    if who == "nina":
        return NEW_PERSONS_PAGES
    own = (*ROLE_PAGES[who], *EVERYBODYS_PAGES)
    return (*own, *ACCOUNT_PAGES) if who == "alice" else own


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
    deadline = time.monotonic() + 240  # collecting and compressing on a busy machine
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 (loopback)
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the product did not start:\n{log.read_text()[-4000:]}")
