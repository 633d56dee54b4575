"""Pages in use: keys, menus, stars, search, themes, sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Complaints
from .product import PHONE

pytestmark = pytest.mark.browser


def test_the_keyboard_reaches_everything_in_order(open_page: Callable[..., Any]) -> None:
    page = open_page("alice")
    page.goto("/markets/")
    page.keyboard.press("Tab")
    focused = "document.activeElement.innerText || document.activeElement.ariaLabel"
    assert page.evaluate(focused) == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_search_suggests_and_arrows_walk(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    page = open_page()
    page.goto("/markets/")
    page.keyboard.press("/")
    with page.expect_response(lambda response: response.url.endswith("=ethereum")):
        page.keyboard.type("ethereum")
    page.locator(".suggestions a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/markets/ethereum/")
    assert complaints == []


def test_sorting_swaps_the_table_and_back_returns(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    page = open_page()
    page.goto("/markets/")
    first = page.text_content(".coins tbody tr:first-child .coin-name")
    page.get_by_role("link", name="Price", exact=True).click()
    page.wait_for_selector("th[aria-sort=descending] >> text=Price")
    assert page.url.endswith("/markets/?sort=-price")
    page.go_back()
    page.wait_for_function(
        "first => document.querySelector('.coins tbody tr:first-child .coin-name')"
        "?.textContent === first",
        arg=first,
    )
    assert complaints == []


def test_a_star_is_kept(open_page: Callable[..., Any], complaints: Complaints) -> None:
    page = open_page("ana")
    page.goto("/markets/")
    star = page.get_by_role("button", name="Watch Ethereum", exact=True)
    star.click()
    page.wait_for_selector("button[aria-label='Watch Ethereum'][aria-pressed=true]")
    page.goto("/watchlist/")
    page.get_by_role("row").get_by_role("link", name="Ethereum").wait_for()
    assert complaints == []


def test_the_theme_changes_and_stays(open_page: Callable[..., Any]) -> None:
    page = open_page(color_scheme="light")
    page.goto("/markets/")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Switch colour theme").click()
    dark = page.evaluate(background)
    assert dark != light
    page.goto("/news/")
    assert page.evaluate(background) == dark


def test_the_tape_can_be_stopped(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.goto("/markets/")
    pause = page.get_by_role("button", name="Pause the ticker")
    pause.click()
    assert pause.get_attribute("aria-pressed") == "true"
    state = "getComputedStyle(document.querySelector('.ticker-track')).animationPlayState"
    page.mouse.move(700, 700)
    page.keyboard.press("Escape")
    assert page.evaluate(state) == "paused"


def test_less_motion_stands_still(open_page: Callable[..., Any]) -> None:
    page = open_page(reduced_motion="reduce")
    page.goto("/markets/")
    name = "getComputedStyle(document.querySelector('.ticker-track')).animationName"
    assert page.evaluate(name) == "none"


def test_the_menu_of_a_phone_opens_and_closes(open_page: Callable[..., Any]) -> None:
    page = open_page("alice", size=PHONE)
    page.goto("/markets/")
    page.locator(".more summary").click()
    sheet = page.locator(".more-sheet")
    assert sheet.get_by_role("link", name="Watchlist").is_visible()
    page.keyboard.press("Escape")
    assert sheet.is_hidden()


def test_both_palettes_draw(open_page: Callable[..., Any], complaints: Complaints) -> None:
    page = open_page()
    page.goto("/markets/")
    rising = "getComputedStyle(document.querySelector('.change.is-up')).color"
    green = page.evaluate(rising)
    page.evaluate("document.documentElement.dataset.trend = 'blue-orange'")
    assert page.evaluate(rising) != green
    assert complaints == []
