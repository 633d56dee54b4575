"""Every page, for everybody who may see it: drawn without an error, wide and narrow, in both
themes, without scrolling sideways, and without a finding of axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Complaints
from .product import DESKTOP, EVERYBODYS_PAGES, PHONE, ROLE_PAGES, ROOT, VISITOR_PAGES

pytestmark = pytest.mark.browser

WHO = ("", *ROLE_PAGES)
#: Comes by npm; without it the rest is looked at all the same.
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHARTS_ARE_DRAWN = (
    "() => !window.LightweightCharts"
    " || [...document.querySelectorAll('[data-chart]')].every((one) => 'ready' in one.dataset)"
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pages_of(who: str) -> tuple[str, ...]:
    return (*ROLE_PAGES[who], *EVERYBODYS_PAGES) if who else VISITOR_PAGES


@pytest.mark.parametrize("who", WHO, ids=[who or "visitor" for who in WHO])
def test_pages_draw_wide_and_narrow_in_both_themes(
    open_page: Callable[..., Any], complaints: Complaints, who: str
) -> None:
    page = open_page(who, reduced_motion="reduce")
    if AXE.exists():
        page.add_init_script(path=AXE)
    found: list[str] = []
    for path in pages_of(who):
        for size, theme in ((DESKTOP, "dark"), (PHONE, "light")):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            response = page.goto(path)
            assert response.status == 200, path
            page.wait_for_function(CHARTS_ARE_DRAWN)
            where = f"{path} at {size[0]} px, {theme}"
            found += [f"{where}: {finding}" for finding in findings(page, size[0])]
    assert found == []
    assert complaints == []


def findings(page: Any, width: int) -> list[str]:
    """Return what is wrong with the page as it is drawn now."""
    found = []
    if (actual := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"scrolls sideways: {actual} px wide")
    if AXE.exists():
        answer = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        found += [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in answer["violations"]]
    return found
