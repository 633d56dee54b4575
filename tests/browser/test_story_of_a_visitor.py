"""A visitor looks around, signs up, and finds a dashboard that says what to do first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

NEW_PASSWORD = "seven quiet otters swim"


def test_a_visitor_looks_around_signs_up_and_trades(person: Callable[..., Any]) -> None:
    visitor = person("vera")
    visitor.visits("/")
    visitor.sees("Sign up")
    visitor.opens("Markets")
    visitor.follows("Bitcoin")
    assert visitor.is_at("/markets/bitcoin/")
    visitor.page.wait_for_selector("[data-chart] svg, [data-chart] canvas")
    assert visitor.visits("/dashboard/") == 200
    assert visitor.is_at("/accounts/login/")  # and back here afterwards

    visitor.visits("/accounts/signup/")
    page = visitor.page
    page.fill("input[name=username]", "vera")
    page.fill("input[name=email]", "vera@example.com")
    page.fill("input[name=password1]", NEW_PASSWORD)
    if page.locator("input[name=password2]").count():
        page.fill("input[name=password2]", NEW_PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/dashboard/")
    visitor.sees("$10,000.00")

    visitor.buys("bitcoin", dollars=250)
    visitor.sees("Bought")
    visitor.opens("Portfolio")
    visitor.sees("$9,750.00")
    visitor.logs_out()
    assert visitor.has_nothing_to_complain_about()
