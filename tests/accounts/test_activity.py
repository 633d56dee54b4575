"""The log and its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.models import Activity, User
from accounts.pages import _read, _write
from accounts.services import Page

pytestmark = pytest.mark.django_db

TRADED, LOGGED_IN = Activity.Kind.TRADED, Activity.Kind.LOGGED_IN


def everything(**filters: Any) -> list[str]:
    """Walk all pages, two rows at a time."""
    summaries: list[str] = []
    cursor = ""
    while True:
        page: Page[Activity] = services.activity_page(cursor=cursor, limit=2, **filters)
        summaries += [row.summary for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            return summaries


@pytest.fixture
def log(alice: User, bob: User) -> list[str]:
    """Seven lines, oldest first; keys in order, whatever the millisecond."""
    for number in range(7):
        user, kind = (alice, TRADED) if number % 2 else (bob, LOGGED_IN)
        key = f"01900000-0000-7000-8000-{number:012}"
        Activity.objects.create(id=key, kind=kind, summary=f"line {number}", user=user)
    return [f"line {number}" for number in range(7)]


def test_pages_show_every_line_once_newest_first(log: list[str]) -> None:
    assert everything() == log[::-1]


def test_filters_by_kind_and_by_person(log: list[str], alice: User, bob: User) -> None:
    assert everything(kind="traded") == ["line 5", "line 3", "line 1"]
    assert everything(user_id=bob.pk) == ["line 6", "line 4", "line 2", "line 0"]
    assert everything(kind="traded", user_id=bob.pk) == []
    assert everything(kind="no such kind") == []


def test_a_line_that_is_written_meanwhile_shifts_no_page(log: list[str], alice: User) -> None:
    first = services.activity_page(limit=3)
    services.record(kind=TRADED, summary="newest", user=alice)
    second = services.activity_page(limit=3, cursor=first.next_cursor)
    assert [row.summary for row in second.rows] == ["line 3", "line 2", "line 1"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "ünïcode", "../../etc", "AAAA", "=" * 30, "A" * 22 + "é", "A" * 5000, "\0"]
)
def test_a_cursor_that_is_not_ours_is_the_first_page(log: list[str], cursor: str) -> None:
    page = services.activity_page(cursor=cursor, limit=1)
    assert [row.summary for row in page.rows] == ["line 6"]


@given(st.uuids())
def test_a_cursor_comes_back_as_it_was(position: Any) -> None:
    assert _read(_write(position)) == position


@given(st.text())
def test_no_text_breaks_a_cursor(text: str) -> None:
    _read(text)


@pytest.mark.parametrize("limit", [-5, 0, 1, 10_000])
def test_the_limit_is_kept_within_reason(log: list[str], limit: int) -> None:
    assert 1 <= len(services.activity_page(limit=limit).rows) <= 7


def test_summaries_are_cut_and_cleaned(alice: User) -> None:
    row = services.record(kind=TRADED, summary="a\0b\nc" + "x" * 500, user=alice)
    row.refresh_from_db()
    assert row.summary.startswith("abcxx")
    assert len(row.summary) == 200


def test_recent_activity_is_ones_own(log: list[str], alice: User) -> None:
    assert [row.summary for row in services.recent_activity(user=alice, limit=2)] == [
        "line 5",
        "line 3",
    ]
    assert services.recent_activity(user=alice, limit=2, kinds=frozenset({LOGGED_IN})) == []


def test_the_page_costs_the_same_however_many_people_are_on_it(
    client: Client,
    log: list[str],
    mo: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(mo)
    # session, user, unread notifications, the page, the people on it, the ticker tape
    with django_assert_max_num_queries(8):
        response = client.get(reverse("accounts:activity"))
    assert all(line in response.content.decode() for line in log)


def test_the_page_filters(client: Client, log: list[str], mo: User) -> None:
    client.force_login(mo)
    url = reverse("accounts:activity")
    page = client.get(url, {"kind": "traded", "person": " Alice "}).content.decode()
    assert "line 5" in page
    assert "line 6" not in page
    assert "Nobody has this username" in client.get(url, {"person": "eve"}).content.decode()
    assert "No activity matches" in client.get(url, {"kind": "nonsense"}).content.decode()


def test_the_page_pages(client: Client, alice: User, mo: User) -> None:
    for number in range(60):
        key = f"01900000-0000-7000-8000-{number:012}"
        Activity.objects.create(id=key, kind=TRADED, summary=f"trade <{number}>", user=alice)
    client.force_login(mo)
    first = client.get(reverse("accounts:activity"), {"kind": "traded"})
    assert "trade &lt;59&gt;" in first.content.decode()
    second = client.get(reverse("accounts:activity") + first.context["next_url"])
    assert second.context["rows"][0].summary == "trade <9>"
    assert second.context["next_url"] == ""
    assert second.context["first_url"] == "?kind=traded"


def test_nothing_that_is_typed_breaks_the_page(client: Client, mo: User) -> None:
    client.force_login(mo)
    for value in ("\0", "ünïcode", "x" * 3000, "' OR 1=1 --", "%", "<script>"):
        for name in ("kind", "person", "cursor"):
            response = client.get(reverse("accounts:activity"), {name: value})
            assert response.status_code == 200
            assert b"<script>" not in response.content.split(b"<main")[1].split(b"</main")[0]
