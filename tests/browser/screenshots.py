"""Draw every page for every role, wide and narrow, in both themes: `make screenshots`.

`python -m tests.browser.screenshots [folder]`; starts a product of its own, and two browsers.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product as combinations
from pathlib import Path

from .conftest import log_in
from .product import CHROMIUM, DESKTOP, FLAGS, PHONE, ROOT, WHO, pages_of, running_product
from .test_pages_draw import CHARTS_ARE_DRAWN

BROWSERS = 2
IS_LIVE = "() => { const pill = document.querySelector('[data-live]');"
IS_LIVE += " return !pill || pill.classList.contains('is-live'); }"
SHOW = """theme => {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event("themechange"));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("?", "-") or "landing"


def draw(url: str, who: str, size: tuple[int, int], folder: Path) -> int:
    """Draw every page as one person sees it at one size; return how many pictures that made."""
    from playwright.sync_api import sync_playwright

    made = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            base_url=url, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        page = context.new_page()
        if who:
            log_in(page, who)
        for path in pages_of(who):
            page.goto(path)
            page.wait_for_function(CHARTS_ARE_DRAWN)
            page.wait_for_function(IS_LIVE)
            for theme in ("light", "dark"):
                page.evaluate(SHOW, theme)
                file = folder / f"{who or 'visitor'}-{name_of(path)}-{size[0]}-{theme}.png"
                page.screenshot(path=file)
                made += 1
        browser.close()
    return made


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".local" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_product(Path(scratch)) as running,
        ThreadPoolExecutor(BROWSERS) as pool,
    ):
        # The longest first, so that both browsers end together.
        people = sorted(WHO, key=lambda who: -len(pages_of(who)))
        waiting = [
            pool.submit(draw, running.url, who, size, folder)
            for who, size in combinations(people, (DESKTOP, PHONE))
        ]
        made = sum(one.result() for one in waiting)
    print(f"{made} pictures in {folder}")


if __name__ == "__main__":
    main()
