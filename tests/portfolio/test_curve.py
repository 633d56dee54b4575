"""The curve of a portfolio's value, and what is read from it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Portfolio
from portfolio.refusals import TradeRejected
from tests.conftest import NOW

from .test_equity import bought, closes, opened

D = Decimal
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.django_db


def curve_of(user: User, range_name: str = "7d", **extra: Any) -> portfolio.EquityCurve:
    own = Portfolio.objects.get(pk=Portfolio.default_key(user.pk))
    return portfolio.equity(portfolio=own, range_name=range_name, now=NOW, **extra)


@pytest.fixture
def three_days(alice: User, bitcoin: Coin) -> User:
    opened(alice, NOW - 3 * DAY)
    closes(bitcoin, {NOW - hour * HOUR: str(100000 - hour * 100) for hour in range(75)})
    bought(alice, NOW - 2.5 * DAY, "0.05")
    Coin.objects.update(last_price=D(110000), price_at=NOW)
    portfolio.record_equity(now=NOW)
    return alice


def test_it_begins_with_what_was_paid_in_and_ends_with_the_present(three_days: User) -> None:
    curve = curve_of(three_days)
    assert (curve.start, curve.points[0].at) == (D("10000.00"), NOW - 3 * DAY)
    assert (curve.end, curve.points[-1].at) == (D("10500.00"), NOW)
    assert (curve.change, curve.change_percent) == (D("500.00"), D("5.00"))


def test_a_days_profit_is_the_value_now_less_the_one_of_24_hours_ago(three_days: User) -> None:
    curve = curve_of(three_days)
    assert curve.day_start == D("5000.00") + D("0.05") * (100000 - 2500)
    assert curve.day_change == curve.end - curve.day_start
    assert curve_of(three_days, "1d").day_change == curve.day_change


def test_a_portfolio_of_today_has_no_days_profit(alice: User, bitcoin: Coin) -> None:
    opened(alice, NOW - 23 * HOUR)
    portfolio.record_equity(now=NOW)
    curve = curve_of(alice)
    assert curve.day_change is None
    assert curve.change == 0


def test_a_value_that_is_not_stored_is_not_made_up(alice: User, bitcoin: Coin) -> None:
    opened(alice, NOW - 3 * DAY)
    curve = curve_of(alice)
    assert curve.day_change is None
    assert [point.value for point in curve.points] == [D(10000), D(10000)]


def test_the_same_money_in_bitcoin_moves_as_bitcoin_does(three_days: User) -> None:
    curve = curve_of(three_days, against_bitcoin=True)
    first = D(100000 - 73 * 100)  # the close of the hour before the start
    assert curve.benchmark[0] in {D("10000.00"), D("9999.99")}  # down to the cent
    assert curve.benchmark_end == (D(10000) / first * 110000).quantize(
        D("0.01"), rounding="ROUND_FLOOR"
    )


def test_without_a_price_of_the_start_there_is_nothing_to_compare(
    alice: User, bitcoin: Coin
) -> None:
    opened(alice, NOW - 3 * DAY)
    assert curve_of(alice, against_bitcoin=True).benchmark == []


def test_a_year_is_shown_by_days_and_still_knows_the_day(alice: User, bitcoin: Coin) -> None:
    opened(alice, NOW - 200 * DAY)
    portfolio.record_equity(now=NOW)
    curve = curve_of(alice, "all")
    assert curve.span == "1d"
    assert len(curve.points) == 202
    assert curve.day_change == 0
    assert len(curve.rows) == 13


def test_a_range_that_there_is_not_is_refused(three_days: User) -> None:
    with pytest.raises(TradeRejected):
        curve_of(three_days, "9z")


def test_after_a_new_start_nothing_from_before_counts(three_days: User) -> None:
    key = Portfolio.default_key(three_days.pk)
    portfolio.reset_portfolio(user=three_days, portfolio_id=key, name="Main", now=NOW - HOUR)
    curve = curve_of(three_days)
    assert {point.value for point in curve.points} == {D("10000.00")}
    assert curve.day_change is None


def test_risk_takes_ten_days(alice: User, three_days: User) -> None:
    risk = portfolio.risk(curve_of(three_days).points)
    assert risk.volatility is None
    assert risk.deepest_fall is not None
    assert risk.days == 4
