"""Tables of the analyst's pages as files: every number, where it comes from, nothing to run."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cryptopulse.portals.analysis_tables import OF_ANALYSIS, OF_MARKET
from market.models import Coin
from tests.conftest import make_coin

from .conftest import logged_in, make_closes

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_coins(db: None) -> list[Coin]:
    at = timezone.now()
    coins = [
        make_coin("bitcoin", at=at, rank=1, price="140", change_24h=Decimal("2.5"),
                  market_cap=Decimal(600), volume_24h=Decimal(30)),
        make_coin("ethereum", at=at, rank=2, name="=1+1", change_24h=Decimal("-1.5"),
                  market_cap=Decimal(200), volume_24h=Decimal(20)),
    ]  # fmt: skip
    for number, coin in enumerate(coins):
        closes = [100 + day + (day * (3 + number)) % 5 for day in range(40)]
        make_closes(coin, closes, last=at - timedelta(days=1))
    return coins


def table_of(user: User, name: str, query: str = "") -> list[dict[str, str]]:
    page: Any = logged_in(user).get(f"{reverse('portals:analysis-csv', args=[name])}?{query}")
    assert page.status_code == 200
    assert page["Content-Disposition"].startswith(f'attachment; filename="{name}-')
    return list(csv.DictReader(page.getvalue().decode().splitlines()))


@pytest.mark.parametrize("name", [*OF_ANALYSIS, *OF_MARKET])
def test_every_table_says_where_its_numbers_come_from(
    ana: User, two_coins: list[Coin], name: str
) -> None:
    rows = table_of(ana, name)
    assert rows
    for row in rows:
        assert row["source"] == "simulated"
        assert row["simulated"] == "yes"


@pytest.mark.parametrize("name", [*OF_ANALYSIS, *OF_MARKET])
def test_every_table_of_a_market_without_prices_is_its_heads(ana: User, name: str) -> None:
    assert table_of(ana, name) == []


def test_a_name_cannot_run_in_a_spreadsheet(ana: User, two_coins: list[Coin]) -> None:
    assert [row["name"] for row in table_of(ana, "returns")] == ["Bitcoin", "'=1+1"]


def test_the_numbers_are_those_of_the_page(ana: User, two_coins: list[Coin]) -> None:
    page = logged_in(ana).get(reverse("portals:analysis"), {"days": "30"})
    parts = page.context["analysis"].parts
    risk = table_of(ana, "risk", "days=30")
    assert [float(row["volatility"]) for row in risk] == [
        pytest.approx(part.volatility, abs=1e-4) for part in parts
    ]
    assert [row["days"] for row in risk] == ["30", "30"]
    correlation = table_of(ana, "correlation", "days=30")
    assert correlation[0]["bitcoin"] == "1.0"
    assert correlation[0]["ethereum"] == correlation[1]["bitcoin"]
    indicators = table_of(ana, "indicators")
    assert float(indicators[0]["rsi_14"]) == pytest.approx(parts[0].row.figures.rsi, abs=1e-4)
    assert indicators[0]["average_200"] == ""


def test_the_lines_have_a_row_for_each_day(ana: User, two_coins: list[Coin]) -> None:
    rows = table_of(ana, "comparison", "days=30")
    yesterday = timezone.now().date() - timedelta(days=1)
    assert len(rows) == 31
    assert rows[-1]["day"] == str(yesterday)
    assert float(rows[0]["bitcoin"]) == 0


def test_a_list_of_movers_has_all_of_them_over_its_span(ana: User, two_coins: list[Coin]) -> None:
    (row,) = table_of(ana, "gainers")
    assert (row["id"], row["change"], row["over"]) == ("bitcoin", "2.5", "24h")
    (month,) = table_of(ana, "gainers", "range=30d")[:1]
    assert month["over"] == "30d"


def test_a_table_that_there_is_not_is_not_found(ana: User) -> None:
    assert logged_in(ana).get("/analysis/csv/secrets/").status_code == 404
