"""An admin looks after coins, people, announcements, errors, and may not trade."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .mail import link_in_mail, mails_to
from .people import Person
from .product import PASSWORD, Product
from .staff import (
    chooses_in_the_admin,
    doors_that_stay_shut,
    fills,
    is_refused,
    is_refused_to_send,
    is_told_why_at_the_log_in,
    lines,
    list_of_the_admin,
    opens_the_django_admin,
    reads_money_and_changes_none,
    somebody_new,
    takes_a_file,
)

pytestmark = pytest.mark.browser

COIN = "Hedera"  # nobody of the other tests has any
REASON = "Three people say that you sold them the same ticket."


def test_an_admin_looks_after_everything(person: Callable[..., Any], product: Product) -> None:
    root, sam = person("root"), somebody_new(person, "sam")
    root.logs_in()
    assert root.is_at("/portal/admin/")
    reads_the_figures(root)
    sees_the_health_again_without_a_reload(root)
    takes_a_coin_off_and_brings_it_back(root)
    finds_people(root, sam)
    changes_a_role(root, sam, product)
    suspends_and_restores(root, sam)
    sends_a_password_reset(root, sam, product)
    invites_an_analyst(root, person, product, f"guest-of-{sam.name}@example.com")
    withdraws_an_invitation(root, product, f"nobody-of-{sam.name}@example.com")
    announces_something(root, sam)
    resolves_an_error(root)
    reads_all_transactions(root)
    works_in_the_django_admin(root, sam)
    may_neither_trade_nor_set_alerts(root)
    root.visits("/portal/admin/")
    root.logs_out()
    assert root.has_nothing_to_complain_about()


def reads_the_figures(root: Person) -> None:
    for text in ("Accounts", "Trades in 24 h", "Alerts armed", "Beat and workers", "Schedules"):
        root.sees(text)
    figures = root.page.locator(".growth-figure")
    assert figures.count() == 5
    assert figures.filter(has_text="Trades").locator("svg rect").count() == 30
    root.page.get_by_role("link", name="90 days").click()
    root.page.wait_for_url("**days=90**")
    assert figures.filter(has_text="Trades").locator("svg rect").count() == 90
    root.page.get_by_text("The same as a table").click()
    assert len(lines(root, ".growth-table table")) > 20
    root.opens("Statistics")
    assert "System statistics" in root.page.title()
    for text in ("Accounts by role", "The last 24 hours"):
        root.sees(text)
    root.opens("Overview")


def sees_the_health_again_without_a_reload(root: Person) -> None:
    page = root.page.context.new_page()
    page.clock.install()
    page.goto("/portal/admin/")
    page.evaluate("document.documentElement.dataset.stays = 'here'")
    with page.expect_response("**/portal/admin/health/") as answer:
        page.clock.run_for(22_000)
    assert answer.value.ok
    page.locator("#health").get_by_text("Open websockets").wait_for()
    assert page.evaluate("document.documentElement.dataset.stays") == "here"
    page.close()


def takes_a_coin_off_and_brings_it_back(root: Person) -> None:
    page = root.page
    page.get_by_label(f"Remove {COIN}", exact=True).click()  # the first of two clicks
    assert page.get_by_role("row", name=COIN).count() == 1
    page.get_by_role("button", name=f"Yes, remove {COIN}").click()
    root.sees(f"{COIN} is not tracked any more.")
    page.get_by_label("Find a coin to add").fill(COIN)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("button", name=f"Ask the feed for “{COIN}”").click()
    root.sees("The feed is being asked.")
    page.get_by_role("button", name=f"Add {COIN}").click()
    root.sees(f"{COIN} is tracked now.")
    page.get_by_role("row", name=COIN).wait_for()


def finds_people(root: Person, sam: Person) -> None:
    root.opens("Users")
    fills(root, **{"Username or e-mail begins with": "ali"})
    root.presses("Show")
    root.page.wait_for_url("**q=ali**")
    assert [row.split()[0] for row in lines(root)] == ["alice"]
    root.page.get_by_label("State", exact=True).select_option("suspended")
    root.presses("Show")
    root.sees("Nobody here")
    root.page.locator(".filters").get_by_role("link", name="Everybody").click()
    root.page.get_by_label("Role", exact=True).first.select_option("moderator")
    root.presses("Show")
    root.page.wait_for_url("**role=moderator**")
    assert "mo" in [row.split()[0] for row in lines(root)]
    assert sam.name not in " ".join(lines(root))


def manages(root: Person, name: str) -> Any:
    """Open what may be done with somebody; return their line."""
    root.visits(f"/users/?q={name}")
    row = root.page.get_by_role("row").filter(has_text=name)
    row.locator("summary").click()
    return row


def changes_a_role(root: Person, sam: Person, product: Product) -> None:
    gives_the_role(root, sam, "analyst")
    root.sees(f"{sam.name} has not confirmed the e-mail address")
    sam.visits(link_in_mail(product, f"{sam.name}@example.com"))
    sam.presses("Confirm")
    gives_the_role(root, sam, "analyst")
    root.sees(f"{sam.name} is now")
    with doors_that_stay_shut(sam):
        is_refused(sam, "/dashboard/")
    assert sam.visits("/portal/analyst/") == 200
    gives_the_role(root, sam, "user")
    root.sees(f"{sam.name} is now")
    assert sam.visits("/dashboard/") == 200


def gives_the_role(root: Person, sam: Person, role: str) -> None:
    sam.page.goto("about:blank")  # a page of the product would go by itself
    row = manages(root, sam.name)
    row.get_by_label("Role").select_option(role)
    row.get_by_role("button", name="Change role").click()
    root.page.locator(".message").first.wait_for()


def suspends_and_restores(root: Person, sam: Person) -> None:
    sam.visits("/dashboard/")
    row = manages(root, sam.name)
    row.get_by_role("button", name="Suspend").click()
    assert not root.page.get_by_text("is suspended and logged out").count()  # it asks for a reason
    row.get_by_label("Reason, which the person will see").fill(REASON)
    row.get_by_role("button", name="Suspend").click()
    root.sees(f"{sam.name} is suspended and logged out everywhere.")
    sam.page.wait_for_url("**/accounts/login/**")
    with doors_that_stay_shut(sam):
        is_told_why_at_the_log_in(sam, REASON)
    row = manages(root, sam.name)
    row.get_by_text(REASON).wait_for()
    row.get_by_role("button", name="Restore").click()
    root.sees(f"{sam.name} may log in again.")
    sam.logs_in()
    assert sam.is_at("/dashboard/")


def sends_a_password_reset(root: Person, sam: Person, product: Product) -> None:
    address = f"{sam.name}@example.com"
    before = len(mails_to(product, address))
    manages(root, sam.name).get_by_role("button", name="Send password reset").click()
    root.sees(f"{sam.name} gets a mail with a link to choose a new password.")
    path = link_in_mail(product, address, after=before)
    assert path.startswith("/accounts/password/reset/key/")


def invites_an_analyst(
    root: Person, person: Callable[..., Any], product: Product, address: str
) -> None:
    invites(root, address, "Analyst")
    first = link_in_mail(product, address)
    root.page.get_by_role("button", name=f"Send again {address}").click()
    root.sees("the older link is worthless now")
    path = link_in_mail(product, address, after=1)
    guest = person(address.removesuffix("@example.com"))
    assert path != first
    guest.visits(path)
    guest.sees("is invited as analyst")
    page = guest.page
    page.fill("input[name=username]", guest.name)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    guest.presses("Create account")
    page.wait_for_url("**/portal/analyst/")
    root.visits("/users/")
    assert address not in root.page.locator("#invitations").inner_text()


def invites(root: Person, address: str, role: str) -> None:
    root.visits("/users/")
    form = root.page.locator("section:has(#invite-title)")
    form.locator("[name=email]").fill(address)
    form.locator("[name=role]").select_option(label=role)
    form.get_by_role("button", name="Send invitation").click()
    root.sees(f"The invitation to {address} is on its way.")
    root.page.locator("#invitations").get_by_text(address).first.wait_for()


def withdraws_an_invitation(root: Person, product: Product, address: str) -> None:
    invites(root, address, "Moderator")
    path = link_in_mail(product, address)
    root.page.get_by_role("button", name=f"Withdraw {address}").click()
    root.sees(f"The invitation to {address} is withdrawn.")
    answer = root.page.request.get(path)
    assert answer.status in {404, 410}
    assert "Create account" not in answer.text()


def announces_something(root: Person, sam: Person) -> None:
    text = f"The fees end on Friday, {sam.name}."
    root.visits("/portal/admin/")
    root.follows("Announcements")
    root.page.locator("[name=text]").fill(text)
    root.presses("Announce")
    root.sees("The announcement is made.")
    note = sam.page.get_by_role("note").filter(has_text=text)
    sam.visits("/dashboard/")
    note.wait_for()
    note.get_by_role("button", name="Close this announcement").click()
    assert note.count() == 0
    sam.visits("/markets/")
    assert note.count() == 0
    row = root.page.locator("li").filter(has_text=text)
    row.get_by_role("button", name="End").click()
    root.sees("The announcement has ended.")
    assert "Over" in row.inner_text()


def resolves_an_error(root: Person) -> None:
    root.visits("/portal/admin/errors/")
    faults = root.page.locator(".faults > li")
    before = faults.count()
    assert before >= 1
    faults.first.get_by_role("button", name=re.compile("Resolve")).click()
    root.sees("Resolved. If it happens again, it is back here.")
    assert faults.count() == before - 1
    root.page.get_by_role("link", name="Resolved", exact=True).click()
    root.page.wait_for_url("**state=resolved")
    assert faults.count() >= 1


def reads_all_transactions(root: Person) -> None:
    root.opens("All transactions")
    page = root.page
    fills(root, Username="alice", Coin="eth")
    page.get_by_label("Side", exact=True).select_option("buy")
    root.presses("Show")
    page.wait_for_url("**user=alice**")
    found = lines(root)
    assert found
    assert all("alice" in row and "Buy" in row and "Ethereum" in row for row in found)
    file = takes_a_file(root, page.get_by_role("link", name="Export CSV"))
    assert len(file) == len(found) + 1
    fills(root, Username="nobody-of-that-name")
    root.presses("Show")
    page.locator("main .empty").wait_for()


def works_in_the_django_admin(root: Person, sam: Person) -> None:
    opens_the_django_admin(root)
    assert list_of_the_admin(root, "accounts/user", search=sam.name)
    root.visits("/admin/accounts/user/?role__exact=admin")
    assert [row for row in lines(root, "#result_list") if "Admin" not in row] == []
    chooses_in_the_admin(root, sam.name, "Suspend", reason=REASON)
    root.sees(f"{sam.name} is suspended.")
    chooses_in_the_admin(root, sam.name, "Restore")
    root.sees(f"{sam.name} is restored.")
    with doors_that_stay_shut(root):
        reads_money_and_changes_none(root)
    root.visits("/admin/")
    root.page.get_by_role("link", name="Administration").first.click()
    root.page.wait_for_url("**/portal/admin/")


def may_neither_trade_nor_set_alerts(root: Person) -> None:
    with doors_that_stay_shut(root):
        for path in ("/dashboard/", "/portfolio/", "/alerts/", "/analysis/", "/activity/"):
            is_refused(root, path)
        is_refused_to_send(root, "/portfolio/trade/", side="buy", coin_id="bitcoin")
        is_refused_to_send(root, "/alerts/create/", coin="bitcoin", condition="above", target="1")
