"""The analyst's portal and the analysis page, from stored rows to what is shown."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cryptopulse.portals.analysis import Pair
from cryptopulse.portals.analyst import SPANS, breadth, cap_change, cap_line, dominance
from market.measures import Figures
from market.models import Coin
from market.screening import Row
from tests.conftest import make_coin

from .conftest import logged_in, make_closes

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def page_of(user: User, url: str, query: str = "") -> Any:
    page = logged_in(user).get(f"{reverse(url)}?{query}")
    assert page.status_code == 200
    return page


@pytest.fixture
def three_coins(db: None) -> list[Coin]:
    at = timezone.now()
    figures = (("bitcoin", "2", 600), ("ethereum", "-1", 300), ("solana", None, 100))
    return [
        make_coin(name, at=at, rank=rank, change_24h=change and Decimal(change),
                  price="130", market_cap=Decimal(cap), volume_24h=Decimal(cap) / 10)
        for rank, (name, change, cap) in enumerate(figures, 1)
    ]  # fmt: skip


def rows_of(coins: list[Coin]) -> list[Row]:
    return [Row(coin, None) for coin in coins]


# --- The portal ------------------------------------------------------------------------------


def test_without_prices_or_history_the_pages_say_what_is_missing(ana: User) -> None:
    assert "No prices yet" in page_of(ana, "portals:analyst").content.decode()
    assert "No history yet" in page_of(ana, "portals:analysis").content.decode()


def test_prices_without_days_leave_volatility_and_a_month_empty(
    ana: User, three_coins: list[Coin]
) -> None:
    page = page_of(ana, "portals:analyst", "range=30d")
    assert page.context["breadth"].unknown == 3
    text = page.content.decode()
    assert "Volatility needs ten daily changes" in text
    assert "known to have moved that way in the last 30 days" in text


def test_breadth_counts_directions_and_what_is_unknown(three_coins: list[Coin]) -> None:
    counted = breadth(rows_of(three_coins), SPANS["24h"])
    assert (counted.up, counted.down, counted.flat, counted.unknown) == (1, 1, 0, 1)
    assert counted.up_share == 50
    assert counted.total == 3
    assert counted.bar == [("up", 0, 50), ("down", 50, 50)]


def test_dominance_is_the_share_of_the_whole(three_coins: list[Coin]) -> None:
    assert [(part.coin.pk, part.share) for part in dominance(three_coins)] == [
        ("bitcoin", 60.0), ("ethereum", 30.0), ("solana", 10.0)
    ]  # fmt: skip
    assert dominance([]) == []


def test_the_whole_value_changes_by_the_coins_that_have_both_ends(
    three_coins: list[Coin],
) -> None:
    before = 600 / 1.02 + 300 / 0.99
    assert cap_change(rows_of(three_coins), SPANS["24h"]) == pytest.approx((900 / before - 1) * 100)
    assert cap_change([], SPANS["24h"]) is None


def test_the_line_of_the_whole_value_ends_at_it() -> None:
    coins = [Coin(id=name, market_cap=Decimal(cap), last_price=Decimal(4), sparkline=[1, 2, 4] * 7)
             for name, cap in (("a", 40), ("b", 60))]  # fmt: skip
    rows = [*rows_of(coins), Row(Coin(id="c", market_cap=Decimal(1), sparkline=[1]), None)]
    assert cap_line(rows, SPANS["7d"])[-3:] == [25, 50, 100]
    assert cap_line(rows, SPANS["24h"]) == [25, 50, 100]
    closes = tuple(float(day) for day in range(1, 31))
    month = Figures(last=timezone.now().date(), known=30, run=30, close=30.0, month=closes)
    assert cap_line([Row(coins[0], month)], SPANS["30d"])[-2:] == [300, 40]
    assert cap_line([Row(coins[0], None)], SPANS["30d"]) == []


def test_the_portal_shows_movers_of_the_span(ana: User, three_coins: list[Coin]) -> None:
    make_closes(three_coins[0], [100 + day for day in range(31)], last=timezone.now() - DAY)
    page = page_of(ana, "portals:analyst")
    assert [move.coin.pk for move in page.context["moves"].gainers] == ["bitcoin"]
    assert [move.coin.pk for move in page.context["moves"].losers] == ["ethereum"]
    assert "60.0%" in page.content.decode()
    month = page_of(ana, "portals:analyst", "range=30d")
    (move,) = month.context["moves"].gainers
    assert move.change == pytest.approx((130 / 101 - 1) * 100)
    assert month.context["moves"].losers == []
    (ranked,) = month.context["volatile"]
    assert ranked.row.coin.pk == "bitcoin"
    assert ranked.length == 100


def test_a_span_that_there_is_not_is_a_day(ana: User, three_coins: list[Coin]) -> None:
    assert page_of(ana, "portals:analyst", "range=5y").context["span"] == SPANS["24h"]


def test_old_prices_are_called_old(ana: User) -> None:
    make_coin(at=timezone.now() - DAY, rank=1)
    assert "No fresh prices" in page_of(ana, "portals:analyst").content.decode()


# --- The analysis ----------------------------------------------------------------------------


def test_the_correlation_table_is_symmetric_with_ones_across(
    ana: User, three_coins: list[Coin]
) -> None:
    yesterday = timezone.now() - DAY
    up = [100, 110, 99, 120, 118, 130, 90, 95, 97, 91, 99, 102]
    mirror = [100.0]
    for before, after in pairwise(up):
        mirror.append(mirror[-1] * (2 - after / before))
    make_closes(three_coins[0], up, last=yesterday)
    make_closes(three_coins[1], [round(price, 12) for price in mirror], last=yesterday)
    page = page_of(ana, "portals:analysis")
    analysis = page.context["analysis"]
    table = [[pair.value for pair in pairs] for _, pairs in analysis.matrix]
    assert table[0][0] == 1
    assert table[0][1] == table[1][0] == pytest.approx(-1, abs=1e-6)
    assert [round(line.low or 0, 1) for line in analysis.falls[:1]] == [-30.8]  # 130 to 90
    assert [coin.pk for coin in analysis.lacking] == ["solana"]
    text = page.content.decode()
    assert "heat-n4" in text
    assert "\N{MINUS SIGN}1.00" in text
    assert "Without any complete day:" in text


def test_a_cell_without_enough_days_is_a_dash() -> None:
    assert (Pair(value=None).text, Pair(value=None).tint) == ("\N{EM DASH}", "")
    assert Pair(value=0.05).tint == "heat-p0"
    assert Pair(value=-0.6).tint == "heat-n2"
    assert Pair(value=-0.001).text == "0.00"


def test_returns_risk_and_signals_of_a_steady_rise(ana: User, three_coins: list[Coin]) -> None:
    make_closes(three_coins[0], [50 + day for day in range(80)], last=timezone.now() - DAY)
    page = page_of(ana, "portals:analysis", "coins=bitcoin&days=30")
    (part,) = page.context["analysis"].parts
    assert part.returns[:2] == [2, None]
    assert part.returns[2] == pytest.approx((130 / 100 - 1) * 100)
    assert part.returns[3:5] == [None, None]
    assert part.since_first == pytest.approx(160)
    assert part.drawdown.deepest == 0
    assert part.signals.rsi == "overbought"
    assert part.signals.average_50 == "above"
    text = page.content.decode()
    assert "Needs 200 days in a row; there are 80." in text
    assert part.days.known == 31


def test_lines_begin_at_nothing_and_keep_their_gaps(ana: User, three_coins: list[Coin]) -> None:
    yesterday = timezone.now() - DAY
    make_closes(three_coins[0], [100, 110, 121], last=yesterday)
    make_closes(three_coins[1], [10, 5], last=yesterday)
    lines = page_of(ana, "portals:analysis").context["analysis"].lines
    assert lines[0].points == [0, pytest.approx(10), pytest.approx(21)]
    assert lines[1].points == [None, 0, -50]


def test_more_coins_than_fit_are_cut_and_said(ana: User) -> None:
    for rank in range(1, 15):
        make_coin(f"coin-{rank}", at=timezone.now(), rank=rank)
    query = "&".join(f"coins=coin-{rank}" for rank in range(1, 15))
    page = page_of(ana, "portals:analysis", f"{query}&coins=unknown")
    assert len(page.context["analysis"].chosen) == 12
    assert "The first 12 are compared" in page.content.decode()


def test_days_that_end_before_yesterday_are_told(ana: User, three_coins: list[Coin]) -> None:
    make_closes(three_coins[0], range(1, 20), last=timezone.now() - 4 * DAY)
    page = page_of(ana, "portals:analysis")
    assert page.context["analysis"].is_behind
    assert "Nothing has been collected since" in page.content.decode()


@pytest.mark.parametrize("query", ["days=7", "days=x", "coins=", "coins=unknown", "days=365"])
def test_an_address_that_makes_no_sense_has_its_default(
    ana: User, three_coins: list[Coin], query: str
) -> None:
    make_closes(three_coins[0], range(1, 20), last=timezone.now() - DAY)
    analysis = page_of(ana, "portals:analysis", query).context["analysis"]
    assert len(analysis.chosen) == 3
    assert analysis.period == (365 if query == "days=365" else 90)


# --- The report ------------------------------------------------------------------------------


def test_the_report_says_when_from_what_and_that_it_is_made_up(
    ana: User, three_coins: list[Coin]
) -> None:
    assert "there are none yet" in page_of(ana, "portals:report").content.decode()
    cache.clear()
    make_closes(three_coins[0], [100 + day % 7 for day in range(80)], last=timezone.now() - DAY)
    text = page_of(ana, "portals:report").content.decode()
    for words in ("Simulated prices.", "Made", "Sources", "Breadth", "Movers", "Returns", "Risk",
                  "Correlation of daily changes", "Side by side"):  # fmt: skip
        assert words in text


def test_a_report_without_prices_says_so(ana: User) -> None:
    assert "A report needs prices" in page_of(ana, "portals:report").content.decode()
