"""A moderator watches what happens, looks into a pattern, suspends and restores, and is watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .people import Person
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

REASON = "Somebody tries your password. Write to us from your own address."
FOUND = "One person, who had forgotten the password."


def test_a_moderator_watches_and_is_watched(person: Callable[..., Any]) -> None:
    mo, tim = person("mo"), somebody_new(person, "tim")
    una, thief = somebody_new(person, "una"), person(tim.name)
    mo.logs_in()
    assert mo.is_at("/portal/moderator/")
    reads_the_overview(mo)
    sees_a_failed_log_in_without_a_reload(mo, thief)
    tries_many_passwords(thief, times=7)
    filters_the_activity(mo, tim)
    pauses_the_list(mo)
    reads_all_transactions(mo)
    reads_the_statistics(mo)
    reviews_the_flag(mo, tim)
    writes_a_note(mo, tim)
    suspends_and_restores(mo, una)  # tim may not log in for some minutes: too many tried
    works_in_the_django_admin(mo, tim)
    turns_the_mails_about_flags_off_and_on(mo)
    finds_it_all_in_the_audit_trail(mo, tim, una)
    may_neither_trade_nor_change_roles(mo, tim)
    mo.visits("/portal/moderator/")
    mo.logs_out()
    assert mo.has_nothing_to_complain_about()


def reads_the_overview(mo: Person) -> None:
    for text in ("Failed log-ins today", "Open flags", "New users today", "Newest users"):
        mo.sees(text)
    assert mo.page.locator("table.hours tbody tr").count() == 7
    totals = mo.page.locator("table.hours .hours-total").all_inner_texts()
    assert sum(int(text) for text in totals) > 0
    assert mo.page.locator("table.hours .has-failures").count() >= 1


def tries_a_password(thief: Person, number: int) -> None:
    """Type a wrong one; by name and by address, as thieves do."""
    login = thief.name if number % 2 else f"{thief.name}@example.com"
    thief.visits("/accounts/login/")
    thief.page.fill("input[name=login]", login)
    thief.page.fill("input[name=password]", f"password{number}")
    thief.page.press("input[name=password]", "Enter")
    thief.page.locator(".error").first.wait_for()


def sees_a_failed_log_in_without_a_reload(mo: Person, thief: Person) -> None:
    mo.opens("Activity")
    mo.stays_on_this_page()
    row = mo.page.locator("tr.is-failure").filter(has_text=thief.name)
    assert row.count() == 0
    tries_a_password(thief, 0)
    row.first.wait_for()
    mo.has_stayed()


def tries_many_passwords(thief: Person, *, times: int) -> None:
    for number in range(1, times + 1):
        tries_a_password(thief, number)


def filters_the_activity(mo: Person, tim: Person) -> None:
    mo.opens("Activity")
    mo.page.get_by_label("Kind", exact=True).select_option("login_failed")
    fills(mo, **{"Done by (username)": tim.name})
    mo.presses("Show")
    mo.page.wait_for_url("**kind=login_failed**")
    rows = lines(mo, ".activity-table")
    assert len(rows) == 8
    assert all("Log-in failed" in row and tim.name in row for row in rows)
    file = takes_a_file(mo, mo.page.get_by_role("link", name="CSV", exact=True))
    assert len(file) == len(rows) + 1
    mo.follows("Everything")
    assert len(lines(mo, ".activity-table")) > len(rows)


def pauses_the_list(mo: Person) -> None:
    pause = mo.page.locator("[data-follow-pause]")
    pause.click()
    mo.page.locator("[data-follow-state]").get_by_text("Paused").wait_for()
    pause.click()
    mo.page.locator("[data-follow-state]").get_by_text("Live").wait_for()


def reads_all_transactions(mo: Person) -> None:
    mo.opens("All transactions")
    fills(mo, Username="alice")
    mo.presses("Show")
    mo.page.wait_for_url("**user=alice**")
    rows = lines(mo)
    assert rows
    assert all("alice" in row for row in rows)
    mo.sees("nothing here can be changed")
    assert not mo.page.locator("main form[method=post]").count()
    file = takes_a_file(mo, mo.page.get_by_role("link", name="Export CSV"))
    assert len(file) >= len(rows) + 1


def reads_the_statistics(mo: Person) -> None:
    mo.opens("Statistics")
    for text in ("Growth", "Alerts and notifications", "Accounts by role"):
        mo.sees(text)


def reviews_the_flag(mo: Person, tim: Person) -> None:
    """The log is read some seconds after it was written: look until the flag is there."""
    flag = mo.page.locator("li.flag").filter(has_text=tim.name)
    mo.opens("Flags")
    for _ in range(60):
        if flag.count():
            break
        mo.page.wait_for_timeout(500)
        mo.page.reload()
    assert "8 failed log-ins" in " ".join(flag.inner_text().split())
    flag.get_by_role("link", name="Evidence").click()
    mo.page.wait_for_load_state("load")
    assert sum(tim.name in row for row in lines(mo, ".activity-table")) >= 8
    mo.opens("Flags")
    flag.locator("summary").filter(has_text="Review").click()
    flag.get_by_label("What you found").fill(FOUND)
    flag.get_by_role("button", name="Mark as reviewed").click()
    mo.sees("The flag is reviewed.")
    assert flag.count() == 0
    mo.follows("Reviewed")
    assert FOUND in flag.inner_text()


def finds(mo: Person, one: Person) -> None:
    mo.visits("/portal/moderator/")
    mo.page.locator("#find").fill(one.name)
    mo.presses("Find")
    mo.page.wait_for_url("**/users/*/")
    assert mo.headline == one.name


def writes_a_note(mo: Person, tim: Person) -> None:
    finds(mo, tim)
    mo.page.get_by_label("Write a note").fill("Asked them to choose another password.")
    mo.presses("Keep the note")
    mo.sees("The note is kept.")
    notes = mo.page.locator("ol.notes li")
    assert "Asked them to choose another password." in notes.first.inner_text()
    assert "8" in mo.page.locator("table.origins .badge").first.inner_text()


def suspends_and_restores(mo: Person, una: Person) -> None:
    una.visits("/dashboard/")
    finds(mo, una)
    mo.page.get_by_label("Reason, which the person will read").last.fill(REASON)
    mo.page.get_by_role("button", name="Suspend", exact=True).click()
    mo.sees(f"{una.name} is suspended and logged out everywhere.")
    una.page.wait_for_url("**/accounts/login/**")
    with doors_that_stay_shut(una):
        is_told_why_at_the_log_in(una, REASON)
    mo.presses("Restore")
    mo.sees(f"{una.name} may log in again.")
    una.logs_in()
    assert una.is_at("/dashboard/")


def works_in_the_django_admin(mo: Person, tim: Person) -> None:
    opens_the_django_admin(mo)
    assert len(list_of_the_admin(mo, "accounts/user", search=tim.name)) == 1
    assert list_of_the_admin(mo, "accounts/activity")
    assert list_of_the_admin(mo, "alerts/pricealert")
    chooses_in_the_admin(mo, tim.name, "Suspend", reason=REASON)
    mo.sees(f"{tim.name} is suspended.")
    chooses_in_the_admin(mo, tim.name, "Restore")
    mo.sees(f"{tim.name} is restored.")
    with doors_that_stay_shut(mo):
        reads_money_and_changes_none(mo)
        assert mo.visits("/admin/django_celery_beat/periodictask/") == 403
    mo.visits("/admin/")
    mo.page.get_by_role("link", name="Moderation").first.click()
    mo.page.wait_for_url("**/portal/moderator/")


def turns_the_mails_about_flags_off_and_on(mo: Person) -> None:
    for wanted in (False, True):
        mo.visits("/settings/")
        mo.sees("Flagged patterns")
        box = mo.page.locator("[name=flags][value=email]")
        if box.is_checked() != wanted:
            box.locator("xpath=..").click()
        mo.presses("Save settings")
        mo.sees("Settings saved.")
        mo.visits("/settings/")
        assert mo.page.locator("[name=flags][value=email]").is_checked() is wanted


def finds_it_all_in_the_audit_trail(mo: Person, tim: Person, una: Person) -> None:
    mo.visits("/portal/moderator/")
    mo.follows("What I did")
    rows = lines(mo, ".activity-table")
    for one, words in ((una, ("suspended", "restored")), (tim, ("suspended", "note"))):
        mine = " ".join(row.lower() for row in rows if one.name in row)
        assert all(word in mine for word in words), rows
    assert any("exported" in row for row in rows)
    assert any("review" in row.lower() for row in rows)


def may_neither_trade_nor_change_roles(mo: Person, tim: Person) -> None:
    mo.visits(f"/users/?q={tim.name}")
    link = mo.page.get_by_role("link", name=tim.name).first.get_attribute("href")
    assert not mo.page.get_by_text("Invite somebody").count()
    with doors_that_stay_shut(mo):
        for path in ("/dashboard/", "/portfolio/", "/alerts/", "/analysis/", "/portal/admin/"):
            is_refused(mo, path)
        is_refused_to_send(mo, "/portfolio/trade/", side="buy", coin_id="bitcoin")
        is_refused_to_send(mo, f"{link}role/", role="admin")
        is_refused_to_send(mo, "/users/invite/", email="a@example.com", role="admin")
