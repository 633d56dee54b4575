"""Open sign-up: anybody, but only ever as a user."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.adapter import AccountAdapter
from accounts.models import Activity, User
from accounts.roles import Role
from tests.accounts.logging_in import is_logged_in

pytestmark = pytest.mark.django_db

GOOD = {
    "username": "carol",
    "email": "carol@example.com",
    "password1": "violet-anchor-71",
    "password2": "violet-anchor-71",
}


def sign_up(client: Client, **changes: Any) -> Any:
    return client.post(reverse("account_signup"), {**GOOD, **changes})


@pytest.mark.usefixtures("real_passwords")
def test_signing_up_makes_a_user_and_logs_in(client: Client) -> None:
    response = sign_up(client)
    assert response.headers["Location"] == reverse("portals:dashboard")
    carol = User.objects.get()
    assert (carol.username, carol.email, carol.role) == ("carol", "carol@example.com", Role.USER)
    assert carol.password.startswith("argon2")
    assert is_logged_in(client)


def test_signing_up_is_recorded_with_the_address(client: Client) -> None:
    sign_up(client)
    rows = Activity.objects.order_by("id").values_list("kind", "user__username", "address")
    assert list(rows) == [
        ("signed_up", "carol", "127.0.0.1"),
        ("logged_in", "carol", "127.0.0.1"),
    ]


def test_a_forged_role_is_ignored(client: Client) -> None:
    sign_up(client, role="admin", is_staff="on", is_superuser="on", is_active="", suspended_at="x")
    carol = User.objects.get()
    assert (carol.role, carol.is_staff, carol.is_superuser) == (Role.USER, False, False)


def test_a_verification_mail_goes_out_but_is_not_waited_for(
    client: Client, mailoutbox: list[Any]
) -> None:
    sign_up(client)
    assert [mail.to for mail in mailoutbox] == [["carol@example.com"]]
    assert "/accounts/confirm-email/" in mailoutbox[0].body
    assert not EmailAddress.objects.get().verified


def test_following_the_mail_verifies_the_address(client: Client, mailoutbox: list[Any]) -> None:
    sign_up(client)
    link = next(word for word in mailoutbox[0].body.split() if "/confirm-email/" in word)
    path = "/" + link.split("/", 3)[3]
    assert client.get(path).status_code == 200
    client.post(path)
    assert EmailAddress.objects.get().verified


def test_usernames_are_kept_in_lower_case(client: Client) -> None:
    sign_up(client, username="CaRoL")
    assert User.objects.get().username == "carol"


@pytest.mark.parametrize(
    "username",
    ["ab", "a" * 31, "root", "Admin", "CryptoPulse", "bob@example.com", "c\u0430rol", "a b c",
     "-bob", "bob..b", "bob\0x", "<script>", "", "   "],
)  # fmt: skip
def test_unsafe_usernames_are_refused(client: Client, username: str) -> None:
    assert sign_up(client, username=username).status_code == 200
    assert not User.objects.exists()


def test_a_taken_username_is_refused_whatever_its_case(client: Client, alice: User) -> None:
    assert sign_up(client, username="ALICE").status_code == 200
    assert User.objects.count() == 1


def test_a_taken_address_is_refused_whatever_its_case(client: Client, alice: User) -> None:
    assert sign_up(client, email="ALICE@Example.com").status_code == 200
    assert User.objects.count() == 1


def test_addresses_are_unique_whatever_their_case_and_however_people_are_made(alice: User) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("alice2", "ALICE@EXAMPLE.COM", "x")


@pytest.mark.parametrize(
    "password", ["short", "12345678901", "password123", "carol@example.com", ""]
)
def test_weak_passwords_are_refused(client: Client, password: str) -> None:
    assert sign_up(client, password1=password, password2=password).status_code == 200
    assert not User.objects.exists()


def test_two_different_passwords_are_refused(client: Client) -> None:
    assert sign_up(client, password2="something else 9").status_code == 200
    assert not User.objects.exists()


def test_of_two_who_take_a_name_at_once_the_second_may_try_again(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The check has passed for both; only the database can tell them apart.
    monkeypatch.setattr(AccountAdapter, "clean_username", lambda _self, name, **_: name)
    response = sign_up(client, username="alice")
    assert response.headers["Location"] == reverse("account_signup")
    assert b"already an account" in client.get(reverse("account_signup")).content
    assert User.objects.count() == 1


def test_sign_ups_from_one_address_are_limited(client: Client) -> None:
    statuses = {sign_up(client, password2="no").status_code for _ in range(21)}
    assert 429 in statuses
