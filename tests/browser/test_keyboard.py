"""With the keyboard alone: the navigation, a table, a trade, an alert, a menu; no traps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .product import PHONE

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.innerText?.trim() || document.activeElement.ariaLabel || ''"


def tab_to(page: Any, name: str, *, most: int = 80) -> None:
    """Press Tab until what has this name has the focus, and can be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(outline) != "none", f"the focus on {name} cannot be seen"
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_the_navigation_and_a_sort(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/dashboard/")
    tab_to(page, "Markets")
    page.keyboard.press("Enter")
    page.wait_for_url("**/markets/")
    page.locator("#main").focus()
    tab_to(page, "Price")
    page.keyboard.press("Enter")
    page.wait_for_url("**/markets/?sort=-price")


def test_a_trade_from_the_first_field_to_the_order(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/portfolio/")
    page.locator("#trade-coin").focus()
    page.keyboard.type("Eth")
    page.keyboard.press("Tab")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    page.get_by_text("Bought").first.wait_for()


def test_an_alert_and_its_error(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/markets/solana/")
    target = page.locator("[name=target]").first
    target.focus()
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=target][aria-invalid=true]")
    assert page.evaluate("document.activeElement.name") == "target"
    page.keyboard.press("Control+A")
    page.keyboard.type("8888888")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=target]:not([aria-invalid=true])")
    page.goto("/alerts/")
    page.get_by_text("$8,888,888").first.wait_for()


def test_escape_closes_what_is_open(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/markets/")
    page.keyboard.press("/")
    page.keyboard.type("bit")
    page.locator(".suggestions a").first.wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".suggestions a").count() == 0
    assert page.evaluate("document.activeElement.id") == "search"
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.locator(".more summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(".more-sheet").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".more-sheet").is_hidden()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
