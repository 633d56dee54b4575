"""A real Chromium that looks at a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.requirements import require_or_skip

from .product import CHROMIUM, DESKTOP, FLAGS, PASSWORD, Product, running_product


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if not Path(CHROMIUM).exists():
        require_or_skip("chromium", f"there is no Chromium at {CHROMIUM}")
    with running_product(tmp_path_factory.mktemp("product")) as running:
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
    """What a page said that it should not have: errors, refused content, failed requests."""

    def watch(self, page: Any) -> None:
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("response", self.look_at)

    def hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.append(message.text)

    def look_at(self, response: Any) -> None:
        if response.status >= 400:
            self.append(f"{response.status} {response.url}")


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def open_page(
    chromium: Any, product: Product, complaints: Complaints
) -> Iterator[Callable[..., Any]]:
    """Give pages of a new browser profile each, logged in as whom one names."""
    contexts = []

    def opened(who: str = "", *, size: tuple[int, int] = DESKTOP, **options: Any) -> Any:
        context = chromium.new_context(
            base_url=product.url, viewport={"width": size[0], "height": size[1]}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if who:
            log_in(page, who)
        complaints.watch(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def log_in(page: Any, who: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
