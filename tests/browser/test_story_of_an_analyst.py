"""An analyst reads the market: movers, correlations, screens, a report; and sees nobody's money."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from .people import Person
from .product import PASSWORD
from .staff import (
    doors_that_stay_shut,
    fills,
    is_refused,
    is_refused_to_send,
    lines,
    takes_a_file,
)

pytestmark = pytest.mark.browser

SMALLEST_PAPER = 10_000  # bytes: an empty page is less
NUMBER = re.compile("[\N{MINUS SIGN}-]?[01]\\.\\d\\d")


def test_an_analyst_reads_the_market(person: Callable[..., Any]) -> None:
    ana = person("ana")
    ana.logs_in()
    assert ana.is_at("/portal/analyst/")
    looks_back_over_other_periods(ana)
    compares_chosen_coins(ana)
    screen = screens_with_bad_and_good_filters(ana)
    shares_the_address(ana, person)
    deletes_the_screen(ana, screen)
    prints_a_report(ana)
    compares_on_a_chart(ana)
    turns_the_digest_off_and_on(ana)
    reads_the_news(ana)
    reads_the_statistics(ana)
    may_not_look_at_people_or_money(ana)
    ana.visits("/portal/analyst/")
    ana.logs_out()
    assert ana.has_nothing_to_complain_about()


def looks_back_over_other_periods(ana: Person) -> None:
    for text in ("Market cap", "Breadth", "Dominance", "Gainers", "Losers", "Most traded"):
        ana.sees(text)
    for label, words in (("7 d", "7 d"), ("30 d", "30 d"), ("24 h", "24 h")):
        ana.page.locator(".page-tools").get_by_role("link", name=label).click()
        current = ana.page.locator(".page-tools [aria-current=true]")
        current.filter(has_text=words).wait_for()
        assert words in ana.page.locator("section:has(#gainers-title) .head-side").inner_text()
    file = takes_a_file(ana, ana.page.locator("section:has(#volatile-title) .csv-link"))
    assert len(file) > 1


def compares_chosen_coins(ana: Person) -> None:
    ana.opens("Analysis")
    page = ana.page
    page.locator("details.chooser summary").click()
    boxes = page.locator("fieldset.checks [name=coins]")
    for box in boxes.all():
        if box.is_checked() != (box.get_attribute("value") in {"bitcoin", "ethereum", "solana"}):
            box.locator("xpath=..").click()
    page.locator("label:has([name=days][value='90'])").click()
    ana.presses("Compare")
    page.wait_for_url("**days=90**")
    has_numbers_in_the_heat_map(ana)
    shown = page.locator("#indicators tbody tr")
    assert shown.count() == 3
    bitcoin = shown.filter(has_text="Bitcoin").locator("td.num").all_inner_texts()
    rsi = float(bitcoin[0].split()[0])
    assert 0 <= rsi <= 100
    assert "$" in bitcoin[1]
    for part in ("correlation", "comparison", "returns", "risk", "indicators", "volume"):
        file = takes_a_file(ana, page.locator(f"#{part} .csv-link"))
        cells = {cell.lower() for row in file for cell in row}
        assert {"bitcoin", "ethereum", "solana"} <= cells, part
        assert "simulated" in file[0], part


def has_numbers_in_the_heat_map(ana: Person) -> None:
    cells = ana.page.locator("table.heat td").all_inner_texts()
    assert len(cells) == 9
    assert all(NUMBER.fullmatch(text.strip()) for text in cells), cells
    assert [float(cells[place]) for place in (0, 4, 8)] == [1, 1, 1]


def screens_with_bad_and_good_filters(ana: Person) -> str:
    ana.opens("Screener")
    page = ana.page
    with doors_that_stay_shut(ana):
        fills(ana, **{"Price, at least": "cheap"})
        ana.presses("Apply filters")
        ana.sees("Some filters make no sense.")
        ana.sees("Type a number, such as 12.5 or 1.5M.")
        assert page.get_by_label("Price, at least").input_value() == "cheap"
    fills(ana, **{"Price, at least": "100", "Market cap, at least": "1B"})
    ana.presses("Apply filters")
    page.locator("#found-title").wait_for()
    few = len(lines(ana, ".screened"))
    assert 2 <= few < 40
    page.locator(".screened thead").get_by_role("link", name="Price").click()
    page.locator("th[aria-sort=descending]").filter(has_text="Price").wait_for()
    assert "Bitcoin" in lines(ana, ".screened")[0]
    name = f"Dear and large {secrets.token_hex(2)}"
    saves_as(ana, name)
    shown = takes_a_file(ana, page.locator("section:has(#found-title) .csv-link"))
    assert len(shown) == few + 1
    overwrites(ana, name, few)
    return name


def saves_as(ana: Person, name: str) -> None:
    fills(ana, Save_these_filters_as=name)
    ana.presses("Save")
    ana.sees(f"Saved as {name}.")


def overwrites(ana: Person, name: str, few: int) -> None:
    """Save other filters under the same name; the name brings back the newer ones."""
    page = ana.page
    fills(ana, **{"Price, at least": "1000"})
    ana.presses("Apply filters")
    page.wait_for_url("**min_price=1000**")
    fewer = len(lines(ana, ".screened"))
    assert 1 <= fewer <= few
    saves_as(ana, name)
    ana.follows("Clear all")
    assert page.get_by_label("Price, at least").input_value() == ""
    chips = page.locator(".saved-screens").get_by_role("link", name=name)
    assert chips.count() == 1
    chips.click()
    page.wait_for_url("**min_price=1000**")
    assert len(lines(ana, ".screened")) == fewer


def shares_the_address(ana: Person, person: Callable[..., Any]) -> None:
    erin = person("erin")
    erin.logs_in(PASSWORD)
    erin.visits(ana.page.url)
    assert erin.page.get_by_label("Price, at least").input_value() == "1000"
    coins = [row.locator("th").inner_text() for row in ana.page.locator(".screened tbody tr").all()]
    theirs = erin.page.locator(".screened tbody th").all_inner_texts()
    assert theirs == coins
    assert not erin.page.locator(".saved-screens").count()  # what is saved is one's own


def deletes_the_screen(ana: Person, name: str) -> None:
    ana.page.get_by_role("button", name=f"Delete {name}").click()
    ana.sees("The saved screen is deleted.")
    assert not ana.page.get_by_role("link", name=name).count()


def prints_a_report(ana: Person) -> None:
    ana.opens("Report")
    page, menu = ana.page, ana.page.locator("aside.sidebar")
    for text in ("Simulated prices.", "Summary", "Breadth", "Returns"):
        ana.sees(text)
    assert page.get_by_role("button", name="Print").is_visible()
    page.emulate_media(media="print")
    assert menu.is_hidden()
    assert page.locator(".ticker").is_hidden()
    assert page.locator(".paper").is_visible()
    assert len(page.pdf()) > SMALLEST_PAPER
    page.emulate_media(media="screen")
    assert menu.is_visible()


def compares_on_a_chart(ana: Person) -> None:
    ana.visits("/charts/?coins=bitcoin&range=7d")
    page = ana.page
    page.locator("#add-coin").fill("Ethereum (ETH)")
    page.locator(".add-coin").get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Take Ethereum off").wait_for()
    page.locator("[data-compare] canvas").first.wait_for()
    page.locator("#compare tbody tr").nth(1).wait_for()
    page.locator("#compare").get_by_role("link", name="1M", exact=True).click()
    page.wait_for_url("**range=1m**")
    page.get_by_role("link", name="Take Ethereum off").click()
    page.get_by_role("link", name="Take Ethereum off").wait_for(state="detached")


def turns_the_digest_off_and_on(ana: Person) -> None:
    page = ana.page
    for wanted in (False, True):
        ana.visits("/settings/")
        assert page.get_by_text("Trade confirmations").count() == 0  # nobody's trade is theirs
        box = page.locator("[name=digest][value=email]")
        if box.is_checked() != wanted:
            box.locator("xpath=..").click()
        ana.presses("Save settings")
        ana.sees("Settings saved.")
        ana.visits("/settings/")
        assert page.locator("[name=digest][value=email]").is_checked() is wanted


def reads_the_news(ana: Person) -> None:
    ana.opens("News")
    ana.page.get_by_label("Coin", exact=True).select_option("bitcoin")
    ana.presses("Show")
    ana.sees("About Bitcoin")
    ana.sees("Bitcoin holds its range")


def reads_the_statistics(ana: Person) -> None:
    ana.opens("Statistics")
    for text in ("Growth", "Accounts by role", "Fresh enough to trade on"):
        ana.sees(text)


def may_not_look_at_people_or_money(ana: Person) -> None:
    with doors_that_stay_shut(ana):
        for path in ("/users/", "/activity/", "/portfolio/", "/transactions/", "/dashboard/"):
            is_refused(ana, path)
        is_refused_to_send(ana, "/portfolio/trade/", side="buy", coin_id="bitcoin")
        assert not ana.page.get_by_role("link", name="Django admin").count()
