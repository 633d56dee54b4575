"""The monitor that is live, its filters and its file."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import Activity, User
from accounts.moments import key_at

pytestmark = pytest.mark.django_db

TRADED, FAILED = Activity.Kind.TRADED, Activity.Kind.LOGIN_FAILED


@pytest.fixture
def page(client: Client, mo: User) -> Client:
    client.force_login(mo)
    return client


def put(summary: str, *, ago: timedelta = timedelta(), **extra: Any) -> Activity:
    at = timezone.now() - ago
    key = uuid.UUID(int=key_at(at).int + hash(summary) % 1000)
    return Activity.objects.create(
        **{"id": key, "at": at, "kind": TRADED, "summary": summary, **extra}
    )


def follow(client: Client, after: Any, **query: str) -> Any:
    return client.get(reverse("accounts:activity-new"), {"after": str(after), **query})


def test_a_page_that_is_open_gets_what_came_after(page: Client, alice: User) -> None:
    put("seen before", ago=timedelta(minutes=5))
    seen = put("on top", ago=timedelta(minutes=1))
    put("new <b>", user=alice)
    answer = follow(page, seen.pk, kind="traded")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "new &lt;b&gt;" in text
    assert "<html" not in text
    assert "seen before" not in text


def test_nothing_new_is_no_content(page: Client) -> None:
    newest = put("newest")
    assert follow(page, newest.pk).status_code == 204


def test_a_line_that_commits_late_is_not_lost(page: Client) -> None:
    newest = put("newest", ago=timedelta(seconds=1))
    put("late", ago=timedelta(seconds=5))
    put("later still")
    text = follow(page, newest.pk).content.decode()
    assert "late" in text


def test_filters_hold_for_what_is_new(page: Client, alice: User, bob: User) -> None:
    old = put("old", ago=timedelta(minutes=5))
    put("by alice", user=alice, address="203.0.113.7")
    put("by bob", user=bob, address="198.51.100.4")
    assert "by alice" not in follow(page, old.pk, person="bob").content.decode()
    assert "by bob" not in follow(page, old.pk, address="203.0.113.7").content.decode()
    assert follow(page, old.pk, kind="suspended").status_code == 204


@pytest.mark.parametrize("after", ["", "x", "../..", "ffff", "f" * 5000])
def test_what_is_no_position_is_refused(page: Client, after: str) -> None:
    assert follow(page, after).status_code == 400


@pytest.mark.parametrize("after", ["0" * 32, "f" * 32])
def test_any_key_is_a_position(page: Client, after: str) -> None:
    assert follow(page, after).status_code in {200, 204}


@pytest.mark.parametrize("person", ["alice", "ana", "root"])
def test_nobody_but_a_moderator_follows(
    client: Client, person: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(person))
    assert follow(client, "0" * 32).status_code == 403


def test_the_page_filters_by_address_and_period(page: Client) -> None:
    put("here", address="203.0.113.7")
    put("there", address="198.51.100.4")
    put("long ago", address="203.0.113.7", ago=timedelta(days=30))
    url = reverse("accounts:activity")
    text = page.get(url, {"address": "203.0.113.7"}).content.decode()
    assert "here" in text
    assert "long ago" in text
    assert ">there<" not in text
    since = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    rows = page.get(url, {"address": "203.0.113.7", "since": since}).context["rows"]
    assert [row.summary for row in rows] == ["here"]
    rows = page.get(url, {"address": "203.0.113.7", "until": f"{since}T00:00"}).context["rows"]
    assert [row.summary for row in rows] == ["long ago"]


def test_a_period_is_meant_in_the_zone_of_who_looks(client: Client, mo: User) -> None:
    User.objects.filter(pk=mo.pk).update(timezone="Asia/Tokyo")
    client.force_login(mo)
    put("at noon in London", ago=timedelta())
    tokyo = timezone.now() + timedelta(hours=9)
    query = {"kind": "traded", "since": f"{tokyo - timedelta(minutes=5):%Y-%m-%dT%H:%M}"}
    assert len(client.get(reverse("accounts:activity"), query).context["rows"]) == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("address", "nonsense", "This is no IP address."),
        ("since", "yesterday", "This is no date and time."),
        ("until", "2026-99-99", "This is no date and time."),
    ],
)
def test_a_filter_that_cannot_be_read_says_so(
    page: Client, name: str, value: str, sentence: str
) -> None:
    answer = page.get(reverse("accounts:activity"), {name: value})
    text = answer.content.decode()
    assert sentence in text
    assert f'value="{value}"' in text
    assert answer.context["rows"] == []


def test_failed_log_ins_stand_out_in_words_and_at_the_edge(page: Client) -> None:
    put("Log-in failed for somebody unknown", kind=FAILED)
    text = page.get(reverse("accounts:activity")).content.decode()
    assert 'class="is-failure"' in text
    assert '<span class="badge is-warn">Log-in failed</span>' in text


def test_only_the_first_page_is_live(page: Client) -> None:
    for number in range(60):
        put(f"line {number}", ago=timedelta(minutes=number))
    first = page.get(reverse("accounts:activity"))
    assert "data-follow=" in first.content.decode()
    second = page.get(reverse("accounts:activity") + first.context["next_url"])
    assert "data-follow=" not in second.content.decode()


def test_the_file_holds_what_the_filter_shows(page: Client, mo: User, alice: User) -> None:
    put("=HYPERLINK()", user=alice, address="203.0.113.7")
    put("not this", kind=FAILED)
    answer = page.get(reverse("accounts:activity-export"), {"kind": "traded"})
    body = answer.getvalue().decode()
    lines = list(csv.reader(io.StringIO(body)))
    assert lines[0] == ["When", "Kind", "What", "Done by", "Done to", "From"]
    assert lines[1][1:] == ["Traded", "'=HYPERLINK()", "alice", "", "203.0.113.7"]
    assert len(lines) == 2
    exported = Activity.objects.get(kind="exported")
    assert (exported.user, exported.summary) == (mo, "mo exported activity: kind traded")


def test_a_long_file_is_read_page_by_page_and_ends(alice: User) -> None:
    for number in range(7):
        put(f"line {number}", ago=timedelta(minutes=number))
    rows = [row.summary for row in services.all_activity(most=5, kind="traded")]
    assert rows == [f"line {number}" for number in range(5)]


def test_the_map_of_hours_is_a_table_in_the_zone_of_who_looks(client: Client, mo: User) -> None:
    User.objects.filter(pk=mo.pk).update(timezone="Asia/Tokyo")
    put("now", ago=timedelta(minutes=2), kind=FAILED)
    services.read_log(now=timezone.now())
    client.force_login(mo)
    days = client.get(reverse("accounts:activity")).context["heat"]
    here = (timezone.now() - timedelta(minutes=2)) + timedelta(hours=9)
    day = next(day for day in days if day.date == here.date())
    assert (day.cells[here.hour].count, day.cells[here.hour].failed) == (1, 1)
    assert sum(each.total for each in days) == 1
