"""Everybody's transactions, narrowed by person, coin, side and day, and as a file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin
from portfolio import everybody
from tests.conftest import make_coin
from tests.portals.conftest import make_trade

pytestmark = pytest.mark.django_db

URL = "portfolio:all-transactions"
EXPORT = "portfolio:all-transactions-export"


@pytest.fixture
def page(client: Client, mo: User) -> Any:
    client.force_login(mo)

    def shown(**query: str) -> Any:
        answer = client.get(reverse(URL), query)
        assert answer.status_code == 200
        return answer

    return shown


@pytest.fixture
def trades(alice: User, bob: User, bitcoin: Coin) -> None:
    ethereum = make_coin("ethereum", rank=2, symbol="eth")
    now = timezone.now()
    make_trade(alice, bitcoin, at=now, amount="1")
    make_trade(alice, ethereum, at=now - timedelta(days=2), amount="2", side="sell")
    make_trade(bob, bitcoin, at=now - timedelta(days=4), amount="3")
    make_trade(bob, ethereum, at=now - timedelta(days=200), amount="4")


def amounts(answer: Any) -> list[int]:
    return [int(row.amount) for row in answer.context["transactions"]]


@pytest.mark.usefixtures("trades")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"user": "ALICE"}, [1, 2]),
        ({"coin": "bitcoin"}, [1, 3]),
        ({"coin": "ETH"}, [2]),  # the last 90 days
        ({"coin": "eth", "user": "bob"}, [4]),
        ({"coin": "eth", "since": "2020-01-01"}, [2, 4]),
        ({"side": "sell"}, [2]),
        ({"side": "neither"}, [1, 2, 3, 4]),
        ({"since": "x", "until": "2026-13-40"}, [1, 2, 3, 4]),
        ({"user": "nobody"}, []),
        ({"coin": "no-such-coin"}, []),
    ],
)
def test_filters(page: Any, query: dict[str, str], found: list[int]) -> None:
    assert amounts(page(**query)) == found


@pytest.mark.usefixtures("trades")
def test_days_are_both_included(page: Any) -> None:
    day = timezone.now().astimezone(UTC).date()
    since, until = str(day - timedelta(days=4)), str(day - timedelta(days=2))
    assert amounts(page(since=since, until=until)) == [2, 3]
    assert "ends before it begins" in page(since=until, until=since).content.decode()


@pytest.mark.usefixtures("trades")
def test_a_search_without_an_index_says_how_far_it_looks(page: Any) -> None:
    assert "the last 90 days are looked through" in page(side="buy").content.decode()
    assert "looked through" not in page(side="buy", user="bob").content.decode()


def test_pages_keep_the_filters(page: Any, alice: User, bitcoin: Coin) -> None:
    for number in range(everybody.PAGE + 1):
        make_trade(alice, bitcoin, at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number))
    first = page(user="alice", coin="btc" if bitcoin.symbol == "btc" else "bitcoin")
    assert len(first.context["transactions"]) == everybody.PAGE
    assert "user=alice" in first.context["next_url"]
    assert "coin=" in first.context["next_url"]


@pytest.mark.usefixtures("trades")
def test_the_file_has_the_same_rows_and_each_prices_source(client: Client, mo: User) -> None:
    client.force_login(mo)
    answer = client.get(reverse(EXPORT), {"user": "bob"})
    assert answer["Content-Disposition"] == 'attachment; filename="transactions.csv"'
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["user"], row["coin"], row["amount"]) for row in rows] == [
        ("bob", "bitcoin", "3"),
        ("bob", "ethereum", "4"),
    ]
    assert {row["price_source"] for row in rows} == {"simulated"}


def test_a_file_of_nobody_has_a_header_and_no_rows(client: Client, mo: User) -> None:
    client.force_login(mo)
    answer = client.get(reverse(EXPORT), {"user": "nobody"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]


def test_a_file_ends_where_it_must(
    client: Client, mo: User, alice: User, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        make_trade(alice, bitcoin, at=timezone.now())
    monkeypatch.setattr(everybody, "MOST", 2)
    monkeypatch.setattr(everybody, "MOST_EXPORTED", 3)
    client.force_login(mo)
    answer = client.get(reverse(EXPORT))
    lines = b"".join(answer.streaming_content).splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1 + 4  # whole pages


@pytest.mark.usefixtures("trades")
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"until": "9999-12-31"}, [1, 2, 3, 4]),
        ({"since": "0001-01-01"}, [1, 2, 3, 4]),
        ({"since": "9999-12-31"}, []),
        ({"until": "0001-01-01", "side": "sell"}, []),
    ],
)
def test_days_at_the_ends_of_the_calendar_break_nothing(
    page: Any, mo: User, zone: str, query: dict[str, str], found: list[int]
) -> None:
    User.objects.filter(pk=mo.pk).update(timezone=zone)
    assert amounts(page(**query)) == found
