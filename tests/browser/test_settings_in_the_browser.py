"""What people set for themselves, how they keep their account safe, and how they leave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .mail import link_in_mail
from .people import NEW_PASSWORD, Person
from .product import Product

pytestmark = pytest.mark.browser

EVA, SOL, LEO = "eva", "sol", "leonie"
NEXT_PASSWORD = "eleven grey herons wait"


def test_a_user_makes_the_product_their_own(person: Callable[..., Any]) -> None:
    eva = person(EVA, color_scheme="light")
    eva.signs_up()
    page = eva.page
    background = page.evaluate(BACKGROUND)
    eva.visits("/settings/")
    chooses(page, "theme", "dark")
    chooses(page, "palette", "blue-orange")
    page.get_by_label("Numbers", exact=True).select_option("point-comma")
    page.locator("#settings-preview").get_by_text("$1.234.567,89").wait_for()
    page.get_by_label("Display currency").select_option("EUR")
    page.get_by_label("Time zone", exact=True).select_option("Asia/Tokyo")
    page.locator("input[name=trade][value=in_app]").uncheck(force=True)
    saves(eva, "Settings saved.")
    assert page.evaluate(BACKGROUND) != background
    assert page.get_attribute("html", "data-trend") == "blue-orange"

    eva.opens("Dashboard")
    eva.stays_on_this_page()
    assert re.search(r"€\d{1,3}(\.\d{3})*,\d\d", page.text_content(".chart-price [data-price]"))
    tick = page.text_content(".chart-price [data-price]")
    page.wait_for_function(
        "was => document.querySelector('.chart-price [data-price]').textContent !== was", arg=tick
    )
    assert re.search(r"€\d{1,3}(\.\d{3})*,\d\d", page.text_content(".chart-price [data-price]"))
    buys_with_a_comma(eva)
    speaks_german(eva)
    hides_the_amounts(eva)
    page.get_by_role("button", name="Abmelden").first.click()
    page.wait_for_url(lambda url: url.endswith("/"))
    assert eva.has_nothing_to_complain_about()


def buys_with_a_comma(eva: Person) -> None:
    page = eva.page
    eva.fills_a_trade("buy", "bitcoin", amount="1.500,5")
    page.locator("#trade-help").get_by_text("$1.500,50").wait_for()
    page.fill("#trade-amount", "1,5")
    page.locator("#trade-help").get_by_text("$1,50").wait_for()
    eva.presses("Place order")
    eva.sees(re.compile(r"Bought .* for \$1,50"))
    eva.has_stayed()
    assert page.locator("[data-bell].has-dot").count() == 0  # as was chosen
    eva.opens("Transactions")
    assert "$1,50" in page.inner_text("main tbody tr")
    when = page.locator("main tbody time").first
    assert "+09:00" in when.get_attribute("datetime") or "JST" in (
        when.get_attribute("title") or ""
    )


def speaks_german(eva: Person) -> None:
    page = eva.page
    eva.visits("/settings/")
    page.get_by_label("Language", exact=True).select_option("de")
    saves(eva, "Einstellungen gespeichert.")
    assert page.get_attribute("html", "lang") == "de"
    eva.visits("/dashboard/")
    eva.sees("Depotwert")


def hides_the_amounts(eva: Person) -> None:
    page = eva.page
    hidden = "() => getComputedStyle(document.querySelector('.stat-value.private')).filter"
    assert page.evaluate(hidden) == "none"
    page.locator("[data-amounts-toggle]:visible").click()
    assert "blur" in page.evaluate(hidden)
    page.locator("[data-amounts-toggle]:visible").click()
    assert page.evaluate(hidden) == "none"
    eva.visits("/settings/")
    page.locator("[name=hide_amounts]").check(force=True)
    page.locator("#settings-form button[type=submit]").click()
    page.wait_for_load_state("load")
    eva.visits("/dashboard/")
    page.mouse.move(5, 5)
    assert "blur" in page.evaluate(hidden)


def test_a_user_keeps_the_account_safe(person: Callable[..., Any], product: Product) -> None:
    here = Product(product.url.replace("127.0.0.1", "localhost"), product.folder)
    sol = person(SOL, at=here)  # passkeys need a name, not a number
    sol.signs_up()
    page = sol.page
    sol.visits("/accounts/security/")
    sol.follows("Change password")
    page.fill("input[name=oldpassword]", "not the password")
    page.fill("input[name=password1]", NEXT_PASSWORD)
    page.fill("input[name=password2]", NEXT_PASSWORD)
    sol.presses("Change password")
    page.wait_for_selector("[aria-invalid=true]")
    page.fill("input[name=oldpassword]", NEW_PASSWORD)
    page.fill("input[name=password1]", NEXT_PASSWORD)
    page.fill("input[name=password2]", NEXT_PASSWORD)
    sol.presses("Change password")
    sol.sees(re.compile("[Pp]assword.*changed"))

    sol.visits(link_in_mail(product, f"{SOL}@example.com"))  # the second factor asks for it
    sol.presses("")
    secret, codes = turns_on_the_second_factor(sol)
    logs_in_with_a_code(sol, lambda: totp(secret))
    logs_in_with_a_code(sol, lambda: codes[0])
    sol.visits("/accounts/security/")
    sol.sees("9 recovery codes are left.")
    uses_a_passkey(sol)
    ends_another_session(sol, person(SOL, at=here), codes[1])
    sol.logs_out()


def turns_on_the_second_factor(sol: Person) -> tuple[str, list[str]]:
    page = sol.page
    sol.visits("/accounts/security/")
    sol.follows("Set up")
    shows_who_it_is(page)
    secret = page.input_value("#authenticator_secret")
    page.fill("input[name=code]", "000000")
    page.locator("main form button[type=submit]").click()
    page.wait_for_selector("main .error")
    page.fill("input[name=code]", totp(page.input_value("#authenticator_secret")))
    secret = page.input_value("#authenticator_secret")
    page.locator("main form button[type=submit]").click()
    page.wait_for_selector("#recovery_codes")
    codes = page.input_value("#recovery_codes").split()
    assert len(codes) == 10
    sol.visits("/accounts/security/")
    sol.sees("10 recovery codes are left.")
    return secret, codes


def logs_in_with_a_code(sol: Person, code: Callable[[], str]) -> None:
    """Log out, and in again with password and code; each code of a time counts once."""
    page = sol.page
    sol.logs_out()
    sol.visits("/accounts/login/")
    page.fill("input[name=login]", sol.name)
    page.fill("input[name=password]", NEXT_PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/2fa/authenticate/**")
    page.fill("input[name=code]", code())
    page.press("input[name=code]", "Enter")
    page.wait_for_url("**/dashboard/")


def uses_a_passkey(sol: Person) -> None:
    page = sol.page
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sol.visits("/accounts/security/")
    sol.follows("Add a passkey")
    shows_who_it_is(page)
    page.fill("input[name=name]", "My laptop")
    page.locator("input[name=passwordless]").check(force=True)
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: "/webauthn/add" not in url)
    sol.visits("/accounts/2fa/webauthn/")
    sol.sees("My laptop")
    sol.logs_out()
    sol.visits("/accounts/login/")
    page.click("#passkey_login")
    page.wait_for_url("**/dashboard/")


def ends_another_session(sol: Person, elsewhere: Person, code: str) -> None:
    other = elsewhere.page
    elsewhere.visits("/accounts/login/")
    other.fill("input[name=login]", f"{SOL}@example.com")
    other.fill("input[name=password]", NEXT_PASSWORD)
    other.press("input[name=password]", "Enter")
    other.wait_for_url("**/2fa/authenticate/**")
    other.fill("input[name=code]", code)
    other.press("input[name=code]", "Enter")
    other.wait_for_url("**/dashboard/")
    sol.visits("/accounts/security/")
    sessions = sol.page.locator(".sessions > li")
    assert sessions.count() == 2
    sessions.get_by_role("button", name="Log out").click()
    sol.page.wait_for_function("() => document.querySelectorAll('.sessions > li').length === 1")
    other.wait_for_url("**/accounts/login/**")


def test_a_user_takes_their_data_and_leaves(person: Callable[..., Any], tmp_path: Path) -> None:
    leo = person(LEO)
    leo.signs_up()
    page = leo.page
    leo.buys("ethereum", dollars=120)
    leo.sees("Bought")
    leo.visits("/settings/")
    leo.follows("Privacy")
    with page.expect_download() as download:
        leo.page.get_by_role("link", name="Download (ZIP)").click()
    download.value.save_as(tmp_path / "data.zip")
    with zipfile.ZipFile(tmp_path / "data.zip") as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert any(f"{LEO}@example.com" in text for text in texts.values())
    assert "ethereum" in next(text for name, text in texts.items() if "transactions" in name)

    page.fill("input[name=password]", "not the password")
    page.locator("[name=understood]").check(force=True)
    leo.presses("Delete my account")
    page.wait_for_selector("[aria-invalid=true]")
    page.fill("input[name=password]", NEW_PASSWORD)
    page.locator("[name=understood]").check(force=True)
    leo.presses("Delete my account")
    page.wait_for_url("**/farewell/")
    leo.sees("Your account is deleted")
    leo.visits("/accounts/login/")
    page.fill("input[name=login]", LEO)
    page.fill("input[name=password]", NEW_PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("main .error")
    assert leo.is_at("/accounts/login/")


BACKGROUND = "() => getComputedStyle(document.documentElement).backgroundColor"


def chooses(page: Any, name: str, value: str) -> None:
    page.locator(f"label:has([name={name}][value={value}])").click()


def saves(somebody: Person, sentence: str) -> None:
    somebody.page.locator("#settings-form button[type=submit]").click()
    somebody.sees(sentence)


def shows_who_it_is(page: Any) -> None:
    """Give the password again where the page asks who it is."""
    if "/reauthenticate/" in page.url:
        page.fill("input[name=password]", NEXT_PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda url: "/reauthenticate/" not in url)


def totp(secret: str) -> str:
    """Return what an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    moment = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(key, moment, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"
