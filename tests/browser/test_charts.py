"""The chart: drawn by the server, taken over by lightweight-charts, grown by ticks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Complaints
from .product import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (ROOT / "node_modules" / "lightweight-charts").exists(),
        reason="lightweight-charts is not installed: npm ci --ignore-scripts",
    ),
]


def test_ranges_and_kinds_change_the_chart(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    page = open_page()
    page.goto("/markets/bitcoin/")
    page.wait_for_selector("[data-chart][data-ready='7d'] canvas")
    assert page.locator("svg.chart-fallback").count() == 0
    page.get_by_role("link", name="1Y").click()
    page.wait_for_selector("[data-chart][data-ready='1y']")
    assert "BTC over 1y: from $" in page.text_content("[data-chart-summary]")
    assert page.url.endswith("/markets/bitcoin/")
    line = page.get_by_role("button", name="Line")
    line.click()
    assert line.get_attribute("aria-pressed") == "true"
    assert complaints == []


def test_a_tick_moves_the_last_candle(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.goto("/markets/bitcoin/?range=1h")
    page.wait_for_selector("[data-chart][data-ready='1h']")
    last = "document.querySelector('[data-chart]').priceChart.candles.data().at(-1).close"
    before = page.evaluate(last)
    page.wait_for_function(f"before => {last} !== before", arg=before)


def test_history_that_does_not_load_says_so_and_loads_again(
    open_page: Callable[..., Any],
) -> None:
    page = open_page()
    page.route("**/chart/?range=*", lambda route: route.abort())
    page.goto("/markets/bitcoin/")
    message = page.locator("[data-chart-message]")
    message.get_by_text("did not load").wait_for()
    page.unroute("**/chart/?range=*")
    message.get_by_role("button", name="Try again").click()
    page.wait_for_selector("[data-chart][data-ready='7d']")
    assert message.is_hidden()


def test_a_gap_in_the_history_stays_a_gap(open_page: Callable[..., Any]) -> None:
    page = open_page()
    hours = [0, 1, 2, 6, 7]
    candles = [[1763632800 + 3600 * hour, "1", "2", "0.5", "1.5", None] for hour in hours]
    answer = {"id": "bitcoin", "range": "7d", "seconds": 3600, "candles": candles}
    page.route(
        "**/chart/?range=*",
        lambda route: route.fulfill(body=json.dumps(answer), content_type="application/json"),
    )
    page.goto("/markets/bitcoin/")
    page.wait_for_selector("[data-chart][data-ready='7d']")
    places = page.evaluate(
        "times => times.map((time) => document.querySelector('[data-chart]')"
        ".priceChart.chart.timeScale().timeToIndex(time))",
        [candle[0] for candle in candles],
    )
    assert [place - places[0] for place in places] == hours


def test_the_comparison_becomes_interactive(
    open_page: Callable[..., Any], complaints: Complaints
) -> None:
    page = open_page("ana")
    page.goto("/charts/?coins=bitcoin&coins=ethereum&range=7d")
    page.wait_for_selector("[data-compare][data-ready] canvas")
    assert complaints == []
