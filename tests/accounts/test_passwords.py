"""Resetting and changing a password."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Activity, User
from tests.accounts.logging_in import is_logged_in, log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "marble-lantern-58"


def change_password(client: Client, new: str = NEW, old: str = PASSWORD) -> Any:
    return client.post(
        reverse("account_change_password"),
        {"oldpassword": old, "password1": new, "password2": new},
    )


def reset_link(mail: Any) -> str:
    link: str = next(word for word in mail.body.split() if "/password/reset/key/" in word)
    return "/" + link.split("/", 3)[3]


def reset_password(client: Client, link: str) -> None:
    form = client.get(link)  # redirects, so that the key is not in the page's address
    client.post(form.headers["Location"], {"password1": NEW, "password2": NEW})


def test_changing_the_password_keeps_this_session_and_ends_the_others(alice: User) -> None:
    here, elsewhere = Client(), Client()
    log_in(here, "alice")
    log_in(elsewhere, "alice")
    response = change_password(here)
    assert response.headers["Location"] == reverse("accounts:security")
    assert is_logged_in(here)
    assert not is_logged_in(elsewhere)
    assert Activity.objects.filter(kind="password_changed", user=alice).count() == 1


@pytest.mark.parametrize(("new", "old"), [("short", PASSWORD), (NEW, "not the old one")])
def test_a_bad_change_changes_nothing(client: Client, alice: User, new: str, old: str) -> None:
    client.force_login(alice)
    assert change_password(client, new, old).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_resetting_by_mail(client: Client, alice: User, mailoutbox: list[Any]) -> None:
    client.post(reverse("account_reset_password"), {"email": "ALICE@example.com"})
    assert mailoutbox[0].to == ["alice@example.com"]
    reset_password(client, reset_link(mailoutbox[0]))
    assert log_in(client, "alice", NEW).status_code == 302
    assert Activity.objects.filter(kind="password_changed", user=alice).count() == 1


@pytest.mark.parametrize("host", ["localhost:1337", "testserver:99"])
def test_the_links_of_mails_lead_to_our_site_whatever_the_client_calls_it(
    alice: User, mailoutbox: list[Any], host: str
) -> None:
    client = Client(headers={"host": host})
    client.post(reverse("account_reset_password"), {"email": "alice@example.com"})
    client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    form = {"password1": NEW, "password2": NEW, "username": "newcomer"}
    client.post(reverse("account_signup"), form | {"email": "newcomer@example.com"})
    Client(headers={"host": host}).post(
        reverse("account_signup"), form | {"username": "alice2", "email": "alice@example.com"}
    )
    assert len(mailoutbox) >= 3
    for mail in mailoutbox:
        assert host not in mail.body
        assert host not in mail.subject
        links = [word for word in mail.body.split() if "://" in word]
        assert links, mail.subject
        assert all(link.startswith("http://localhost:8000/accounts/") for link in links)
    reset_password(client, reset_link(mailoutbox[0]))
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_a_reset_link_serves_once(client: Client, alice: User, mailoutbox: list[Any]) -> None:
    client.post(reverse("account_reset_password"), {"email": "alice@example.com"})
    link = reset_link(mailoutbox[0])
    reset_password(client, link)
    again = Client().get(link)
    assert again.status_code == 200
    assert b"This link is not valid" in again.content


def test_the_answer_is_the_same_for_an_address_without_account(client: Client, alice: User) -> None:
    known = client.post(reverse("account_reset_password"), {"email": "alice@example.com"})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]


def test_nobody_can_fill_a_mailbox(client: Client, alice: User, mailoutbox: list[Any]) -> None:
    for number in range(8):
        Client(REMOTE_ADDR=f"203.0.113.{number}").post(
            reverse("account_reset_password"), {"email": "alice@example.com"}
        )
    assert len(mailoutbox) == 5


def test_a_reset_does_not_undo_a_suspension(
    client: Client, alice: User, mo: User, mailoutbox: list[Any]
) -> None:
    client.post(reverse("account_reset_password"), {"email": "alice@example.com"})
    services.suspend(user=alice, by=mo, reason="Spam")
    reset_password(client, reset_link(mailoutbox[0]))
    alice.refresh_from_db()
    assert not alice.is_active


def test_storing_a_password_leaves_a_suspension_that_came_meanwhile(alice: User, mo: User) -> None:
    from accounts.adapter import AccountAdapter

    stale = User.objects.get(pk=alice.pk)  # what a request holds that began before
    services.suspend(user=alice, by=mo, reason="Spam")
    AccountAdapter().set_password(stale, NEW)
    alice.refresh_from_db()
    assert not alice.is_active
    assert alice.check_password(NEW)


def test_changing_the_address_waits_for_its_proof(
    client: Client, alice: User, mailoutbox: list[Any]
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    log_in(client, "alice")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("account_email"), {"action_add": "", "email": "NEW@example.com"})
    assert services.verified_email(user_id=alice.pk) == "alice@example.com"
    page = client.get(reverse("account_email")).content.decode()
    assert "new@example.com" in page
    link = next(word for word in mailoutbox[-1].body.split() if "/confirm-email/" in word)
    client.post("/" + link.split("/", 3)[3])
    assert services.verified_email(user_id=alice.pk) == "new@example.com"
    alice.refresh_from_db()
    assert alice.email == "new@example.com"
