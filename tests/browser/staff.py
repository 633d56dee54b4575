"""What stories of the staff have in common: files they take, doors that stay shut, their admin."""

from __future__ import annotations

import csv
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .people import Person
from .product import PASSWORD

#: What a browser says by itself about an answer that refuses.
REFUSALS = ("403 ", "422 ", "Failed to load resource")


def somebody_new(person: Callable[..., Any], name: str) -> Person:
    """Sign somebody up whom no other test knows, in a browser of their own."""
    newcomer: Person = person(f"{name}-{secrets.token_hex(3)}")
    newcomer.signs_up(PASSWORD)
    return newcomer


@contextmanager
def doors_that_stay_shut(one: Person) -> Iterator[None]:
    """Let pages refuse what is done here; everything else is still complained about."""
    assert one.has_nothing_to_complain_about()
    yield
    assert [text for text in one.complaints if not text.startswith(REFUSALS)] == []
    one.complaints.clear()


def is_refused(one: Person, path: str) -> None:
    """Type an address that is for other roles: a page says so in a sentence."""
    assert one.visits(path) == 403, path
    one.sees("Your role does not let you")


def is_refused_to_send(one: Person, path: str, **fields: str) -> None:
    """Send a form that is for other roles, with one's own cookies and token."""
    token = next(c["value"] for c in one.page.context.cookies() if c["name"] == "csrftoken")
    headers = {"X-CSRFToken": token, "Referer": one.page.url}
    answer = one.page.request.post(path, form=fields, headers=headers)
    assert answer.status == 403, path
    refusals = ("Your role does not let you", "You cannot change", "Forbidden", "may not")
    assert any(words in answer.text() for words in refusals), answer.text()[:2000]


def takes_a_file(one: Person, link: Any) -> list[list[str]]:
    """Click on a link to a CSV file; return its rows, the header first."""
    with one.page.expect_download() as download:
        link.click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.reader(text.splitlines()))


def is_told_why_at_the_log_in(one: Person, reason: str) -> None:
    """Log in with the right password, and read why that is not enough."""
    one.visits("/accounts/login/")
    one.page.fill("input[name=login]", one.name)
    one.page.fill("input[name=password]", PASSWORD)
    one.page.press("input[name=password]", "Enter")
    one.sees(reason)


def fills(one: Person, **fields: str) -> None:
    """Type into the boxes of these labels; a _ is a space."""
    for label, text in fields.items():
        one.page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def lines(one: Person, table: str = "main table") -> list[str]:
    """Return the text of each line of the first table."""
    return list(one.page.locator(table).first.locator("tbody tr").all_inner_texts())


def opens_the_django_admin(one: Person) -> None:
    """Go there by the navigation: nobody has to log in a second time."""
    one.opens("Django admin")
    assert one.is_at("/admin/")
    one.sees("Site administration")


def list_of_the_admin(one: Person, path: str, *, search: str = "") -> list[str]:
    """Open a list of the Django admin, search it as people do; return its lines."""
    assert one.visits(f"/admin/{path}/") == 200
    if search:
        box = one.page.locator("#searchbar")
        box.fill(search)
        with one.page.expect_navigation():
            box.press("Enter")
    return lines(one, "#result_list")


def reads_money_and_changes_none(one: Person) -> None:
    """Look at a transaction in the Django admin: it has no field, and what is sent is refused."""
    page = one.page
    assert list_of_the_admin(one, "portfolio/transaction", search="alice")
    page.locator("#result_list tbody a[href*=change]").first.click()
    page.wait_for_url(re.compile("/change/"))
    assert page.locator("form [name=quantity], form [name=amount], [name=_save]").count() == 0
    is_refused_to_send(one, page.url, quantity="1000000", _save="Save")
    is_refused_to_send(one, "/admin/portfolio/transaction/add/", quantity="1")
    assert one.visits("/admin/portfolio/portfolio/add/") == 403


def chooses_in_the_admin(one: Person, name: str, action: str, **fields: str) -> None:
    """Tick somebody in the list of users and run an action on them."""
    list_of_the_admin(one, "accounts/user", search=name)
    page = one.page
    page.locator("#result_list tbody input[type=checkbox]").first.check()
    page.locator("select[name=action]").select_option(label=action)
    for field, text in fields.items():
        page.locator(f"[name={field}]").first.fill(text)
    page.get_by_role("button", name="Run").click()
    page.wait_for_load_state("load")
