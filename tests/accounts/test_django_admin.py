"""People in the Django admin: read by admins and moderators, typed over by nobody."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Activity, Invitation, User
from accounts.roles import Role
from tests.accounts.logging_in import log_in
from tests.conftest import PASSWORD, confirm, make_person

pytestmark = pytest.mark.django_db

LISTS = {
    "accounts_user": {Role.ADMIN, Role.MODERATOR},
    "accounts_activity": {Role.MODERATOR},
    "accounts_invitation": {Role.ADMIN},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", LISTS)
def test_who_sees_which_list(client: Client, role: Role, name: str) -> None:
    client.force_login(make_person("somebody", role))
    status = client.get(reverse(f"admin:{name}_changelist"), follow=True).status_code
    assert status == (200 if role in LISTS[name] else 403)


@pytest.mark.parametrize("role", Role)
def test_who_gets_in_at_all(client: Client, role: Role) -> None:
    client.force_login(make_person("somebody", role))
    staff = role in {Role.ADMIN, Role.MODERATOR}
    login = client.get(reverse("admin:index"), follow=True)
    assert login.status_code == (200 if staff else 403)


def test_its_log_in_is_the_products_own(client: Client, root: User) -> None:
    response = client.get(reverse("admin:index"), follow=True)
    path, _ = response.redirect_chain[-1]
    assert path == "/accounts/login/?next=%2Fadmin%2F"
    direct = client.post(
        reverse("admin:login"), {"username": "root", "password": PASSWORD, "next": "/admin/"}
    )
    assert direct.headers["Location"].startswith("/accounts/login/")
    assert client.get(reverse("admin:index")).status_code == 302  # that did not log anybody in
    assert log_in(client, "root", next="/admin/").headers["Location"] == "/admin/"


def test_attempts_at_the_admins_door_are_limited(client: Client, root: User) -> None:
    for _ in range(5):
        client.post("/accounts/login/?next=/admin/", {"login": "root", "password": "wrong"})
    log_in(client, "root", next="/admin/")
    assert client.get(reverse("admin:index")).status_code == 302


def test_its_password_form_is_the_products_own(client: Client, root: User) -> None:
    client.force_login(root)
    response = client.post(reverse("admin:password_change"), {"old_password": PASSWORD})
    assert response.headers["Location"] == reverse("account_change_password")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MODERATOR])
def test_nothing_about_a_person_can_be_typed_over(client: Client, alice: User, role: Role) -> None:
    client.force_login(make_person("somebody", role))
    url = reverse("admin:accounts_user_change", args=[alice.pk])
    page = client.get(url)
    assert page.status_code == 200
    assert b'name="role"' not in page.content
    assert client.post(url, {"role": "admin", "username": "x"}).status_code == 403
    assert client.post(reverse("admin:accounts_user_add")).status_code == 403
    assert client.post(reverse("admin:accounts_user_delete", args=[alice.pk])).status_code == 403


def test_no_password_hash_and_no_token_hash_is_shown(
    client: Client, alice: User, root: User
) -> None:
    invitation, _ = services.invite(email="nora@example.com", role="analyst", by=root)
    client.force_login(root)
    person = client.get(reverse("admin:accounts_user_change", args=[alice.pk]))
    assert b"argon2" not in person.content
    row = client.get(reverse("admin:accounts_invitation_change", args=[invitation.pk]))
    main = row.content.split(b"<main")[-1] if b"<main" in row.content else row.content
    assert row.status_code == 200
    assert f">{invitation.token_hash}<".encode() not in main


def act(client: Client, action: str, *people: User, **extra: str) -> bytes:
    response = client.post(
        reverse("admin:accounts_user_changelist"),
        {"action": action, "_selected_action": [str(p.pk) for p in people], "index": 0, **extra},
        follow=True,
    )
    return bytes(response.content)


def test_suspending_and_restoring_from_the_list(
    client: Client, alice: User, bob: User, root: User, mo: User
) -> None:
    client.force_login(mo)
    page = act(client, "suspend", alice, bob, root, reason="Spam ring")
    assert b"alice is suspended." in page
    assert b"Only an admin may suspend" in page
    states = dict(User.objects.values_list("username", "is_active"))
    assert states == {"alice": False, "bob": False, "root": True, "mo": True}
    assert Activity.objects.filter(kind="suspended", user=mo).count() == 2
    act(client, "restore", alice)
    alice.refresh_from_db()
    assert alice.is_active


def test_suspending_from_the_list_needs_a_reason(client: Client, alice: User, mo: User) -> None:
    client.force_login(mo)
    assert b"Say why" in act(client, "suspend", alice)
    alice.refresh_from_db()
    assert alice.is_active


def test_a_person_is_shown_with_whether_the_address_is_confirmed(
    client: Client, alice: User, root: User
) -> None:
    client.force_login(root)
    url = reverse("admin:accounts_user_change", args=[alice.pk])
    before = client.get(url).content
    confirm(alice)
    assert b"mail address confirmed" in before
    assert client.get(url).content != before


def test_the_log_cannot_be_shortened(client: Client, alice: User, mo: User) -> None:
    row = services.record(kind=Activity.Kind.TRADED, summary="x", user=alice)
    client.force_login(mo)
    url = reverse("admin:accounts_activity_delete", args=[row.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    client.post(
        reverse("admin:accounts_activity_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "index": 0, "post": "yes"},
    )
    assert Activity.objects.filter(pk=row.pk).exists()


def test_what_gives_no_right_here_is_not_offered() -> None:
    assert not admin.site.is_registered(Group)
    assert not admin.site.is_registered(EmailAddress)
    assert admin.site.is_registered(Invitation)


def test_searching_people(client: Client, alice: User, root: User) -> None:
    client.force_login(root)
    page = client.get(reverse("admin:accounts_user_changelist"), {"q": "ali"})
    assert [person.username for person in page.context["cl"].result_list] == ["alice"]
