"""A passkey in a real browser, under the real content policy."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from pytest_django import Settings

from accounts.models import Activity, User
from tests.conftest import PASSWORD
from tests.requirements import require_or_skip

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def chromium() -> str:
    """Find the system's Chromium."""
    return shutil.which("chromium") or require_or_skip("chromium", "there is no Chromium here")


def add_a_passkey(page: Any, site: str) -> None:
    page.goto(f"{site}/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", PASSWORD)
    page.click("main form .button:not(.button--quiet)")
    page.fill("#id_password", PASSWORD)  # it is asked for again before anything is added
    page.click("main form .button")
    page.fill("#id_name", "Laptop")
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/**")


def test_adding_a_passkey_and_coming_in_with_it(
    alice: User, live_server: Any, settings: Settings, chromium: str
) -> None:
    from playwright.sync_api import sync_playwright

    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True  # as DEBUG sets it: http on localhost
    site = live_server.url.replace("127.0.0.1", "localhost")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        add_a_passkey(page, site)
        page.goto(f"{site}/accounts/logout/")
        page.click("main form .button")
        page.goto(f"{site}/accounts/login/?next=/accounts/security/")
        page.click("#passkey_login")
        page.wait_for_url(f"{site}/accounts/security/")
        assert "alice logged in" in page.inner_text("main")
        browser.close()
    assert [line for line in complaints if "Content Security Policy" in line] == []
    assert Authenticator.objects.filter(user=alice, type="webauthn").count() == 1
    assert Activity.objects.filter(user=alice, kind="logged_in").count() == 2
