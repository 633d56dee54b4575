"""People at a browser, in words: what a story of a role is told with.

alice = person("alice")
alice.logs_in()
alice.opens("Portfolio")
alice.buys("bitcoin", dollars=100)
alice.sees("Bought")
alice.logs_out()
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from .conftest import Complaints
from .product import PASSWORD

NEW_PASSWORD = "seven quiet otters swim"


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, name: str, page: Any, complaints: Complaints) -> None:
        self.name, self.page, self.complaints = name, page, complaints

    # --- Coming and going

    def logs_in(self, password: str = PASSWORD) -> None:
        self.visits("/accounts/login/")
        self.page.fill("input[name=login]", self.name)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)

    def signs_up(self, password: str = NEW_PASSWORD) -> None:
        self.visits("/accounts/signup/")
        self.page.fill("input[name=username]", self.name)
        self.page.fill("input[name=email]", f"{self.name}@example.com")
        self.page.fill("input[name=password1]", password)
        self.page.fill("input[name=password2]", password)
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_url("**/dashboard/")

    def logs_out(self) -> None:
        self.page.get_by_role("button", name="Log out").first.click()
        self.page.wait_for_url(lambda url: urlsplit(url).path == "/")

    def visits(self, path: str) -> int:
        """Type an address; return the answer's status."""
        return int(self.page.goto(path).status)

    def opens(self, name: str) -> None:
        """Follow a link of the navigation."""
        menu = self.page.get_by_role("navigation", name="Main")
        menu.get_by_role("link", name=name, exact=True).click()
        self.page.wait_for_load_state("load")

    def follows(self, name: str) -> None:
        """Follow a link of the page itself."""
        self.page.locator("main").get_by_role("link", name=name).first.click()
        self.page.wait_for_load_state("load")

    def presses(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name).first.click()

    # --- What they do

    def buys(self, coin_id: str, *, dollars: float) -> None:
        form = self._trade("buy", coin_id)
        form.locator("[name=amount]").fill(str(dollars))
        form.get_by_role("button", name="Place order").click()

    def sells(self, coin_id: str, *, quantity: float) -> None:
        form = self._trade("sell", coin_id)
        form.locator("[name=quantity]").fill(str(quantity))
        form.get_by_role("button", name="Place order").click()

    def _trade(self, side: str, coin_id: str) -> Any:
        form = self.page.locator("form:has(#trade-coin)")
        form.locator(f"label:has([name=side][value={side}])").click()
        form.locator("#trade-coin").select_option(coin_id)
        return self.page.locator("form:has(#trade-coin)")

    def fills_a_trade(self, side: str, coin_id: str, *, amount: str) -> None:
        self._trade(side, coin_id).locator("[name=amount]").fill(amount)

    def sets_an_alert(self, *, target: float) -> None:
        """Fill in the alert of this page: its coin rises to the target."""
        form = self.page.locator("form:has([name=target])").first
        form.locator("[name=target]").fill(str(target))
        form.get_by_role("button", name="Create alert").click()

    def searches(self, text: str) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)

    # --- What they see

    def sees(self, text: str | re.Pattern[str]) -> None:
        self.page.get_by_text(text).first.wait_for()

    def stays_on_this_page(self) -> None:
        """Mark the page as it is: a reload would take the mark away."""
        self.page.evaluate("document.documentElement.dataset.stays = 'here'")

    def has_stayed(self) -> None:
        assert self.page.evaluate("document.documentElement.dataset.stays") == "here"

    def is_at(self, path: str) -> bool:
        return str(urlsplit(self.page.url).path) == path

    @property
    def headline(self) -> str:
        return str(self.page.locator("h1").first.inner_text())

    def has_nothing_to_complain_about(self) -> bool:
        assert not self.complaints, self.complaints
        return True
