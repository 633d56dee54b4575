"""Without JavaScript everything still works: log in, trade, an alert, search, sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_day_without_javascript(person: Callable[..., Any]) -> None:
    bob = person("bob", java_script_enabled=False)
    bob.logs_in()
    assert bob.is_at("/dashboard/")

    bob.opens("Portfolio")
    bob.buys("bitcoin", dollars=25)
    bob.sees("Bought")
    bob.opens("Transactions")
    bob.sees("$25.00")

    bob.visits("/markets/bitcoin/")
    bob.sets_an_alert(target=9_999_999)
    bob.opens("Alerts")
    bob.sees("$9,999,999")

    bob.opens("Markets")
    first = bob.page.locator(".coins tbody tr:first-child .coin-name").inner_text()
    bob.page.get_by_role("link", name="Price", exact=True).click()
    bob.page.wait_for_url("**/markets/?sort=*")
    bob.page.get_by_role("link", name="Price", exact=True).click()
    assert bob.page.locator(".coins tbody tr:first-child .coin-name").inner_text() != first

    bob.page.locator(".topbar .search input").fill("doge")
    bob.page.locator(".topbar .search input").press("Enter")
    bob.page.wait_for_load_state("load")
    bob.sees("Dogecoin")
    bob.logs_out()


def test_a_refused_form_keeps_what_was_typed(person: Callable[..., Any]) -> None:
    bob = person("bob", java_script_enabled=False)
    bob.logs_in()
    bob.opens("Portfolio")
    bob.buys("bitcoin", dollars=99_999_999)
    assert bob.page.locator("#trade-amount").input_value() == "99999999"
    assert bob.page.locator("#trade-amount").get_attribute("aria-invalid") == "true"
