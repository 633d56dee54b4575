"""Prices as they move on a page: painted, aged, lost and found again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Complaints
from .product import Product

pytestmark = pytest.mark.browser

PILL = "[data-live-text]"
#: Functions, not expressions: those are evaluated again and again, which our policy refuses.
IS = "text => document.querySelector('[data-live-text]').textContent === text"


def test_prices_move_without_a_reload(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    page = open_page()
    page.goto("/markets/")
    page.wait_for_function(IS, arg="Live")
    cell = page.locator("td [data-price=bitcoin]")
    before = cell.text_content()
    page.wait_for_function(
        "before => document.querySelector('td [data-price=bitcoin]').textContent !== before",
        arg=before,
    )
    assert re.fullmatch(r"\$[\d,]+\.\d\d", cell.text_content())
    assert complaints == []


def test_a_page_without_connection_says_so_and_finds_back(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.goto("/markets/")
    page.wait_for_function(IS, arg="Live")
    page.context.set_offline(True)
    page.wait_for_function(IS, arg="Offline")
    assert page.locator("[data-live-banner]").is_visible()
    assert "not live" in page.locator("#announcer").text_content()
    page.context.set_offline(False)
    page.wait_for_function(IS, arg="Live")
    assert page.locator("[data-live-banner]").is_hidden()


def test_prices_that_stop_coming_grow_old(open_page: Callable[..., Any], product: Product) -> None:
    page = open_page()
    page.clock.install()
    page.goto("/markets/bitcoin/")
    page.clock.run_for(2000)
    page.wait_for_function(IS, arg="Live")
    product.halt()
    try:
        page.wait_for_timeout(1500)
        page.clock.run_for(301_000)
        assert page.locator(PILL).text_content().startswith("Delayed")
        assert "is-stale" in page.locator(".chart-price [data-price]").get_attribute("class")
    finally:
        product.go_on()


def test_amounts_are_written_alike_by_server_and_browser(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    from cryptopulse import figures

    page = open_page()
    page.goto("/about/")
    values = [
        "97412.2", "1", "0.7832", "0.01234", "2.3e-9", "1e13", "0", "-5", "0.99999", "0.1",
        "0.001", "1e-18", "999.994", "123456.785", "12450", "999999", "-38400000000", "999.5",
        "2.8134", "24.5174", "206.65", "1.0003", "9.99996", "1.00005", "99.99951", "1.005",
    ]  # fmt: skip
    for write in ("money", "price", "compact", "number", "percent"):
        written = page.evaluate(f"values => values.map((v) => pulse.{write}(v))", values)
        assert written == [getattr(figures, write)(value) for value in values], write


def test_live_prices_are_in_the_display_currency(open_page: Callable[..., Any]) -> None:
    page = open_page("bob")
    page.goto("/markets/")
    page.wait_for_function(IS, arg="Live")
    cell = page.locator("td [data-price=bitcoin]")
    drawn = cell.text_content()
    page.wait_for_function(
        "drawn => document.querySelector('td [data-price=bitcoin]').textContent !== drawn",
        arg=drawn,
    )
    assert re.fullmatch(r"¥[\d,]+", drawn)
    assert re.fullmatch(r"¥[\d,]+", cell.text_content())


def test_without_javascript_the_page_is_whole(open_page: Callable[..., Any]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/markets/bitcoin/")
    assert page.locator("svg.chart-fallback").is_visible()
    assert page.locator(PILL).text_content().startswith("As of")
    assert page.locator("[data-theme-toggle]").first.is_hidden()
    page.get_by_role("link", name="1D", exact=True).click()
    assert "range=1d" in page.url
