"""Every page, for everybody who may see it: drawn without an error, wide and narrow, in both themes
and both palettes, without scrolling sideways, big enough for fingers, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product as combinations
from typing import Any

import pytest

from .conftest import Complaints
from .product import DESKTOP, LINKED_PAGES, PHONE, ROOT, WHO, pages_of

pytestmark = pytest.mark.browser

#: Comes by npm; without it the rest is looked at all the same.
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ALL_RULES = [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice",
]  # fmt: skip
#: All that another theme or palette can break.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
LOOKS = tuple(combinations(("dark", "light"), ("green-red", "blue-orange")))
#: What only a phone shows is looked at in each theme and in each palette.
LOOKS_OF = {DESKTOP: LOOKS, PHONE: (LOOKS[0], LOOKS[-1])}
NARROWEST = 360
#: px, of main controls; a browser may draw a fraction less. The tape's pause has 24 (WCAG's AA).
FINGER = 44
CHARTS_ARE_DRAWN = (
    "() => !window.LightweightCharts"
    " || [...document.querySelectorAll('[data-chart]')].every((one) => 'ready' in one.dataset)"
)
TOO_SMALL = """finger => [...document.querySelectorAll(
    "button, .button, select, textarea, summary, nav a, .segmented a, .pager a, label:has(> input),"
    + " input:not([type=hidden], [type=checkbox], [type=radio])")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .filter((one) => !one.closest(".sr-only, .skip-link") && !one.matches("p a, .ticker-pause"))
  .map((one) => [one, (one.closest(".input-group") || one).getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && box.height < finger - 0.5)
  .map(([one, box]) => `${Math.round(box.width)}x${Math.round(box.height)}: `
    + one.outerHTML.replace(/\\s+/g, " ").slice(0, 120))"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["wide", "narrow"])
@pytest.mark.parametrize("who", WHO, ids=[who or "visitor" for who in WHO])
def test_every_page_is_drawn_well(
    open_page: Callable[..., Any], complaints: Complaints, who: str, size: tuple[int, int]
) -> None:
    page = open_page(who, size=size, reduced_motion="reduce")
    if AXE.exists():
        page.add_init_script(path=AXE)
    found: list[str] = []
    for path in [*pages_of(who), *linked_pages(page, who)]:
        response = page.goto(path)
        assert response.status == 200, path
        page.wait_for_function(CHARTS_ARE_DRAWN)
        found += [f"{path} {finding}" for finding in findings(page, size)]
        found += [f"{path} {complaint}" for complaint in complaints]
        complaints.clear()
    assert not found, "\n".join(found)


def linked_pages(page: Any, who: str) -> Iterator[str]:
    """Yield the addresses that hold a key, as this person finds them."""
    for path, beginning in LINKED_PAGES.get(who, ()):
        page.goto(path)
        links = page.locator(f"main a[href^='{beginning}']:not([href*='?'])")
        if links.count():
            yield links.first.get_attribute("href")


def findings(page: Any, size: tuple[int, int]) -> Iterator[str]:
    """Yield what is wrong with the page as it is drawn now, in the looks of this size."""
    for number, (theme, palette) in enumerate(LOOKS_OF[size]):
        page.evaluate(
            "look => Object.assign(document.documentElement.dataset, look)",
            {"theme": theme, "trend": palette},
        )
        for finding in axe(page, COLOUR_RULES if number else ALL_RULES, is_by_id=number > 0):
            yield f"({theme}, {palette}): {finding}"
    if size == PHONE:
        for target in page.evaluate(TOO_SMALL, FINGER):
            yield f"is too small for a finger: {target}"
        page.set_viewport_size({"width": NARROWEST, "height": size[1]})
    width = NARROWEST if size == PHONE else size[0]
    if (actual := page.evaluate("document.documentElement.scrollWidth")) > width:
        yield f"scrolls sideways: {actual} px at {width}"
    page.set_viewport_size({"width": size[0], "height": size[1]})


def axe(page: Any, rules: list[str], *, is_by_id: bool) -> Iterator[str]:
    if not AXE.exists():
        return
    only = {"type": "rule" if is_by_id else "tag", "values": rules}
    options = {"runOnly": only, "resultTypes": ["violations"]}
    for one in page.evaluate("options => axe.run(document, options)", options)["violations"]:
        for node in one["nodes"][:3]:
            yield f"{one['id']}: {node['html'][:140]} ({node['failureSummary'][:160]})"
