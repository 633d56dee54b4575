"""The system's figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from cryptopulse.dynamodb.metering import Totals
from cryptopulse.portals.growth import BAR_HEIGHT, bars, count_days
from cryptopulse.portals.statistics import next_month, spell
from market.models import Coin
from portfolio.services import trades_by_day

from .conftest import make_trade

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.MODERATOR])
def test_an_empty_system_has_a_page(visit: Any, role: Role) -> None:
    page = visit(reverse("portals:statistics"), role)
    assert page.status_code == 200
    text = page.content.decode()
    assert "Nothing was counted yet" in text


@pytest.mark.parametrize("page", ["portals:statistics", "portals:admin"])
def test_what_dynamodb_was_asked_is_shown_where_it_is_the_database(
    root: User, client: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    used = Totals(requests=12345, read_units=678.5, write_units=90, scans=3)
    monkeypatch.setattr("cryptopulse.dynamodb.metering.totals", lambda: used)
    client.force_login(root)
    monkeypatch.setattr("cryptopulse.portals.statistics.is_dynamodb", lambda: False)
    assert "Capacity units" not in client.get(reverse(page)).content.decode()
    monkeypatch.setattr("cryptopulse.portals.statistics.is_dynamodb", lambda: True)
    text = client.get(reverse(page)).content.decode()
    for figure in ("12,345", "679", ">90<", ">3<", "Estimate for 30 days"):
        assert figure in text


def test_each_trade_counts_on_its_day_in_utc(alice: User, bitcoin: Coin) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    for at in (
        midnight,
        midnight - timedelta(microseconds=1),
        midnight - timedelta(days=1),
        midnight - timedelta(days=13),
        midnight - timedelta(days=13, microseconds=1),  # a day too old
        NOW,
    ):
        make_trade(alice, bitcoin, at=at)
    counts = trades_by_day(now=NOW, days=14)
    assert len(counts) == 14
    assert {f"{day:%d}": count for day, count in counts.items() if count} == {
        "07": 1, "19": 2, "20": 2
    }  # fmt: skip


def test_all_days_are_one_question(
    alice: User, bitcoin: Coin, django_assert_num_queries: Any
) -> None:
    make_trade(alice, bitcoin, at=NOW)
    with django_assert_num_queries(1):
        assert sum(trades_by_day(now=NOW, days=14).values()) == 1


def test_the_tallest_bar_fills_the_drawing_and_one_trade_can_be_seen() -> None:
    days = [NOW.date() - timedelta(days=back) for back in range(3)]
    values = [(day, count, Decimal(0)) for day, count in zip(days, (1000, 1, 0), strict=True)]
    drawn = bars(values)
    assert [bar.height for bar in drawn] == [BAR_HEIGHT, 2, 1]
    assert all(bar.y + bar.height == BAR_HEIGHT for bar in drawn)
    assert bars([]) == []


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        (datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2027, 1, 31, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
    ],
)
def test_budgets_begin_anew_with_the_month(now: datetime, begins: datetime) -> None:
    assert next_month(now) == begins


def test_a_wait_is_written_short() -> None:
    assert spell(timedelta(seconds=12)).split() == ["12", "s"]
    assert spell(timedelta(hours=3, minutes=5)).split() == ["3", "h"]


def test_figures_are_those_of_the_rows(visit: Any, alice: User, bitcoin: Coin) -> None:
    make_trade(alice, bitcoin, at=timezone.now(), amount="4321")
    count_days(now=timezone.now())
    text = visit(reverse("portals:statistics"), Role.ANALYST).content.decode()
    assert "$4,321.00" in text
    assert "$4.32K" in text or "$4,321" in text
    assert "SQLite" in text or "PostgreSQL" in text or "DynamoDB" in text
