"""A real Chromium that looks at a real server.

What a failing test saw lies in .local/browser-failures afterwards: a picture of each of its pages
and a trace (`.venv/bin/playwright show-trace FILE`).
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.requirements import require_or_skip

from .product import CHROMIUM, DESKTOP, FLAGS, PASSWORD, ROOT, Product, running_product

FAILURES = ROOT / ".local" / "browser-failures"
LOCAL = {"127.0.0.1", "localhost", ""}  # data: and blob: have no host


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(FAILURES, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let fixtures see at their end whether the test has failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if not Path(CHROMIUM).exists():
        require_or_skip("chromium", f"there is no Chromium at {CHROMIUM}")
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the product as it is served for real: no DEBUG, files collected, hashed, compressed."""
    if not Path(CHROMIUM).exists():
        require_or_skip("chromium", f"there is no Chromium at {CHROMIUM}")
    folder = tmp_path_factory.mktemp("production")
    with running_product(
        folder,
        DEBUG="0",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="127.0.0.1",
        COINS_WITH_HISTORY="2",
    ) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        require_or_skip("chromium", "Playwright is not installed")
    if not Path(CHROMIUM).exists():
        require_or_skip("chromium", f"there is no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Complaints(list[str]):
    """What a page said or did that it should not have: errors, refused content, failed requests,
    questions to other hosts."""

    def watch(self, page: Any) -> None:
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("response", self.look_at)
        page.on("request", self.look_where)

    def hear(self, message: Any) -> None:
        if "AbortError" in message.text:  # htmx gives up what something newer has overtaken
            return
        if message.type in {"error", "warning"}:
            self.append(message.text)

    def look_at(self, response: Any) -> None:
        if response.status >= 400:
            self.append(f"{response.status} {response.url}")

    def look_where(self, request: Any) -> None:
        if (urlsplit(request.url).hostname or "") not in LOCAL:
            self.append(f"a request to another host: {request.url}")


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, chromium: Any, complaints: Complaints
) -> Iterator[Callable[..., Any]]:
    """Give pages of a new browser profile each, logged in as whom one names."""
    pages: list[Any] = []

    def opened(
        who: str = "",
        *,
        size: tuple[int, int] = DESKTOP,
        at: Product | None = None,
        **options: Any,
    ) -> Any:
        running = at or request.getfixturevalue("product")
        context = chromium.new_context(
            base_url=running.url, viewport={"width": size[0], "height": size[1]}, **options
        )
        context.tracing.start(snapshots=True)
        page = context.new_page()
        pages.append(page)
        page.set_default_timeout(15_000)
        if who:
            log_in(page, who)
        complaints.watch(page)
        return page

    yield opened
    for number, page in enumerate(pages):
        if FAILED in request.node.stash:
            keep(page, FAILURES / re.sub(r"\W+", "-", request.node.name).strip("-"), number)
        page.context.close()


@pytest.fixture
def person(open_page: Callable[..., Any], complaints: Complaints) -> Callable[..., Any]:
    """Give somebody a browser of their own (see people.py); nobody is logged in yet."""
    from .people import Person

    def somebody(name: str = "", **options: Any) -> Person:
        return Person(name, open_page(**options), complaints)

    return somebody


def keep(page: Any, folder: Path, number: int) -> None:
    """Keep what a failed test saw last, and how it came there."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        page.screenshot(path=folder / f"{number}.png", timeout=5000)
    except Exception as error:  # a page that hangs is a finding, but not this function's
        print(f"no picture: {error}")
    page.context.tracing.stop(path=folder / f"{number}.zip")
    print(
        f"\nWhat the page looked like: {folder}/{number}.png, and how it came there: {number}.zip"
    )


def log_in(page: Any, who: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
