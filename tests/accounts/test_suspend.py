"""Suspending and restoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services, signals
from accounts.models import Activity, User
from accounts.roles import Role
from accounts.services import AccountRejected
from tests.accounts.logging_in import is_logged_in, log_in
from tests.conftest import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Whom the signal named, and whether they were suspended in the database by then."""
    calls: list[Any] = []

    def listen(user_id: Any, **_: Any) -> None:
        calls.append((user_id, User.objects.get(pk=user_id).is_active))

    signals.user_suspended.connect(listen)
    yield calls
    signals.user_suspended.disconnect(listen)


def test_a_moderator_suspends_a_user(alice: User, mo: User, heard: list[Any]) -> None:
    services.suspend(user=alice, by=mo, reason=" Wash \n trading ", address="203.0.113.7")
    alice.refresh_from_db()
    assert (alice.is_active, alice.suspension_reason) == (False, "Wash trading")
    assert alice.suspended_at is not None
    row = Activity.objects.get()
    assert (row.kind, row.user, row.subject) == ("suspended", mo, alice)
    assert (row.summary, row.address) == ("mo suspended alice: Wash trading", "203.0.113.7")
    assert heard == [(alice.pk, False)]


def test_restoring_gives_everything_back(alice: User, mo: User) -> None:
    services.suspend(user=alice, by=mo, reason="Spam")
    services.restore(user=alice, by=mo)
    alice.refresh_from_db()
    assert (alice.is_active, alice.suspended_at, alice.suspension_reason) == (True, None, "")
    assert Activity.objects.filter(kind="restored", user=mo, subject=alice).count() == 1


def test_what_was_open_before_a_suspension_stays_shut_after_it(
    client: Client, alice: User, mo: User
) -> None:
    log_in(client, "alice")
    services.suspend(user=alice, by=mo, reason="A stolen session")
    services.restore(user=alice, by=mo)
    assert not is_logged_in(client)
    log_in(client, "alice")
    assert is_logged_in(client)


def test_a_session_that_nobody_could_delete_stays_shut_too(
    client: Client, alice: User, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client, "alice")

    def dies(**_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("accounts.services.moderation.forget_other_sessions", dies)
    with pytest.raises(ConnectionError):
        services.suspend(user=alice, by=mo, reason="A stolen session")
    services.restore(user=alice, by=mo)
    assert not is_logged_in(client)


def test_a_live_session_is_out_at_the_next_request(client: Client, alice: User, mo: User) -> None:
    log_in(client, "alice")
    assert is_logged_in(client)
    services.suspend(user=alice, by=mo, reason="Spam")
    response = client.get(reverse("accounts:security"))
    assert response.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("by", "whom", "allowed"),
    [
        (Role.MODERATOR, Role.USER, True),
        (Role.MODERATOR, Role.ANALYST, True),
        (Role.MODERATOR, Role.MODERATOR, False),
        (Role.MODERATOR, Role.ADMIN, False),
        (Role.ADMIN, Role.USER, True),
        (Role.ADMIN, Role.ANALYST, True),
        (Role.ADMIN, Role.MODERATOR, True),
        (Role.ADMIN, Role.ADMIN, True),
        (Role.USER, Role.USER, False),
        (Role.ANALYST, Role.USER, False),
    ],
)
def test_who_may_suspend_and_restore_whom(by: Role, whom: Role, *, allowed: bool) -> None:
    actor, person = make_person("actor", by), make_person("person", whom)
    if allowed:
        services.suspend(user=person, by=actor, reason="Because")
        services.restore(user=person, by=actor)
        return
    with pytest.raises(AccountRejected):
        services.suspend(user=person, by=actor, reason="Because")
    person.refresh_from_db()
    assert person.is_active
    User.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(AccountRejected):
        services.restore(user=person, by=actor)
    assert not Activity.objects.exists()


def test_nobody_suspends_themselves(root: User) -> None:
    with pytest.raises(AccountRejected, match="yourself"):
        services.suspend(user=root, by=root, reason="Tired")


def test_who_is_suspended_suspends_nobody(alice: User, mo: User) -> None:
    stale = User.objects.get(pk=mo.pk)
    User.objects.filter(pk=mo.pk).update(is_active=False)
    with pytest.raises(AccountRejected):
        services.suspend(user=alice, by=stale, reason="Revenge")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_reason_is_needed_and_short(alice: User, mo: User, reason: str) -> None:
    with pytest.raises(AccountRejected) as refused:
        services.suspend(user=alice, by=mo, reason=reason)
    assert refused.value.field == "reason"


def test_twice_is_once(alice: User, mo: User, heard: list[Any]) -> None:
    services.suspend(user=alice, by=mo, reason="Spam")
    with pytest.raises(AccountRejected, match="already"):
        services.suspend(user=alice, by=mo, reason="Spam")
    services.restore(user=alice, by=mo)
    with pytest.raises(AccountRejected, match="not suspended"):
        services.restore(user=alice, by=mo)
    assert len(heard) == 1


def test_a_deaf_listener_does_not_undo_it(alice: User, mo: User) -> None:
    def break_down(**_: Any) -> None:
        raise RuntimeError

    signals.user_suspended.connect(break_down)
    try:
        services.suspend(user=alice, by=mo, reason="Spam")
    finally:
        signals.user_suspended.disconnect(break_down)
    alice.refresh_from_db()
    assert not alice.is_active


def test_the_buttons_on_the_page(client: Client, alice: User, mo: User) -> None:
    client.force_login(mo)
    back = reverse("accounts:users") + "?role=user"
    response = client.post(
        reverse("accounts:suspend", args=[alice.pk]), {"reason": "Spam", "next": back}
    )
    assert response.headers["Location"] == back
    alice.refresh_from_db()
    assert not alice.is_active
    assert Activity.objects.get(kind="suspended").address == "127.0.0.1"
    client.post(reverse("accounts:restore", args=[alice.pk]))
    alice.refresh_from_db()
    assert alice.is_active


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_the_buttons_lead_to_no_other_site(
    client: Client, alice: User, mo: User, back: str
) -> None:
    client.force_login(mo)
    response = client.post(
        reverse("accounts:suspend", args=[alice.pk]), {"reason": "Spam", "next": back}
    )
    assert response.headers["Location"] == reverse("accounts:users")


def test_a_refusal_is_a_sentence_on_the_page(client: Client, root: User, mo: User) -> None:
    client.force_login(mo)
    response = client.post(
        reverse("accounts:suspend", args=[root.pk]), {"reason": "Coup"}, follow=True
    )
    assert b"Only an admin may suspend" in response.content
    root.refresh_from_db()
    assert root.is_active


def test_an_unknown_person_is_a_404(client: Client, mo: User) -> None:
    client.force_login(mo)
    nobody = "00000000-0000-7000-8000-000000000000"
    assert client.post(reverse("accounts:suspend", args=[nobody])).status_code == 404
    assert client.post("/users/42/suspend/").status_code == 404
