"""Changing what somebody is."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import services, signals
from accounts.models import Activity, User
from accounts.roles import Permission, Role
from accounts.services import AccountRejected
from tests.conftest import confirm, make_person


@pytest.mark.django_db
def test_an_admin_makes_a_user_an_analyst(alice: User, root: User) -> None:
    calls: list[Any] = []

    def listen(user_id: Any, **_: Any) -> None:
        calls.append((user_id, User.objects.get(pk=user_id).role))

    signals.role_changed.connect(listen)
    try:
        services.change_role(user=confirm(alice), role="analyst", by=root, address="203.0.113.7")
    finally:
        signals.role_changed.disconnect(listen)
    alice.refresh_from_db()
    assert alice.role == Role.ANALYST
    assert alice.may(Permission.ANALYSE_MARKET)
    assert not alice.may(Permission.TRADE)
    row = Activity.objects.get()
    assert (row.kind, row.user, row.subject) == ("role_changed", root, alice)
    assert row.summary == "root changed the role of alice from User to Analyst"
    assert calls == [(alice.pk, "analyst")]


@pytest.mark.django_db
def test_a_new_moderator_gets_into_the_django_admin_and_a_former_one_does_not(
    alice: User, root: User
) -> None:
    services.change_role(user=confirm(alice), role="moderator", by=root)
    alice.refresh_from_db()
    assert alice.is_staff
    services.change_role(user=alice, role="user", by=root)
    alice.refresh_from_db()
    assert not alice.is_staff


@pytest.mark.django_db
@pytest.mark.parametrize("by", [Role.USER, Role.ANALYST, Role.MODERATOR])
def test_only_admins_change_roles(alice: User, by: Role) -> None:
    with pytest.raises(AccountRejected, match="Only an admin"):
        services.change_role(user=alice, role="admin", by=make_person("actor", by))
    alice.refresh_from_db()
    assert alice.role == Role.USER


@pytest.mark.django_db
def test_nobody_changes_their_own(root: User) -> None:
    with pytest.raises(AccountRejected, match="own role"):
        services.change_role(user=root, role="user", by=root)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["", "superhero", "ADMIN", "admin\0"])
def test_unknown_roles_are_refused(alice: User, root: User, role: str) -> None:
    with pytest.raises(AccountRejected, match="no such role"):
        services.change_role(user=alice, role=role, by=root)


@pytest.mark.django_db
def test_the_same_role_again_is_refused(alice: User, root: User) -> None:
    with pytest.raises(AccountRejected, match="already"):
        services.change_role(user=alice, role="user", by=root)
    assert not Activity.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.ANALYST, Role.MODERATOR, Role.ADMIN])
def test_who_has_not_confirmed_the_address_is_not_promoted(
    alice: User, root: User, role: Role
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    with pytest.raises(AccountRejected, match="alice has not confirmed the e-mail address"):
        services.change_role(user=alice, role=role, by=root)
    alice.refresh_from_db()
    assert alice.role == Role.USER
    EmailAddress.objects.get().set_verified()
    assert services.change_role(user=alice, role=role, by=root).role == role


@pytest.mark.django_db
def test_an_unconfirmed_person_may_be_made_a_plain_user(mo: User, root: User) -> None:
    assert services.change_role(user=mo, role="user", by=root).role == Role.USER


@pytest.mark.django_db
def test_the_form_on_the_page(client: Client, alice: User, root: User) -> None:
    confirm(alice)
    client.force_login(root)
    client.post(reverse("accounts:change-role", args=[alice.pk]), {"role": "moderator"})
    alice.refresh_from_db()
    assert alice.role == Role.MODERATOR


@pytest.mark.django_db
def test_a_changed_role_holds_from_the_next_request(
    client: Client, alice: User, root: User
) -> None:
    client.force_login(alice)
    assert client.get(reverse("accounts:users")).status_code == 403
    services.change_role(user=confirm(alice), role="moderator", by=root)
    assert client.get(reverse("accounts:users")).status_code == 200


class AnAdminIsAlwaysLeft(TestCase):
    """Whatever admins and moderators do to one another, somebody stays who can mend it."""

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.integers(0, 3), st.sampled_from([*Role.values, "suspend"])
            ),
            max_size=15,
        )
    )
    def test_over_any_sequence(self, steps: list[tuple[int, int, str]]) -> None:
        roles = [Role.ADMIN, Role.ADMIN, Role.MODERATOR, Role.USER]
        people = [
            confirm(User.objects.create(username=f"p{n}", email=f"p{n}@example.com", role=role))
            for n, role in enumerate(roles)
        ]
        for actor, person, what in steps:
            try:
                if what == "suspend":
                    services.suspend(user=people[person], by=people[actor], reason="x")
                else:
                    services.change_role(user=people[person], role=what, by=people[actor])
            except AccountRejected:
                pass
            assert User.objects.filter(role=Role.ADMIN, is_active=True).exists()


def test_of_two_admins_who_dismiss_each_other_at_once_one_stays(shared_database: None) -> None:
    ada, eve = make_person("ada", Role.ADMIN), make_person("eve", Role.ADMIN)
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def dismiss(person: User, by: User) -> None:
        start.wait()
        try:
            services.change_role(user=person, role="user", by=by)
            outcomes.append("done")
        except AccountRejected:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=dismiss, args=pair) for pair in ((ada, eve), (eve, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "refused"]
    assert User.objects.filter(role=Role.ADMIN).count() == 1
