"""Flags: listed, reviewed once, with the lines that they are about."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.errors import AccountRejected
from accounts.models import Activity, Flag, User

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)


def flag(kind: str = "person_logins", **extra: Any) -> Flag:
    given = {"count": 9, "first_at": AT, "last_at": AT + timedelta(seconds=50), **extra}
    return Flag.objects.create(id=uuid.uuid4(), kind=kind, **given)


@pytest.fixture
def page(client: Client, mo: User) -> Client:
    client.force_login(mo)
    return client


def test_open_flags_are_listed_with_their_evidence(page: Client, alice: User) -> None:
    flag(user=alice)
    flag("accounts", address="203.0.113.7")
    flag("address_logins", address="2001:db8::/64")
    text = page.get(reverse("accounts:flags")).content.decode()
    assert "Many failed log-ins of one person" in text
    period = "since=2026-11-20T12%3A00&amp;until=2026-11-20T12%3A02"
    assert f"?kind=login_failed&amp;{period}&amp;person=alice" in text
    assert f"?kind=signed_up&amp;{period}&amp;address=203.0.113.7" in text
    assert f'?kind=login_failed&amp;{period}"' in text  # a network cannot be looked for


def test_a_review_is_kept_and_the_flag_leaves_the_list(page: Client, mo: User, bob: User) -> None:
    found = flag(user=bob)
    url = reverse("accounts:flag-review", args=[found.pk])
    page.post(url, {"note": "  A forgotten \0 password  "})
    found.refresh_from_db()
    assert (found.state, found.note, found.reviewed_by) == (
        "reviewed", "A forgotten password", mo,
    )  # fmt: skip
    row = Activity.objects.get(kind="flag_reviewed")
    assert (row.user, row.subject) == (mo, bob)
    assert services.flags_page().rows == []
    assert [one.pk for one in services.flags_page(state="reviewed").rows] == [found.pk]
    text = page.get(reverse("accounts:flags"), {"state": "reviewed"}).content.decode()
    assert "A forgotten password" in text


def test_a_flag_is_reviewed_once(page: Client, mo: User) -> None:
    found = flag()
    for _ in range(2):
        answer = page.post(
            reverse("accounts:flag-review", args=[found.pk]), {"note": "Fine"}, follow=True
        )
    assert "Somebody has reviewed this flag already." in answer.content.decode()
    assert Activity.objects.filter(kind="flag_reviewed").count() == 1


@pytest.mark.parametrize("note", ["", "   ", "x" * 501])
def test_a_refused_note_comes_back_as_it_was_typed(page: Client, note: str) -> None:
    found = flag()
    answer = page.post(reverse("accounts:flag-review", args=[found.pk]), {"note": note})
    assert answer.status_code == 422
    assert f">{note}</textarea>" in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    found.refresh_from_db()
    assert found.state == "open"


def test_an_admin_does_not_review(root: User) -> None:
    with pytest.raises(AccountRejected, match="Only a moderator"):
        services.review_flag(flag=flag(), by=root, note="Fine", now=timezone.now())


def test_there_is_no_such_flag(page: Client) -> None:
    url = reverse("accounts:flag-review", args=[uuid.uuid4()])
    assert page.post(url, {"note": "Fine"}).status_code == 404


def test_people_who_may_be_suspended_are_offered(page: Client, alice: User, root: User) -> None:
    flag(user=alice)
    flag(user=root)
    text = page.get(reverse("accounts:flags")).content.decode()
    assert reverse("accounts:suspend", args=[alice.pk]) in text
    assert reverse("accounts:suspend", args=[root.pk]) not in text


def test_pages_show_every_flag_once_newest_first() -> None:
    made = [flag().pk for _ in range(5)]
    seen, cursor = [], ""
    while True:
        found = services.flags_page(cursor=cursor, limit=2)
        seen += [one.pk for one in found.rows]
        cursor = found.next_cursor
        if not cursor:
            break
    assert seen == made[::-1]


def test_the_list_costs_the_same_however_many_flags_there_are(
    page: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        person = User.objects.create(username=f"p{number}", email=f"p{number}@example.com")
        flag(user=person)
    with django_assert_max_num_queries(7):
        page.get(reverse("accounts:flags"))
