"""One's own security at a glance."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Activity, User
from tests.accounts.logging_in import log_in

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    return client.get(reverse("accounts:security")).content.decode()


def test_it_lists_who_came_in_and_who_tried(client: Client, alice: User, bob: User) -> None:
    log_in(Client(REMOTE_ADDR="203.0.113.7"), "alice", "wrong")
    log_in(Client(REMOTE_ADDR="198.51.100.4"), "bob")
    log_in(client, "alice")
    services.record(kind=Activity.Kind.TRADED, summary="Bought", user=alice)
    content = page(client)
    assert "203.0.113.7" in content
    assert "alice logged in" in content
    assert "198.51.100.4" not in content  # bob's
    assert "Bought" not in content


def test_it_says_what_is_on_and_what_is_verified(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "Not verified" in page(client)
    assert "Set up" in page(client)
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    totp.TOTP.activate(alice, totp.generate_totp_secret())
    assert "Not verified" not in page(client)
    assert "Manage" in page(client)


def test_who_has_not_verified_the_address_is_sent_there_first(client: Client, alice: User) -> None:
    address = EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    client.force_login(alice)
    content = page(client)
    for name in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert f'href="{reverse(name)}"' not in content
        assert client.get(reverse(name)).status_code == 302  # allauth refuses them, too
    assert content.count("Verify it first") == 2
    EmailAddress.objects.filter(pk=address.pk).update(verified=True)
    content = page(client)
    assert "Verify it first" not in content
    assert f'href="{reverse("mfa_activate_totp")}"' in content
