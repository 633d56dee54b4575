"""Draw every page for every role, wide and narrow, in both themes: `make screenshots`.

`python -m tests.browser.screenshots [folder]`; starts a product of its own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from .conftest import log_in
from .product import (
    CHROMIUM,
    DESKTOP,
    EVERYBODYS_PAGES,
    FLAGS,
    PHONE,
    ROLE_PAGES,
    VISITOR_PAGES,
    running_product,
)


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("?", "-") or "landing"


def draw(browser: Any, url: str, who: str, pages: tuple[str, ...], folder: Path) -> None:
    """Draw these pages as one person sees them."""
    for size in (DESKTOP, PHONE):
        context = browser.new_context(
            base_url=url, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        page = context.new_page()
        if who:
            log_in(page, who)
        for path in pages:
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.goto(path)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(800)  # for the first ticks and the chart
                file = folder / f"{who or 'visitor'}-{name_of(path)}-{size[0]}-{theme}.png"
                page.screenshot(path=file)
                print(file)
        context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_product(Path(scratch), COINS_WITH_HISTORY="6") as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        draw(browser, product.url, "", VISITOR_PAGES, folder)
        for who, pages in ROLE_PAGES.items():
            draw(browser, product.url, who, (*pages, *EVERYBODYS_PAGES), folder)
        browser.close()


if __name__ == "__main__":
    main()
