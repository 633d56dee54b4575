"""Invitations that wait: listed, sent again, withdrawn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.errors import AccountRejected
from accounts.models import Activity, Invitation, User

pytestmark = pytest.mark.django_db

GUEST = "guest@example.com"


def test_those_that_still_open_something_are_listed(root: User) -> None:
    now = timezone.now()
    services.invite(email=GUEST, role="analyst", by=root)
    services.invite(email="late@example.com", role="admin", by=root, now=now - timedelta(days=8))
    _, token = services.invite(email="in@example.com", role="moderator", by=root)
    services.accept_invitation(token=token, username="inside", password="a fine long one", now=now)
    assert [one.email for one in services.pending_invitations(now=now)] == [GUEST]


def test_the_page_lists_them_for_admins_only(client: Client, root: User, mo: User) -> None:
    services.invite(email=GUEST, role="analyst", by=root)
    client.force_login(root)
    assert GUEST in client.get(reverse("accounts:users")).content.decode()
    client.force_login(mo)
    assert GUEST not in client.get(reverse("accounts:users")).content.decode()


def test_sent_again_the_old_link_is_worthless(client: Client, root: User) -> None:
    _, old = services.invite(email=GUEST, role="analyst", by=root)
    client.force_login(root)
    answer = client.post(reverse("accounts:invitation-resend"), {"email": GUEST}, follow=True)
    assert "on its way again" in answer.content.decode()
    assert services.open_invitation(token=old, now=timezone.now()) is None
    again = Invitation.objects.get()
    assert (again.email, again.role) == (GUEST, "analyst")
    assert [one.to for one in mail.outbox] == [[GUEST]] * 2


def test_withdrawn_it_opens_nothing_and_is_noted(client: Client, root: User) -> None:
    _, token = services.invite(email=GUEST, role="analyst", by=root)
    client.force_login(root)
    answer = client.post(
        reverse("accounts:invitation-withdraw"), {"email": GUEST.upper()}, follow=True
    )
    assert "is withdrawn" in answer.content.decode()
    assert services.open_invitation(token=token, now=timezone.now()) is None
    assert Activity.objects.get(kind="uninvited").user == root


@pytest.mark.parametrize("action", ["invitation-resend", "invitation-withdraw"])
@pytest.mark.parametrize("email", ["", "nobody@example.com", "\0", "x" * 5000])
def test_one_that_is_gone_is_refused_in_a_sentence(
    client: Client, root: User, action: str, email: str
) -> None:
    client.force_login(root)
    answer = client.post(reverse(f"accounts:{action}"), {"email": email}, follow=True)
    assert "accepted or withdrawn in the meantime" in answer.content.decode()


def test_only_admins_may(mo: User, root: User) -> None:
    services.invite(email=GUEST, role="analyst", by=root)
    for operation in (services.resend_invitation, services.withdraw_invitation):
        with pytest.raises(AccountRejected, match="Only an admin"):
            operation(email=GUEST, by=mo)
    assert Invitation.objects.count() == 1
