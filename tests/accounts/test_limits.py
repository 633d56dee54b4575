"""So many requests in so many seconds."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from accounts.models import User
from cryptopulse.limits import allowed, limited

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.RATE_LIMITS = {"knock": (3, 60), "other": (3, 60)}


def knock(who: str = "user:alice", *, name: str = "knock", after: float = 0) -> int | None:
    wait = allowed(name, who, NOON + timedelta(seconds=after))
    return wait.seconds if wait else None


def test_the_limit_itself_is_allowed_and_the_next_is_not() -> None:
    assert [knock() for _ in range(4)] == [None, None, None, 60]


def test_the_wait_is_to_the_end_of_the_window() -> None:
    for _ in range(3):
        knock()
    assert knock(after=12.3) == 48
    assert knock(after=59.999) == 1
    assert knock(after=60) is None


def test_each_person_and_each_limit_counts_for_itself() -> None:
    for _ in range(3):
        knock()
    assert knock("user:bob") is None
    assert knock(name="other") is None


def test_one_ipv6_client_has_a_whole_network() -> None:
    for number in range(3):
        knock(f"2001:db8:0:1::{number}")
    assert knock("2001:db8:0:1:ffff::1") == 60
    assert knock("2001:db8:0:2::1") is None


def test_an_entry_that_is_lost_does_not_break_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any, **__: Any) -> int:
        raise ValueError

    knock()
    monkeypatch.setattr(cache, "incr", lost)
    assert knock() is None


def test_requests_that_come_together_are_each_counted(settings: Settings) -> None:
    settings.RATE_LIMITS = {"knock": (100, 60)}
    let_in: list[bool] = []

    def hurry() -> None:
        let_in.extend(knock() is None for _ in range(50))

    threads = [threading.Thread(target=hurry) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let_in), sum(let_in)) == (400, 100)


def open_door(user: User | AnonymousUser, path: str = "/door/", **headers: str) -> HttpResponse:
    @limited("knock")
    def door(_request: HttpRequest) -> HttpResponse:
        return HttpResponse("come in")

    request = RequestFactory().get(path, headers=headers)
    request.user = user
    response = door(request)
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.django_db
def test_a_page_that_is_asked_for_too_often_says_when_to_come_back(alice: User) -> None:
    for _ in range(3):
        assert open_door(alice).status_code == 200
    refused = open_door(alice)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Content-Type"].startswith("text/html")
    assert open_door(AnonymousUser()).status_code == 200  # a visitor counts by address


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/door", {}),
        ("/door/", {"accept": "application/json"}),
        ("/door/", {"HX-Request": "true"}),
    ],
)
def test_a_script_gets_the_refusal_as_json(path: str, headers: dict[str, str]) -> None:
    for _ in range(3):
        open_door(AnonymousUser(), path, **headers)
    refused = open_door(AnonymousUser(), path, **headers)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    body = json.loads(refused.content)
    assert body["code"] == "too_many_requests"
    assert body["error"].startswith("Too many requests. Try again in ")
