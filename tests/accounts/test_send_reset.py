"""Having a mail sent with which somebody chooses a new password."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Activity, User
from accounts.roles import Role
from tests.conftest import PASSWORD, confirm, make_person

pytestmark = pytest.mark.django_db


def send(client: Client, by: User, to: User) -> str:
    client.force_login(by)
    answer = client.post(reverse("accounts:send-reset", args=[to.pk]), follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def mails(to: User) -> list[str]:
    return [str(one.body) for one in mail.outbox if one.to == [to.email]]


@pytest.mark.parametrize("name", ["root", "mo"])
def test_a_person_gets_a_link_and_keeps_the_old_password(
    client: Client, alice: User, name: str, request: pytest.FixtureRequest
) -> None:
    by = request.getfixturevalue(name)
    confirm(alice)
    assert "alice gets a mail with a link" in send(client, by, alice)
    [body] = mails(alice)
    link = re.search(r"https?://\S+/accounts/password/reset/key/\S+", body)
    assert link
    page = Client().get(re.sub(r"^https?://[^/]+", "", link[0]), follow=True)
    assert "password" in page.content.decode().lower()
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    noted = Activity.objects.get(kind="reset_sent")
    assert (noted.user, noted.subject) == (by, alice)


def test_the_page_of_users_never_shows_the_link(client: Client, alice: User, root: User) -> None:
    confirm(alice)
    assert "/reset/key/" not in send(client, root, alice)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MODERATOR])
def test_a_moderator_sends_none_to_staff(client: Client, mo: User, role: Role) -> None:
    other = confirm(make_person("other", role))
    assert "Only an admin" in send(client, mo, other)
    assert mails(other) == []


def test_nobody_sends_one_to_themselves(client: Client, root: User) -> None:
    assert "on the security page" in send(client, root, root)
    assert mails(root) == []


def test_a_suspended_person_is_restored_first(client: Client, root: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "Restore the account first" in send(client, root, alice)
    assert mails(alice) == []


def test_an_account_that_is_gone_is_not_found(client: Client, root: User) -> None:
    client.force_login(root)
    url = reverse("accounts:send-reset", args=["00000000-0000-0000-0000-000000000000"])
    assert client.post(url).status_code == 404
