"""Coming in: by either name, to the right portal, not too often, and not while suspended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Activity, User
from accounts.roles import HOME_URL_NAMES, Role
from tests.accounts.logging_in import is_logged_in, log_in
from tests.conftest import PASSWORD, make_person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "login", ["alice", "ALICE", " alice ", "alice@example.com", "Alice@EXAMPLE.com"]
)
def test_logging_in_by_username_or_address_in_any_case(
    client: Client, alice: User, login: str
) -> None:
    assert log_in(client, login).status_code == 302
    assert is_logged_in(client)


@pytest.mark.parametrize("role", Role)
def test_each_role_lands_in_its_portal(client: Client, role: Role) -> None:
    make_person("somebody", role)
    assert log_in(client, "somebody").headers["Location"] == reverse(HOME_URL_NAMES[role])


def test_coming_back_to_the_page_that_asked(client: Client, alice: User) -> None:
    asked = client.get(reverse("accounts:security"))
    assert asked.headers["Location"] == "/accounts/login/?next=/accounts/security/"
    assert log_in(client, "alice", next="/accounts/security/").headers["Location"] == (
        "/accounts/security/"
    )


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "///evil.example", "\\\\evil.example",
     "javascript:alert(1)", "http:evil.example", "https://testserver@evil.example/",
     "/\\evil.example"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(client: Client, alice: User, target: str) -> None:
    location = log_in(client, "alice", next=target).headers["Location"]
    assert location == reverse("portals:dashboard")


def test_a_log_in_is_recorded(client: Client, alice: User) -> None:
    log_in(client, "alice")
    row = Activity.objects.get(kind="logged_in")
    assert (row.user, row.address, row.summary) == (alice, "127.0.0.1", "alice logged in")


def test_a_wrong_password_is_recorded_without_it(client: Client, alice: User) -> None:
    response = log_in(client, "alice@example.com", "hunter2-secret")
    assert response.status_code == 200
    assert not is_logged_in(client)
    row = Activity.objects.get()
    assert (row.kind, row.user, row.address) == ("login_failed", alice, "127.0.0.1")
    assert row.summary == "Log-in failed for “alice”"


def test_a_password_that_was_typed_as_the_name_is_not_recorded(client: Client, alice: User) -> None:
    log_in(client, "hunter2-secret", "alice")
    row = Activity.objects.get()
    assert (row.kind, row.user) == ("login_failed", None)
    assert "hunter2" not in str(Activity.objects.values().get())


@pytest.mark.parametrize(
    "login", ["nobody", "x" * 5000, "a\0b", "line\nbreak", "ünïcode", "nobody@nowhere.example"]
)
def test_an_unknown_name_is_recorded_as_somebody_and_of_nobody(client: Client, login: str) -> None:
    assert log_in(client, login).status_code == 200
    for row in Activity.objects.all():  # a null character never gets past the form
        assert row.kind == "login_failed"
        assert row.user is None
        assert row.summary == "Log-in failed for somebody unknown"


def test_five_wrong_passwords_lock_the_name_for_a_while(client: Client, alice: User) -> None:
    for _ in range(5):
        log_in(client, "alice", "wrong")
    response = log_in(client, "alice")  # right, but too late
    assert b"Too many failed log-ins" in response.content
    assert not is_logged_in(client)


def test_the_lock_holds_for_other_clients_too(client: Client, alice: User) -> None:
    for _ in range(5):
        log_in(client, "alice", "wrong")
    other = Client(REMOTE_ADDR="203.0.113.9")
    log_in(other, "alice")
    assert not is_logged_in(other)


def test_another_host_header_does_not_open_the_lock(alice: User) -> None:
    for port in range(5):
        log_in(Client(headers={"host": f"localhost:{8000 + port}"}), "alice", "wrong")
    other = Client(REMOTE_ADDR="203.0.113.9", headers={"host": "localhost:1337"})
    log_in(other, "alice")
    assert not is_logged_in(other)


def test_the_addresses_of_one_ipv6_network_are_one_client(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "3/m/ip"}

    def status(address: str) -> int:
        return int(log_in(Client(REMOTE_ADDR=address), f"nobody{address[-1]}").status_code)

    assert [status(f"2001:db8:1:2:{n}::{n}") for n in range(1, 5)] == [200, 200, 200, 429]
    assert status("2001:db8:1:3::1") == 200


def test_a_spoofed_address_does_not_open_the_lock(client: Client) -> None:
    statuses = [
        client.post(
            reverse("account_login"),
            {"login": f"name{number}", "password": "wrong"},
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        ).content
        for number in range(12)
    ]
    assert b"Too many failed log-ins" in statuses[-1]


def test_a_suspended_person_is_told_so_and_why(client: Client, alice: User) -> None:
    alice.is_active, alice.suspension_reason = False, "Spam in 40 messages"
    alice.suspended_at = timezone.now()
    alice.save()
    response = log_in(client, "alice")
    assert response.status_code == 403
    assert b"This account is suspended" in response.content
    assert b"Spam in 40 messages" in response.content
    assert not is_logged_in(client)


def test_a_stranger_learns_nothing_about_a_suspended_account(client: Client, alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert b"suspended" not in log_in(client, "alice", "wrong").content


def test_logging_out_takes_a_post(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_logged_in(client)
    response = client.post(reverse("account_logout"))
    assert response.headers["Location"] == reverse("portals:landing")
    assert not is_logged_in(client)
    assert Activity.objects.filter(kind="logged_out", user=alice).count() == 1


def test_logging_out_when_nobody_is_in_records_nothing(client: Client) -> None:
    client.post(reverse("account_logout"))
    assert not Activity.objects.exists()


def test_sessions_survive_a_new_secret_key(client: Client, alice: User, settings: Settings) -> None:
    log_in(client, "alice")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key " + "y" * 50
    assert is_logged_in(client)
    settings.SECRET_KEY_FALLBACKS = []  # the session was moved to the new key meanwhile
    assert is_logged_in(client)


def test_sessions_end_with_a_new_secret_key_and_no_fallback(
    client: Client, alice: User, settings: Settings
) -> None:
    log_in(client, "alice")
    settings.SECRET_KEY = "the next key " + "y" * 50
    assert not is_logged_in(client)


@pytest.mark.usefixtures("real_passwords")
def test_an_old_hash_becomes_argon2_at_the_next_log_in(client: Client, alice: User) -> None:
    from django.contrib.auth.hashers import make_password

    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    log_in(client, "alice")
    alice.refresh_from_db()
    assert alice.password.startswith("argon2")


def test_logging_in_touches_nothing_but_the_moment(client: Client, alice: User) -> None:
    log_in(client, "alice")
    alice.refresh_from_db()
    assert alice.last_login is not None
    assert timezone.now() - alice.last_login < timedelta(minutes=1)
