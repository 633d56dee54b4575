"""Times are shown where the person lives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.middleware import SpeakingMiddleware
from accounts.models import Activity, User
from accounts.services import zone_of


def say_zone(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(timezone.get_current_timezone_name())


async def say_zone_later(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return say_zone(request)


def ask(user: User) -> str:
    request = RequestFactory().get("/")
    request.user = user
    response = SpeakingMiddleware(say_zone)(request)
    assert isinstance(response, HttpResponse)
    return response.content.decode()


async def ask_later(user: User) -> str:
    async def auser() -> User:
        return user

    request = RequestFactory().get("/")
    request.auser = auser
    response = await SpeakingMiddleware(say_zone_later)(request)  # type: ignore[misc]
    return str(response.content.decode())


def test_the_persons_zone_holds_for_the_request_and_not_longer() -> None:
    assert ask(User(timezone="Europe/Prague")) == "Europe/Prague"
    assert timezone.get_current_timezone_name() == "UTC"


async def test_two_requests_at_once_do_not_mix_their_zones() -> None:
    zones = ["Europe/Prague", "Asia/Tokyo", "America/New_York"]
    assert await asyncio.gather(*(ask_later(User(timezone=zone)) for zone in zones)) == zones


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "x\0y", "US/é"]
)
def test_a_zone_that_is_none_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
    assert ask(User(timezone=name)) == "UTC"


@pytest.mark.django_db
def test_pages_show_local_time(client: Client, mo: User) -> None:
    User.objects.filter(pk=mo.pk).update(timezone="Asia/Tokyo")
    at = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
    Activity.objects.create(kind="traded", summary="x", user=mo, at=at)
    client.force_login(mo)
    page = client.get(reverse("accounts:activity"), {"kind": "traded"}).content.decode()
    assert "<span>2026-11-21</span> <span>05:30:00</span>" in page
