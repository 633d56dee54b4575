"""A user's days: the dashboard, charts, trades, alerts, portfolios, lists; from log-in to log-out.

What they set for themselves, and how they keep their account safe, is told in
test_settings_in_the_browser.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .people import Person
from .product import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (ROOT / "node_modules" / "lightweight-charts").exists(),
        reason="lightweight-charts is not installed: npm ci --ignore-scripts",
    ),
]

VALUE = "[data-own=value]"
BITCOIN_NOW = ".chart-price [data-price=bitcoin]"


#: Notes what pops up, and what a screen reader is told.
LISTEN = """() => {
  window.heard = { toasts: [], spoken: [] };
  const note = (place, take) =>
    new MutationObserver(take).observe(document.querySelector(place), { childList: true });
  note("#toasts", (changes) => {
    for (const { addedNodes } of changes)
      for (const toast of addedNodes) heard.toasts.push(toast.querySelector("b").textContent);
  });
  note("#announcer", () => heard.spoken.push(document.querySelector("#announcer").textContent));
}"""


def test_a_user_reads_the_dashboard_and_the_market(person: Callable[..., Any]) -> None:
    alice = person("alice@example.com")
    alice.logs_in()
    assert alice.is_at("/dashboard/")
    page = alice.page
    assert amount(page.text_content(VALUE)) > 1000
    assert page.locator("[data-own-change=profit]").inner_text()
    assert page.locator(".stat--hero svg.spark").is_visible()
    assert page.get_by_role("region", name="Allocation").get_by_text("Bitcoin").first.is_visible()
    alice.stays_on_this_page()
    changes(page, BITCOIN_NOW)
    changes(page, VALUE)
    alice.has_stayed()

    reads_the_chart(alice)
    page.get_by_role("region", name="Markets").get_by_role("link", name="Losers").click()
    page.wait_for_selector("#glance a[aria-current]:has-text('Losers')")
    assert "is-up" not in page.locator("#glance tbody .change").first.get_attribute("class")
    alice.has_stayed()
    looks_through_the_markets(alice)
    compares_coins(alice)
    reads_the_news(alice)
    alice.logs_out()
    assert alice.has_nothing_to_complain_about()


def reads_the_chart(alice: Person) -> None:
    page = alice.page
    page.locator("[data-ranges]").get_by_role("link", name="1M", exact=True).click()
    page.wait_for_selector("[data-chart][data-ready='1m'] canvas")
    page.get_by_role("button", name="Line").click()
    page.locator("[data-indicators] summary").click()
    page.get_by_role("checkbox", name="RSI").check()
    page.wait_for_selector("[data-legend] :text('RSI')")
    page.keyboard.press("Escape")
    newest = page.text_content("[data-when]")
    page.locator("[data-chart-canvas]").hover(position={"x": 200, "y": 120})
    page.wait_for_function(
        "newest => document.querySelector('[data-when]').textContent !== newest", arg=newest
    )
    page.reload()  # what was chosen is remembered
    page.wait_for_selector("[data-chart][data-ready='1m'] canvas")
    assert page.get_by_role("button", name="Line").get_attribute("aria-pressed") == "true"
    page.wait_for_selector("[data-legend] :text('RSI')")
    alice.stays_on_this_page()


def looks_through_the_markets(alice: Person) -> None:
    alice.opens("Markets")
    page = alice.page
    page.get_by_role("link", name="Gainers").click()
    page.wait_for_selector("#coins a[aria-current]:has-text('Gainers')")
    page.get_by_role("link", name="Price", exact=True).click()
    page.wait_for_selector("th[aria-sort=descending]:has-text('Price')")
    page.get_by_role("link", name="Top", exact=True).click()
    page.wait_for_selector("#coins a[aria-current]:has-text('Top')")
    page.get_by_role("button", name="Watch Litecoin", exact=True).click()
    page.wait_for_selector("button[aria-label='Watch Litecoin'][aria-pressed=true]")
    alice.opens("Watchlist")
    page.locator("#watched").get_by_role("link", name="Litecoin").wait_for()
    page.locator("#watched").get_by_role("button", name="Watch Litecoin").click()
    page.wait_for_selector("#watched button[aria-label='Watch Litecoin'][aria-pressed=false]")
    page.reload()
    assert page.locator("#watched").get_by_role("link", name="Litecoin").count() == 0
    alice.searches("solana")
    page.locator(".suggestions a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/markets/solana/")
    held = page.get_by_role("region", name="Your Solana")
    assert "SOL" in held.inner_text()
    changes(page, "[data-value-of=solana]")


def compares_coins(alice: Person) -> None:
    page = alice.page
    page.get_by_label("with", exact=True).select_option("ethereum")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_selector("[data-compare][data-ready] canvas")
    page.get_by_label("Add a coin", exact=True).last.fill("Bitcoin (BTC)")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Take Bitcoin off").wait_for()
    page.get_by_role("group", name="Time range").get_by_role("link", name="1M").click()
    page.wait_for_selector("#compare a[aria-current]:has-text('1M')")
    shared = page.url
    alice.visits("/watchlist/")
    alice.visits(shared)
    for name in ("Solana", "Ethereum", "Bitcoin"):
        assert page.get_by_role("link", name=f"Take {name} off").is_visible()
    assert page.locator("#compare a[aria-current]").inner_text() == "1M"
    page.get_by_role("link", name="Take Ethereum off").click()
    page.wait_for_selector("a[aria-label='Take Ethereum off']", state="detached")


def reads_the_news(alice: Person) -> None:
    alice.opens("News")
    alice.page.get_by_role("combobox", name="Coin").select_option("ethereum")
    alice.presses("Show")
    alice.sees("About Ethereum")
    alice.sees("Funds add to Ethereum for a fourth week")
    assert alice.page.get_by_text("Solana validators agree").count() == 0
    alice.follows("All news")
    alice.sees("Solana validators agree")


def test_a_user_trades(person: Callable[..., Any]) -> None:
    tom = person("tom")
    tom.signs_up()
    page = tom.page
    tom.stays_on_this_page()
    tom.fills_a_trade("buy", "bitcoin", amount="99999")
    preview = page.locator("#trade-help")
    preview.get_by_text("You have $10,000.00, which is less than $99,999.00.").wait_for()
    tom.presses("Place order")
    page.wait_for_selector("#trade-error")
    assert "$10,000.00" in page.inner_text("#trade-error")
    assert page.input_value("#trade-amount") == "99999"

    page.fill("#trade-amount", "1000")
    preview.get_by_text(re.compile(r"You get [\d.]+ BTC for \$1,000\.00")).wait_for()
    said = preview.inner_text()
    assert "$9,000.00 cash" in said
    assert re.search(r"Price \$[\d,.]+, \d+\s+s ago", said)
    tom.presses("Place order")
    tom.sees("Bought")
    page.wait_for_selector("[data-bell].has-dot")
    page.get_by_role("region", name="Activity").get_by_text("Bought").first.wait_for()
    page.wait_for_function(
        "() => document.querySelector('#dashboard-summary').innerText.includes('$9,000.00')"
    )
    page.get_by_role("region", name="Allocation").get_by_text("Bitcoin").first.wait_for()
    tom.has_stayed()

    tom.opens("Portfolio")
    tom.stays_on_this_page()
    holdings = page.get_by_role("region", name="Holdings").first
    assert holdings.get_by_role("link", name="Bitcoin").first.is_visible()
    tom.buys("ethereum", dollars=500)
    holdings.get_by_role("link", name="Ethereum").first.wait_for()
    page.locator("#portfolio-books").get_by_role("row", name=re.compile("Buy.*Ethereum")).wait_for()
    tom.has_stayed()
    holdings.get_by_role("link", name="Sell Bitcoin").click()
    page.wait_for_selector("[name=side][value=sell]:checked", state="attached")
    page.locator("[name=sell_all]").press("Space")
    page.locator("#trade-help").get_by_text("0 BTC").wait_for()
    tom.presses("Place order")
    tom.sees("Sold")
    tom.opens("Portfolio")
    holdings = page.get_by_role("region", name="Holdings").first
    assert holdings.get_by_role("link", name="Ethereum").first.is_visible()
    assert holdings.get_by_role("link", name="Bitcoin").count() == 0
    reads_the_bell(tom)
    tom.logs_out()
    assert [one for one in tom.complaints if "422" not in one] == []


def reads_the_bell(tom: Person) -> None:
    page = tom.page
    page.locator("[data-bell]:visible").click()
    page.wait_for_url("**/notifications/")
    assert "3 new" in page.inner_text("#bell-title")
    tom.sees("Sold")
    tom.presses("Mark all as read")
    page.wait_for_selector("#bell[data-unread='0']")
    page.reload()
    assert page.locator("[data-bell].has-dot").count() == 0


def test_a_user_is_told_of_prices(person: Callable[..., Any]) -> None:
    ally = person("ally")
    ally.signs_up()
    ally.opens("Alerts")
    page = ally.page
    coin = page.get_by_role("combobox", name="Coin")
    coin.fill("bitc")
    page.locator("#alert-coins [role=option]").first.click()
    price = amount(page.locator("[data-alert-now]").inner_text().split("$")[1].split(" ")[0])
    target = page.get_by_label("Target price")
    hint = page.locator("[data-alert-hint]")
    target.fill(f"{price / 2:.2f}")
    hint.get_by_text("The price is at or above that already").wait_for()
    target.fill(f"{price * 2:.2f}")
    hint.get_by_text(re.compile(r"Fires at \+(99|100)\.\d\d% from now")).wait_for()
    ally.presses("Create alert")
    row = page.locator("tr[data-alert]").first
    row.wait_for()
    way = row.locator("[data-alert-distance]")
    assert re.fullmatch(r"\d+\.\d\d% up", way.inner_text())
    page.wait_for_function(
        "was => document.querySelector('[data-alert-distance]').innerText !== was",
        arg=way.inner_text(),
    )
    pauses_copies_changes(ally, price)
    is_told_once(ally)
    ally.logs_out()
    assert [one for one in ally.complaints if "422" not in one] == []


def pauses_copies_changes(ally: Person, price: float) -> None:
    page = ally.page
    rows = page.locator("tr[data-alert]")
    rows.get_by_role("button", name="Pause").click()
    page.wait_for_selector("tr[data-alert-state=paused]")
    rows.get_by_role("button", name="Resume").click()
    page.wait_for_selector("tr[data-alert-state=armed]")
    rows.get_by_role("link", name="Copy").click()
    page.get_by_label("Target price").fill(f"{price * 3:.2f}")
    ally.presses("Create alert")
    page.wait_for_function("() => document.querySelectorAll('tr[data-alert]').length === 2")
    rows.first.get_by_role("link", name="Change").click()
    page.get_by_label("Target price").fill(f"{price * 4:.2f}")
    ally.presses("Save alert")
    changed = f"${price * 4:,.2f}"
    page.wait_for_selector(f"tr[data-alert]:has-text('{changed}')")
    page.locator(f"tr[data-alert]:has-text('{changed}')").get_by_role(
        "button", name="Delete"
    ).click()
    page.wait_for_function("() => document.querySelectorAll('tr[data-alert]').length === 1")


def is_told_once(ally: Person) -> None:
    """Wait on both sides of the price: the next ticks reach one of the two."""
    page = ally.page
    page.evaluate(LISTEN)
    waits_near_the_price(page, "above", 1.0002, alerts=2)
    waits_near_the_price(page, "below", 0.9998, alerts=3)
    page.wait_for_selector("tr[data-alert-state=fired]", timeout=40_000)
    line = page.locator("#fired tbody tr", has_text=re.compile(r"Bitcoin (fell|rose) to \$")).first
    line.get_by_text("In app: sent").wait_for()
    what = line.locator("th a").first.inner_text()
    heard = page.evaluate("window.heard")
    assert heard["toasts"].count(what) == 1
    assert [one for one in heard["spoken"] if one.startswith(what)] != []
    bell = page.locator("[data-bell]:visible")
    assert re.fullmatch("Notifications, [12] new", bell.get_attribute("aria-label"))
    bell.click()
    page.wait_for_url("**/notifications/")
    ally.sees(what)


def waits_near_the_price(page: Any, condition: str, part: float, *, alerts: int) -> None:
    """Create an alert; begin again while the price moves past the target before it is there."""
    rows = page.locator("tr[data-alert]")
    for _ in range(10):
        now = amount(page.locator("[data-alert-now]").inner_text().split("$")[1].split(" ")[0])
        page.get_by_label("When the price").select_option(condition)
        page.get_by_label("Target price").fill(f"{now * part:.2f}")
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.get_by_role("button", name="Create alert").click()
        page.wait_for_timeout(500)
        if rows.count() == alerts:
            return
    raise AssertionError(f"no alert {condition} could be made")


def test_a_user_keeps_portfolios(person: Callable[..., Any], tmp_path: Path) -> None:
    alice = person("alice")
    alice.logs_in()
    alice.opens("Portfolio")
    page = alice.page
    page.get_by_role("navigation", name="Portfolios").get_by_role("link", name="Main").click()
    alice.sees("All in BTC since the start")
    risk = page.get_by_role("region", name="Risk")
    for label in ("1D", "All"):
        page.get_by_role("navigation", name="Range").get_by_role("link", name=label).click()
        page.wait_for_selector(f"#equity a[aria-current]:has-text('{label}')")
    risk.get_by_text(re.compile(r"^\d+\.\d%$")).first.wait_for()
    assert re.search(r"Volatility\s+\d+\.\d%", risk.inner_text())

    page.get_by_label("Another one, with a start balance of its own").fill("Careful")
    alice.presses("Create portfolio")
    page.wait_for_load_state("load")
    assert alice.headline == "Careful"
    alice.opens("Dashboard")  # what is chosen is remembered
    assert "$10,000.00" in page.text_content(VALUE)
    alice.opens("Portfolio")
    assert alice.headline == "Careful"
    alice.buys("solana", dollars=300)
    alice.sees("Bought")
    begins_anew(alice)
    takes_the_trades_elsewhere(alice, tmp_path / "trades.csv")
    alice.logs_out()
    assert [one for one in alice.complaints if "422" not in one] == []


def begins_anew(alice: Person) -> None:
    page = alice.page
    page.get_by_text("Begin anew or remove").click()
    page.locator("#reset-name").fill("careful?")
    page.get_by_role("button", name="Begin anew").click()
    page.wait_for_selector("#portfolio-error")
    assert page.input_value("#reset-name") == "careful?"
    page.locator("#reset-name").fill("Careful")
    page.get_by_role("button", name="Begin anew").click()
    alice.sees("Nothing but cash yet")


def takes_the_trades_elsewhere(alice: Person, path: Path) -> None:
    """Export the trades of one portfolio and import them as another: it comes to the same."""
    page = alice.page
    page.get_by_role("navigation", name="Portfolios").get_by_role("link", name="Main").click()
    page.wait_for_load_state("load")
    before = holdings(page)
    alice.visits("/portfolio/transactions/")
    page.get_by_role("textbox", name="Coin").fill("ETH")
    page.get_by_label("Side").select_option("sell")
    alice.presses("Show")
    page.wait_for_url("**side=sell**")
    rows = page.locator("main tbody tr")
    assert {row.locator(".badge").first.inner_text() for row in rows.all()} == {"Sell"}
    assert rows.get_by_role("link", name="Ethereum").count() == rows.count()
    page.locator("main").get_by_role("link", name="Clear").click()
    page.wait_for_load_state("load")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    download.value.save_as(path)

    alice.visits("/portfolio/import/")
    page.get_by_label("Name of the new portfolio").fill("Again")
    page.get_by_label("Start balance").fill("10000")
    page.get_by_label("CSV file").set_input_files(path)
    page.get_by_role("button", name="Check").click()
    page.get_by_text("This is what it becomes").wait_for()
    page.get_by_role("button", name=re.compile("Import \\d+ trades")).click()
    page.wait_for_url("**/portfolio/**")
    if alice.headline != "Again":
        alice.visits("/portfolio/")
        page.get_by_role("navigation", name="Portfolios").get_by_role("link", name="Again").click()
        page.wait_for_load_state("load")
    assert holdings(page) == before


def holdings(page: Any) -> list[str]:
    """Return the cash and what is held, as the portfolio page says it."""
    cash = page.locator(".summary .stat", has_text="Cash").locator(".stat-value").inner_text()
    rows = page.locator("section:has(#holdings-title) tbody tr")
    held = [
        f"{row.locator('th .coin-name').inner_text()}: {row.locator('td').first.inner_text()}"
        for row in rows.all()
    ]
    return [cash, *sorted(held)]


def changes(page: Any, selector: str) -> None:
    """Wait until the text of this place is another one."""
    page.wait_for_function(
        "([selector, was]) => document.querySelector(selector).textContent !== was",
        arg=[selector, page.text_content(selector)],
    )


def amount(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))
