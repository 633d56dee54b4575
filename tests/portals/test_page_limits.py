"""Pages that cost queries are not to be had without limit, by visitors least of all."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from tests.conftest import make_coin

from .conftest import person_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OPEN: tuple[tuple[str, list[str]], ...] = (
    ("portals:landing", []),
    ("market:list", []),
    ("market:coin", ["bitcoin"]),
    ("market:chart-data", ["bitcoin"]),
    ("market:search", []),
    ("market:news", []),
)
FOR_PEOPLE: tuple[tuple[str, list[str]], ...] = (
    ("market:charts", []),
    ("market:watchlist", []),
    ("alerts:list", []),
    ("alerts:bell", []),
    ("alerts:channels", []),
)


@pytest.fixture(autouse=True)
def world(settings: Any) -> None:
    make_coin("bitcoin", at=timezone.now(), rank=1)
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"read": (2, 3600)}


@pytest.mark.parametrize(("name", "args"), [*OPEN, *FOR_PEOPLE])
def test_a_page_too_often_is_refused(name: str, args: list[str]) -> None:
    client = Client()
    if (name, args) in FOR_PEOPLE:
        client.force_login(person_of(Role.USER))
    url = reverse(name, args=args)
    assert [client.get(url).status_code for _ in range(2)] in ([200, 200], [302, 302])
    refused = client.get(url)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert b"Too many requests" in refused.content


def test_visitors_from_elsewhere_are_not_counted_with_them() -> None:
    url = reverse("market:list")
    for _ in range(3):
        last = Client(REMOTE_ADDR="203.0.113.1").get(url)
    assert last.status_code == 429
    assert Client(REMOTE_ADDR="203.0.113.2").get(url).status_code == 200


def test_a_file_is_imported_less_often_than_something_is_traded(settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"read": (600, 60), "import": (1, 3600)}
    client = Client()
    client.force_login(person_of(Role.USER))
    url = reverse("portfolio:import")
    assert [client.post(url, {"text": "x"}).status_code for _ in range(2)] == [422, 429]
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.USER, "portfolio:export"),
        (Role.USER, "portals:data-export"),
        (Role.USER, "alerts:history-csv"),
        (Role.MODERATOR, "portfolio:all-transactions-export"),
        (Role.MODERATOR, "accounts:activity-export"),
    ],
)
def test_files_of_thousands_of_rows_are_had_less_often_than_pages(
    settings: Any, role: Role, name: str
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"read": (600, 60), "export": (1, 60)}
    client = Client()
    client.force_login(person_of(role))
    assert [client.get(reverse(name)).status_code for _ in range(2)] == [200, 429]
