"""The second factor: setting it up, coming in with it, and what it does not let pass."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Activity, User
from tests.accounts.logging_in import is_logged_in, log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def code_for(secret: str) -> str:
    """Do what the app on the phone does."""
    import time

    counter = int(time.time()) // 30
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


@pytest.fixture
def secret(alice: User) -> str:
    secret: str = totp.generate_totp_secret()
    totp.TOTP.activate(alice, secret)
    return secret


def confirm_it_is_me(client: Client) -> None:
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def test_switching_it_on(client: Client, alice: User) -> None:
    log_in(client, "alice")
    asked = client.get(reverse("mfa_activate_totp"))
    assert asked.headers["Location"].startswith(reverse("account_reauthenticate"))
    confirm_it_is_me(client)
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    found = re.search(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', page)
    assert found is not None
    assert 'src="data:image/svg+xml' in page
    client.post(reverse("mfa_activate_totp"), {"code": code_for(found[1])})
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    codes = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert "Unused codes" in codes


def test_the_password_alone_does_not_let_in(client: Client, alice: User, secret: str) -> None:
    assert log_in(client, "alice").headers["Location"] == reverse("mfa_authenticate")
    assert not is_logged_in(client)
    assert not Activity.objects.filter(kind="logged_in").exists()


def test_password_and_code_let_in(client: Client, alice: User, secret: str) -> None:
    log_in(client, "alice")
    response = client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert response.headers["Location"] == reverse("portals:dashboard")
    assert is_logged_in(client)


def test_a_wrong_code_is_refused_and_recorded(client: Client, alice: User, secret: str) -> None:
    log_in(client, "alice")
    wrong = f"{(int(code_for(secret)) + 1) % 1_000_000:06}"
    assert client.post(reverse("mfa_authenticate"), {"code": wrong}).status_code == 200
    assert not is_logged_in(client)
    row = Activity.objects.get(kind="login_failed")
    assert row.user == alice
    assert wrong not in row.summary


def test_guessing_codes_is_limited(client: Client, alice: User, secret: str) -> None:
    log_in(client, "alice")
    for _ in range(6):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert not is_logged_in(client)


def test_the_django_admin_asks_for_it_too(client: Client, root: User) -> None:
    totp.TOTP.activate(root, totp.generate_totp_secret())
    log_in(client, "root", next="/admin/")
    assert client.get(reverse("admin:index")).status_code == 302


def test_who_is_suspended_between_password_and_code_stays_out(
    client: Client, alice: User, mo: User, secret: str
) -> None:
    log_in(client, "alice")
    services.suspend(user=alice, by=mo, reason="Spam")
    client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert not is_logged_in(client)


def test_a_recovery_code_serves_once(client: Client, alice: User, secret: str) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    code: Any = RecoveryCodes.activate(alice).get_unused_codes()[0]
    for expected in (True, False):
        visitor = Client()
        log_in(visitor, "alice")
        visitor.post(reverse("mfa_authenticate"), {"code": code})
        assert is_logged_in(visitor) is expected


def test_the_page_for_a_passkey_carries_what_the_browser_needs(client: Client, alice: User) -> None:
    log_in(client, "alice")
    confirm_it_is_me(client)
    page = client.get(reverse("mfa_add_webauthn")).content.decode()
    assert "creation_options" in page
    assert "mfa/js/webauthn.js" in page
    offer = client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    assert offer.status_code in (200, 302)
    asked = Client().get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    assert "request_options" in asked.json()


def test_a_forged_passkey_is_no_server_error(client: Client) -> None:
    for credential in ("", "{}", "[]", "nonsense", '{"id": "x", "rawId": "x"}', "\0"):
        response = client.post(reverse("mfa_login_webauthn"), {"credential": credential})
        assert response.status_code < 500
        assert not is_logged_in(client)
