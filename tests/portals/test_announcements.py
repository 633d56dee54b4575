"""Announcements: who sees which, for how long, and who may make them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity, User
from accounts.roles import Role
from cryptopulse.models import Announcement
from cryptopulse.portals import notices

from .conftest import logged_in, person_of

pytestmark = pytest.mark.django_db

URL = "portals:announcements"
TEXT = "Trading pauses tonight"


def announce(**values: Any) -> Announcement:
    made = Announcement.objects.create(**{"text": TEXT, **values})
    notices.forget()
    return made


def sees(client: Client) -> bool:
    return TEXT in client.get(reverse("portals:about")).content.decode()


def form(**values: str) -> dict[str, str]:
    return {"text": TEXT, "level": "info", "audience": "members",
            "starts_at": "2026-01-01T00:00", "ends_at": "", **values}  # fmt: skip


@pytest.mark.parametrize(
    ("audience", "seen_by"),
    [
        ("everybody", {"visitor", *Role.values}),
        ("members", set(Role.values)),
        ("analyst", {"analyst"}),
        ("user", {"user"}),
    ],
)
def test_it_is_shown_to_whom_it_is_for(audience: str, seen_by: set[str]) -> None:
    announce(audience=audience)
    shown = {role.value for role in Role if sees(logged_in(person_of(role)))}
    shown |= {"visitor"} if sees(Client()) else set()
    assert shown == seen_by


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [(-1, None, True), (-1, 1, True), (1, None, False), (-2, -1, False)],
)
def test_it_is_shown_between_its_moments(start: int, end: int | None, is_shown: bool) -> None:
    now = timezone.now()
    announce(
        audience="everybody",
        starts_at=now + timedelta(hours=start),
        ends_at=None if end is None else now + timedelta(hours=end),
    )
    assert sees(Client()) is is_shown


def test_markup_in_it_is_text() -> None:
    announce(text="<script>alert(1)</script>", audience="everybody")
    text = Client().get(reverse("portals:about")).content.decode()
    assert "&lt;script&gt;alert(1)" in text


def test_what_a_browser_has_closed_stays_closed_there(alice: User) -> None:
    made = announce()
    client = logged_in(alice)
    assert sees(client)
    client.cookies["dismissed"] = f"x.{made.pk.hex}"
    assert not sees(client)


@pytest.mark.parametrize("cookie", ["", "...", "x" * 4000, "%00", "ÿ"])
def test_a_cookie_of_nonsense_does_no_harm(alice: User, cookie: str) -> None:
    announce()
    client = logged_in(alice)
    client.cookies["dismissed"] = cookie
    assert sees(client)


def test_pages_ask_for_them_once_in_a_while(alice: User, django_assert_num_queries: Any) -> None:
    announce()
    sees(Client())
    with django_assert_num_queries(0):
        assert [one.text for one in notices._all()] == [TEXT]


def test_an_admin_makes_changes_and_ends_one(root: User) -> None:
    client = logged_in(root)
    answer = client.post(reverse(URL), form(text="  Trading   pauses\ntonight "), follow=True)
    assert TEXT in answer.content.decode()
    made = Announcement.objects.get()
    url = reverse("portals:announcement-edit", args=[made.pk])
    assert TEXT in client.get(url).content.decode()
    client.post(url, form(text="It is over", level="warning"))
    made.refresh_from_db()
    assert (made.text, made.level) == ("It is over", "warning")
    answer = client.post(reverse("portals:announcement-end", args=[made.pk]), follow=True)
    assert 'class="announcement' not in answer.content.decode()
    assert Activity.objects.filter(kind="announced", user=root).count() == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": " "}, "This field is required"),
        ({"text": "x" * 301}, "at most 300"),
        ({"audience": "martians"}, "Select a valid choice"),
        ({"ends_at": "2025-12-31T00:00"}, "comes after the beginning"),
        ({"starts_at": "soon"}, "valid date"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    root: User, wrong: dict[str, str], sentence: str
) -> None:
    answer = logged_in(root).post(reverse(URL), form(**wrong))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert sentence in text
    assert wrong.get("text", TEXT).strip() in text
    assert not Announcement.objects.exists()


def test_ending_what_is_over_changes_nothing(root: User) -> None:
    ended = timezone.now() - timedelta(hours=1)
    made = announce(starts_at=ended - timedelta(hours=1), ends_at=ended)
    logged_in(root).post(reverse("portals:announcement-end", args=[made.pk]))
    made.refresh_from_db()
    assert made.ends_at == ended
    assert not Activity.objects.filter(kind="announced").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "\u202e\u200b"},
        {"ends_at": "9999-12-31T23:59"},
        {"starts_at": "0001-01-01T00:00"},
    ],
)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_what_nobody_can_read_or_store_is_refused(
    root: User, zone: str, changes: dict[str, str]
) -> None:
    User.objects.filter(pk=root.pk).update(timezone=zone)
    answer = logged_in(root).post(reverse(URL), form(**changes))
    assert answer.status_code == 422
    assert not Announcement.objects.exists()
