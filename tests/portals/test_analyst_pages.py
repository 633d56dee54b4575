"""The analyst's figures, from stored rows to the page."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cryptopulse.portals.analyst import Pair, breadth, closes, dominance
from market.models import Candle, Coin
from tests.conftest import make_coin

from .conftest import logged_in, make_closes

pytestmark = pytest.mark.django_db


def page_of(user: User, url: str) -> Any:
    page = logged_in(user).get(reverse(url))
    assert page.status_code == 200
    return page


@pytest.fixture
def three_coins(db: None) -> list[Coin]:
    at = timezone.now()
    figures = (("bitcoin", "2", 600), ("ethereum", "-1", 300), ("solana", None, 100))
    return [
        make_coin(name, at=at, rank=rank, change_24h=change and Decimal(change),
                  market_cap=Decimal(cap))
        for rank, (name, change, cap) in enumerate(figures, 1)
    ]  # fmt: skip


def test_without_prices_or_history_the_pages_say_what_is_missing(ana: User) -> None:
    assert "No prices yet" in page_of(ana, "portals:analyst").content.decode()
    assert "No history yet" in page_of(ana, "portals:analysis").content.decode()


def test_breadth_counts_directions_and_what_is_unknown(three_coins: list[Coin]) -> None:
    counted = breadth(three_coins)
    assert (counted.up, counted.down, counted.flat, counted.unknown) == (1, 1, 0, 1)
    assert counted.up_share == 50
    assert counted.total == 3


def test_dominance_is_the_share_of_the_whole(three_coins: list[Coin]) -> None:
    assert [(part.coin.pk, part.share) for part in dominance(three_coins)] == [
        ("bitcoin", 60.0), ("ethereum", 30.0), ("solana", 10.0)
    ]  # fmt: skip
    assert dominance([]) == []


def test_closes_are_the_stored_days_and_nothing_else(bitcoin: Coin) -> None:
    now = timezone.now()
    make_closes(bitcoin, [1, 2, 3], last=now)
    Candle.objects.filter(close=2).delete()
    found = closes("bitcoin", now=now, days=30)
    assert sorted(found.values()) == [1, 3]
    assert max(found) == now.date()


def test_the_overview_shows_movers_and_the_month(ana: User, three_coins: list[Coin]) -> None:
    rising = [str(100 + day) for day in range(31)]
    make_closes(three_coins[0], rising, last=timezone.now())
    page = page_of(ana, "portals:analyst")
    assert [coin.pk for coin in page.context["movers"].gainers] == ["bitcoin"]
    assert [coin.pk for coin in page.context["movers"].losers] == ["ethereum"]
    (month,) = page.context["months"]
    assert month.change == pytest.approx(30)
    assert month.strength == 100
    assert month.drawdown.deepest == 0
    assert "60.0%" in page.content.decode()


def test_the_correlation_table_is_symmetric_with_ones_across(
    ana: User, three_coins: list[Coin]
) -> None:
    now = timezone.now()
    up = [100, 110, 99, 120, 118, 130, 90, 95, 97, 91, 99, 102]
    mirror = [100.0]
    for before, after in pairwise(up):
        mirror.append(mirror[-1] * (2 - after / before))
    make_closes(three_coins[0], up, last=now)
    make_closes(three_coins[1], [round(price, 12) for price in mirror], last=now)
    page = page_of(ana, "portals:analysis")
    table = [[pair.value for pair in pairs] for _, pairs in page.context["rows"]]
    assert table[0][0] == pytest.approx(1)
    assert table[0][1] == table[1][0] == pytest.approx(-1, abs=1e-6)
    text = page.content.decode()
    assert "heat-n4" in text
    assert "\N{MINUS SIGN}1.00" in text
    assert "Solana" not in page.context["rows"]


def test_a_cell_without_enough_days_is_a_dash() -> None:
    assert (Pair(value=None).text, Pair(value=None).tint) == ("\N{EM DASH}", "")
    assert Pair(value=0.05).tint == "heat-p0"
    assert Pair(value=-0.6).tint == "heat-n2"
    assert Pair(value=-0.001).text == "0.00"
