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
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pages_of(who: str) -> tuple[str, ...]:
    return (*ROLE_PAGES[who], *EVERYBODYS_PAGES) if who else VISITOR_PAGES


@pytest.mark.parametrize("who", WHO, ids=[who or "visitor" for who in WHO])
def test_pages_draw_wide_and_narrow_in_both_themes(
    open_page: Callable[..., Any], complaints: Complaints, who: str
) -> None:
    page = open_page(who)
    sideways = []
    for path in pages_of(who):
        for size, theme in ((DESKTOP, "dark"), (PHONE, "light")):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=theme)
            response = page.goto(path)
            assert response.status == 200, path
            page.wait_for_load_state("networkidle")
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > size[0]:
                sideways.append(f"{path} is {width} px wide at {size[0]}")
    assert sideways == []
    assert complaints == []


@pytest.mark.parametrize("who", WHO, ids=[who or "visitor" for who in WHO])
def test_axe_finds_nothing(chromium: Any, product: Any, who: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    from .conftest import log_in

    context = chromium.new_context(base_url=product.url, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    found = []
    if who:
        log_in(page, who)
    for path in pages_of(who):
        for size, theme in ((DESKTOP, "dark"), (PHONE, "light")):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.add_script_tag(path=str(AXE))
            answer = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
            found += [
                f"{path} {size[0]} {theme}: {finding['id']}: {finding['nodes'][0]['html'][:160]}"
                for finding in answer["violations"]
            ]
    context.close()
    assert found == []
