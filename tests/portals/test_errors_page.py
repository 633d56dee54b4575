"""What failed: noted without harm, without personal data, in few rows; resolved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity, User
from alerts.models import DeliveryAttempt, Notification
from cryptopulse.celery import app as celery
from cryptopulse.models import Fault
from cryptopulse.portals import faults

from .conftest import logged_in

URL = "portals:errors"


@pytest.fixture(autouse=True)
def _nothing_noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(faults, "_noted", {})
    monkeypatch.setattr(faults, "_known", ("", set()))
    monkeypatch.setattr(faults, "_write_after", 0.0)
    yield
    faults._noted.clear()


def fail(place: str = "GET /x/", message: str = "broken", times: int = 1) -> None:
    for _ in range(times):
        faults.note(source="request", place=place, error=ValueError(message))


@pytest.mark.django_db
def test_the_same_failure_is_one_row_with_a_count() -> None:
    fail(times=3)
    fail(place="GET /y/")
    assert faults.write() == 2
    fail(times=2)
    assert faults.write(force=True) == 1
    assert sorted(Fault.objects.values_list("place", "count")) == [("GET /x/", 5), ("GET /y/", 1)]


@pytest.mark.django_db
def test_writing_waits_a_moment_after_writing() -> None:
    fail()
    assert faults.write() == 1
    fail()
    assert faults.write() == 0
    assert Fault.objects.get().count == 1


@pytest.mark.django_db
def test_a_day_of_new_failures_makes_few_rows() -> None:
    for number in range(faults.MOST_PER_DAY + 50):
        fail(place=f"GET /{chr(0x4E00 + number)}/")
    faults.write()
    assert Fault.objects.count() == faults.MOST_PER_DAY + 1
    assert Fault.objects.get(place="many others").count == 50


def test_a_database_that_is_away_makes_nothing_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(faults, "_store", away)
    fail()
    assert faults.write() == 0
    fail()
    assert faults.write() == 0  # it rests
    assert faults._write_after > 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("alice@example.com is taken", "… is taken"),
        ("Key (email)=(a@b.c) already exists", "Key …=… already exists"),
        ("KeyError: 'alice'", "KeyError: …"),
        ("duplicate\nDETAIL: Key (name)=(bob)", "duplicate"),
        ("no row 0198f3a2-1111-7abc-8def-001122334455", "no row …"),
        ("refused by 10.1.2.3:443", "refused by …"),
        ("", ""),
    ],
)
def test_what_may_be_somebodys_is_left_out(text: str, kept: str) -> None:
    assert faults.without_values(text) == kept


@pytest.mark.django_db
def test_a_page_that_breaks_is_listed_by_its_route(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("no luck for alice@example.com")

    client = logged_in(root)
    monkeypatch.setattr("cryptopulse.portals.about.render", lambda *_a, **_k: broken())
    browser = Client(raise_request_exception=False)
    assert browser.get(reverse("portals:about"), {"secret": "x"}).status_code == 500
    fault = Fault.objects.get()
    assert (fault.place, fault.exception) == ("GET /about/", "RuntimeError")
    assert "alice" not in fault.message
    text = client.get(reverse(URL)).content.decode()
    assert "RuntimeError" in text
    assert "Resolve" in text


@pytest.mark.django_db
def test_a_job_that_breaks_is_listed_by_its_name() -> None:
    @celery.task(name="tests.broken")  # type: ignore[untyped-decorator]
    def broken() -> None:
        raise TimeoutError("no answer")

    broken.apply()
    fault = Fault.objects.get()
    assert (fault.source, fault.place, fault.exception) == ("job", "tests.broken", "TimeoutError")


@pytest.mark.django_db
def test_a_delivery_that_fails_is_listed(alice: User) -> None:
    key = Notification.key(alice.pk, "x")
    row = Notification.objects.create(id=key, event_id=key, kind="trade", channel="email",
                                      subject="x", user=alice)  # fmt: skip
    attempt = DeliveryAttempt.objects.create(notification=row, succeeded=False, error="Unfinished")
    faults.write()
    assert not Fault.objects.exists()  # it has only begun
    attempt.error = "SMTP 550"
    attempt.save(update_fields=["error"])
    faults.write()
    assert Fault.objects.get().source == "delivery"


@pytest.mark.django_db
def test_resolving_is_recorded_and_undone_by_the_next_time(root: User) -> None:
    fail()
    faults.write()
    key = Fault.objects.get().pk
    client = logged_in(root)
    answer = client.post(reverse("portals:error-resolve", args=[key]), follow=True)
    assert "Nothing is broken" in answer.content.decode()
    assert Activity.objects.get(kind="fault_resolved").user == root
    assert "ValueError" in client.get(reverse(URL), {"state": "resolved"}).content.decode()
    fail()
    faults.write(force=True)
    assert [fault.pk for fault in faults.newest()] == [key]


@pytest.mark.django_db
def test_an_unknown_error_is_not_found(root: User) -> None:
    url = reverse("portals:error-resolve", args=["2026-01-01:ffff"])
    assert logged_in(root).post(url).status_code == 404


@pytest.mark.django_db
def test_old_ones_are_deleted() -> None:
    fail()
    faults.write()
    now = timezone.now()
    assert faults.purge(now=now) == 0
    assert faults.purge(now=now + faults.KEPT_FOR + timedelta(minutes=1)) == 1
    assert not Fault.objects.exists()
