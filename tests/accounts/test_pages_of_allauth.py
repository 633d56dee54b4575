"""Every page of allauth is drawn in our frame and stands under the strict content policy."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.urls import urlpatterns
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import User
from tests.accounts.logging_in import log_in
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.once]

VISITORS = [
    "account_login", "account_signup", "account_inactive", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key_done",
    "account_email_verification_sent",
]  # fmt: skip
MEMBERS = [
    "account_logout", "account_change_password", "account_email", "account_reauthenticate",
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn",
]  # fmt: skip
WITH_SECOND_FACTOR = [
    "mfa_index", "mfa_deactivate_totp", "mfa_reauthenticate", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
]  # fmt: skip
#: Not pages one comes to: they redirect, answer scripts, download, or need a key or an id.
OTHERS = {
    "account_set_password", "account_confirm_login_code", "account_confirm_email",
    "account_reset_password_from_key", "account_request_login_code",
    "mfa_authenticate", "mfa_trust", "mfa_login_webauthn", "mfa_reauthenticate_webauthn",
    "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_signup_webauthn",
    "mfa_download_recovery_codes", "account_signup_by_passkey",
}  # fmt: skip


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern.url_patterns)
        else:
            found.add(pattern.name or "")
    return found


def look_at(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 200, name
    html = response.content.decode()
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy.split("form-action")[0]
    assert html.count("<h1") == 1
    assert '<main id="main"' in html
    assert "Menu:" not in html  # allauth's own frame
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert not re.search(r"<[^>]+\son[a-z]+=", html)
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL):
        assert "src=" in attributes or 'type="application/json"' in attributes, body
    labels = set(re.findall(r'<label for="([^"]+)"', html))
    main = html.split("<main")[1].split("</main>")[0]
    for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", main):
        if 'type="hidden"' not in tag:
            found = re.search(r'id="([^"]+)"', tag)
            assert found, tag
            assert found[1] in labels, tag


@pytest.mark.parametrize("name", VISITORS)
def test_pages_for_visitors(client: Client, name: str) -> None:
    look_at(client, name)


@pytest.mark.parametrize("name", MEMBERS)
def test_pages_for_members(client: Client, alice: User, name: str) -> None:
    log_in(client, "alice")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    look_at(client, name)


@pytest.mark.parametrize("name", WITH_SECOND_FACTOR)
def test_pages_for_members_with_a_second_factor(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)
    totp.TOTP.activate(alice, totp.generate_totp_secret())
    RecoveryCodes.activate(alice)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    look_at(client, name)


def test_the_page_that_asks_for_the_second_factor(client: Client, alice: User) -> None:
    totp.TOTP.activate(alice, totp.generate_totp_secret())
    log_in(client, "alice")
    look_at(client, "mfa_authenticate")


def test_no_page_was_forgotten() -> None:
    assert names(urlpatterns) <= {*VISITORS, *MEMBERS, *WITH_SECOND_FACTOR, *OTHERS}
