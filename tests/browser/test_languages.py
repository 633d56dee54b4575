"""A page in German, its scripts and its forms too; and amounts that are hidden and come back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from .product import PHONE

pytestmark = pytest.mark.browser


def choose(page: Any, language: str) -> None:
    page.goto("/settings/")
    page.select_option("[name=language]", language)
    with page.expect_navigation():
        page.locator("[name=language]").evaluate("field => field.form.requestSubmit()")


@pytest.fixture
def german(person: Callable[..., Any]) -> Any:
    """Give the page of somebody who reads German and whom no other test knows."""
    greta = person(f"greta{secrets.token_hex(3)}")
    greta.signs_up()
    choose(greta.page, "de")
    return greta.page


def test_a_german_member_reads_german_words_and_numbers(german: Any, complaints: list[str]) -> None:
    page = german
    page.goto("/markets/")
    assert page.locator("html").get_attribute("lang") == "de"
    assert re.search(r"\$\d{1,3}(\.\d{3})+,\d{2}", page.inner_text("main"))
    pill = page.locator("[data-live-text]")
    page.wait_for_function(
        "() => document.querySelector('[data-live].is-live, [data-live].is-delayed')"
    )
    assert pill.inner_text().split()[0] in {"Live", "Verzögert"}
    said = page.evaluate("pulse.say('Delayed {age}', { age: '5 s' })")
    assert said != "Delayed 5 s"
    assert complaints == []


def test_an_order_is_typed_with_a_comma(german: Any) -> None:
    page = german
    page.goto("/portfolio/")
    page.select_option("#trade-coin", "ethereum")
    page.fill("[name=amount]", "1.5")
    page.press("[name=amount]", "Enter")
    page.get_by_text("Schreiben Sie").first.wait_for()
    page.fill("[name=amount]", "12,5")
    page.press("[name=amount]", "Enter")
    page.get_by_text("gekauft").first.wait_for()


def test_a_visitor_chooses_a_language_on_a_phone(open_page: Callable[..., Any]) -> None:
    page = open_page(size=PHONE)
    page.goto("/about/")
    page.click(".languages button[value=de]")
    page.wait_for_selector("html[lang=de]")
    assert page.url.endswith("/about/")


def test_hidden_amounts_are_not_seen_and_come_back(open_page: Callable[..., Any]) -> None:
    page = open_page("bob")
    page.goto("/dashboard/")
    amounts = page.locator("main .private")
    before, number = amounts.first.inner_text(), amounts.count()
    assert number > 3
    blurred = "all => all.filter(one => getComputedStyle(one).filter.includes('blur')).length"
    assert amounts.evaluate_all(blurred) == 0
    page.click("[data-amounts-toggle]")
    page.mouse.move(0, 0)
    assert amounts.evaluate_all(blurred) == number
    page.reload()
    assert amounts.evaluate_all(blurred) == amounts.count()
    page.click("[data-amounts-toggle]")
    page.mouse.move(0, 0)
    assert amounts.evaluate_all(blurred) == 0
    assert before[0] == amounts.first.inner_text()[0]
