"""Inviting people to a role."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.models import Activity, Invitation, User
from accounts.roles import Role
from accounts.services import AccountRejected
from tests.accounts.logging_in import log_in
from tests.conftest import confirm, make_person

pytestmark = pytest.mark.django_db

GOOD = "violet-anchor-71"


def accept(token: str, username: str = "nora", **changes: Any) -> User:
    arguments = {"password": GOOD, "now": timezone.now(), **changes}
    return services.accept_invitation(token=token, username=username, **arguments)


def choose(client: Client, token: str, **changes: str) -> Any:
    form = {"username": "nora", "password1": GOOD, "password2": GOOD, **changes}
    return client.post(reverse("accounts:invitation", args=[token]), form)


def test_the_mail_holds_the_link_and_the_database_does_not(
    root: User, mailoutbox: list[Any]
) -> None:
    _, token = services.invite(email="Nora@Example.com", role="analyst", by=root)
    assert mailoutbox[0].to == ["nora@example.com"]
    assert f"http://localhost:8000/invitations/{token}/" in mailoutbox[0].body
    stored = Invitation.objects.values().get()
    assert token not in str(stored)
    assert stored["email"] == "nora@example.com"
    assert stored["expires_at"] - stored["created_at"] == timedelta(days=7)
    row = Activity.objects.get()
    assert (row.kind, row.user) == ("invited", root)
    assert row.summary == "root invited nora@example.com as Analyst"


@pytest.mark.usefixtures("real_passwords")
def test_accepting_makes_the_account_with_the_role(root: User) -> None:
    _, token = services.invite(email="nora@example.com", role="moderator", by=root)
    nora = accept(token, "Nora")
    assert (nora.username, nora.email, nora.role) == ("nora", "nora@example.com", Role.MODERATOR)
    assert nora.check_password(GOOD)
    assert nora.password.startswith("argon2")
    assert nora.is_staff
    assert services.verified_email(user_id=nora.pk) == "nora@example.com"
    assert Activity.objects.filter(kind="signed_up", user=nora).count() == 1


def test_an_invitation_serves_once(root: User) -> None:
    _, token = services.invite(email="nora@example.com", role="analyst", by=root)
    accept(token)
    with pytest.raises(AccountRejected, match="not valid"):
        accept(token, "nora2")
    assert User.objects.count() == 2


def test_an_invitation_ends(root: User) -> None:
    invitation, token = services.invite(email="nora@example.com", role="analyst", by=root)
    with pytest.raises(AccountRejected, match="not valid"):
        accept(token, now=invitation.expires_at)
    assert accept(token, now=invitation.expires_at - timedelta(seconds=1)).role == Role.ANALYST


@pytest.mark.parametrize("token", ["forged", "", "x" * 2000, "ünïcode", "\0"])
def test_a_forged_token_opens_nothing(root: User, token: str) -> None:
    invitation, _ = services.invite(email="nora@example.com", role="admin", by=root)
    with pytest.raises(AccountRejected, match="not valid"):
        accept(token)
    with pytest.raises(AccountRejected, match="not valid"):
        accept(invitation.token_hash)  # what a thief of the database has


def test_a_second_invitation_replaces_the_first(root: User) -> None:
    _, first = services.invite(email="nora@example.com", role="admin", by=root)
    _, second = services.invite(email="NORA@example.com", role="analyst", by=root)
    with pytest.raises(AccountRejected):
        accept(first)
    assert accept(second).role == Role.ANALYST


@pytest.mark.parametrize("role", [Role.USER, Role.ANALYST, Role.MODERATOR])
def test_only_admins_invite(role: Role, mailoutbox: list[Any]) -> None:
    with pytest.raises(AccountRejected, match="Only an admin"):
        services.invite(email="x@example.com", role="admin", by=make_person("actor", role))
    assert not Invitation.objects.exists()
    assert not mailoutbox


@pytest.mark.parametrize("email", ["", "nora", "nora@", "a@b@c", "nora@example.com\n", "\0@x.de"])
def test_what_is_no_address_is_refused(root: User, email: str) -> None:
    if email.strip() == "nora@example.com":
        services.invite(email=email, role="user", by=root)  # white space around it is harmless
        assert Invitation.objects.get().email == "nora@example.com"
        return
    with pytest.raises(AccountRejected) as refused:
        services.invite(email=email, role="user", by=root)
    assert refused.value.field == "email"


def test_somebody_who_has_an_account_is_not_invited(root: User, alice: User) -> None:
    confirm(alice)
    with pytest.raises(AccountRejected, match="is confirmed"):
        services.invite(email="ALICE@example.com", role="analyst", by=root)


def test_an_unconfirmed_account_is_not_recommended_for_promotion(root: User, alice: User) -> None:
    with pytest.raises(AccountRejected, match="nobody has confirmed") as refused:
        services.invite(email="alice@example.com", role="analyst", by=root)
    assert "role" not in refused.value.sentence


def test_a_squatted_address_is_refused_with_a_way_out(root: User) -> None:
    _, token = services.invite(email="nora@example.com", role="admin", by=root)
    squatter = make_person("mallory")
    User.objects.filter(pk=squatter.pk).update(email="nora@example.com")
    with pytest.raises(AccountRejected, match="ask the admin who invited you to suspend it"):
        accept(token)
    squatter.refresh_from_db()
    assert squatter.role == Role.USER


def test_an_invitation_ends_with_its_inviters_right_to_invite(root: User) -> None:
    ada = make_person("ada", Role.ADMIN)
    _, by_suspended = services.invite(email="nora@example.com", role="admin", by=root)
    _, by_demoted = services.invite(email="nils@example.com", role="admin", by=ada)
    services.change_role(user=ada, role="user", by=root)
    User.objects.filter(pk=root.pk).update(is_active=False)
    for token in (by_suspended, by_demoted):
        assert services.open_invitation(token=token, now=timezone.now()) is None
        with pytest.raises(AccountRejected, match="not valid any more"):
            accept(token)
        assert Client().get(reverse("accounts:invitation", args=[token])).status_code == 404
    assert not User.objects.filter(username="nora").exists()


def test_a_suspension_that_comes_while_the_form_is_read_counts(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = services.invite(email="nora@example.com", role="admin", by=root)

    def hash_slowly(password: str) -> str:
        User.objects.filter(pk=root.pk).update(is_active=False)
        return password

    monkeypatch.setattr("accounts.services.invitations.make_password", hash_slowly)
    with pytest.raises(AccountRejected, match="not valid any more"):
        accept(token)
    assert Invitation.objects.get().accepted_at is None


def test_an_account_that_came_first_is_not_taken_over(root: User) -> None:
    _, token = services.invite(email="alice@example.com", role="admin", by=root)
    alice = confirm(make_person("alice"))
    with pytest.raises(AccountRejected, match="already an account"):
        accept(token)
    alice.refresh_from_db()
    assert alice.role == Role.USER
    assert Invitation.objects.get().accepted_at is None  # nothing of it happened


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("root", GOOD, "username"),  # taken
        ("admin", GOOD, "username"),  # reserved
        ("x", GOOD, "username"),
        ("nora", "12345678", "password"),
        ("nora", "nora@example.com", "password"),
        ("nora", "", "password"),
    ],
)
def test_bad_choices_leave_the_invitation_open(
    root: User, username: str, password: str, field: str
) -> None:
    _, token = services.invite(email="nora@example.com", role="analyst", by=root)
    with pytest.raises(AccountRejected) as refused:
        accept(token, username, password=password)
    assert refused.value.field == field
    assert accept(token).username == "nora"


def test_the_whole_way_through_the_pages(client: Client, root: User, mailoutbox: list[Any]) -> None:
    client.force_login(root)
    sent = client.post(
        reverse("accounts:invite"), {"email": "nora@example.com", "role": "analyst"}, follow=True
    )
    assert b"nora@example.com is on its way" in sent.content
    link = next(word for word in mailoutbox[0].body.split() if "/invitations/" in word)
    path = "/" + link.split("/", 3)[3]
    assert b"logged in as <b>root</b>" in client.get(path).content
    visitor = Client()
    page = visitor.get(path)
    assert b"invited as <b>analyst</b>" in page.content
    assert "no-store" in page.headers["Cache-Control"]
    token = path.split("/")[-2]
    assert choose(visitor, token).headers["Location"] == reverse("portals:analyst")
    assert b"Welcome, nora." in visitor.get(reverse("portals:analyst")).content
    assert Activity.objects.filter(kind="logged_in", user__username="nora").count() == 1
    visitor.logout()
    assert log_in(visitor, "nora", GOOD).headers["Location"] == reverse("portals:analyst")
    assert Client().get(path).status_code == 404


def test_the_form_says_what_is_wrong_where_it_is(client: Client, root: User) -> None:
    _, token = services.invite(email="nora@example.com", role="analyst", by=root)
    taken = choose(client, token, username="root")
    assert taken.status_code == 422
    assert taken.context["form"].errors["username"]
    weak = choose(client, token, password1="12345678", password2="12345678")
    assert weak.context["form"].errors["password1"]
    different = choose(client, token, password2="other")
    assert different.context["form"].errors["password2"]
    assert choose(client, token, role="admin").status_code == 302
    assert User.objects.get(username="nora").role == Role.ANALYST  # a forged role is not read


def test_the_invite_form_says_what_is_wrong(client: Client, root: User, alice: User) -> None:
    client.force_login(root)
    url = reverse("accounts:invite")
    response = client.post(url, {"email": "alice@example.com", "role": "analyst"})
    assert response.status_code == 422
    assert response.context["form"].errors["email"]
    assert client.post(url, {"email": "x", "role": "emperor"}).status_code == 422
    assert client.post(url, {}).status_code == 422
    assert not Invitation.objects.exists()


def test_an_invitation_whose_mail_cannot_be_written_does_not_exist(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr("accounts.services.invitations.send_mail", full)
    with pytest.raises(OSError):  # noqa: PT011 (whichever it is)
        services.invite(email="nora@example.com", role="analyst", by=root)
    assert not Invitation.objects.exists()
    assert not Activity.objects.exists()


def test_the_mail_waits_in_the_outbox(root: User, settings: Settings) -> None:
    from alerts.models import Notification

    settings.EMAIL_BACKEND = "alerts.mail.OutboxEmailBackend"
    _, token = services.invite(email="nora@example.com", role="analyst", by=root)
    row = Notification.objects.get()
    assert (row.kind, row.channel, row.address) == ("mail", "email", "nora@example.com")
    assert token in row.body  # until it is sent


def test_of_two_who_come_at_once_one_gets_the_account(shared_database: None) -> None:
    root = make_person("root", Role.ADMIN)
    _, token = services.invite(email="nora@example.com", role="analyst", by=root)
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def come(username: str) -> None:
        start.wait()
        try:
            accept(token, username)
            outcomes.append("in")
        except AccountRejected:
            outcomes.append("out")
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(name,)) for name in ("nora", "nora2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in", "out"]
    assert User.objects.filter(email="nora@example.com").count() == 1
