"""What daily closes say, against figures worked out by hand, and over any closes at all."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptopulse.portals import measures

FIRST = date(2026, 10, 1)


def days_of(*closes: str | int) -> dict[date, Decimal]:
    return {FIRST + timedelta(days=i): Decimal(close) for i, close in enumerate(closes)}


prices = st.decimals("0.0001", "1000000", places=4)
histories = st.dictionaries(
    st.integers(0, 60).map(lambda i: FIRST + timedelta(days=i)), prices, max_size=60
)


def test_a_return_is_the_change_since_the_day_before() -> None:
    returns = measures.daily_returns(days_of(100, 110, 99))
    assert list(returns.values()) == pytest.approx([0.10, -0.10])


def test_no_return_is_made_up_across_a_gap() -> None:
    closes = {FIRST: Decimal(100), FIRST + timedelta(days=2): Decimal(150)}
    assert measures.daily_returns(closes) == {}


def test_volatility_is_annualised_over_every_day_of_the_year() -> None:
    closes = days_of(*[100, 110] * 6)
    # Alternately +10 % and -1/11: the deviation of those eleven returns, times sqrt(365).
    assert measures.volatility(closes) == pytest.approx(190.47, abs=0.01)


def test_too_few_days_say_nothing() -> None:
    closes = days_of(*range(100, 110))
    assert len(measures.daily_returns(closes)) == 9
    assert measures.volatility(closes) is None
    assert measures.correlation(closes, closes) is None


def test_a_coin_moves_with_itself_and_against_its_mirror() -> None:
    ups = days_of(*[100, 110, 99, 120, 118, 130, 90, 95, 97, 91, 99, 102])
    returns = measures.daily_returns(ups)
    mirror = {FIRST: Decimal(100)}
    for day, value in returns.items():
        mirror[day] = mirror[day - timedelta(days=1)] * (1 - Decimal(value))
    assert measures.correlation(ups, ups) == pytest.approx(1)
    assert measures.correlation(ups, mirror) == pytest.approx(-1, abs=1e-9)


def test_a_coin_that_stood_still_has_no_correlation() -> None:
    moving = days_of(*[100, 110] * 6)
    assert measures.correlation(moving, days_of(*[5] * 12)) is None


def test_the_deepest_fall_is_told_with_its_days() -> None:
    fall = measures.drawdown(days_of(100, 120, 90, 150, 60, 75))
    assert fall is not None
    assert fall.deepest == pytest.approx(-60)
    assert fall.peak_day == FIRST + timedelta(days=3)
    assert fall.trough_day == FIRST + timedelta(days=4)
    assert fall.now == pytest.approx(-50)


def test_a_price_that_only_rose_never_fell() -> None:
    fall = measures.drawdown(days_of(1, 2, 3))
    assert fall is not None
    assert (fall.deepest, fall.now) == (0, 0)


def test_relative_strength_reads_the_unbroken_days_up_to_the_newest() -> None:
    closes = [Decimal(100)]
    for step in (1, 1, -1, 1, 1, 1, -1, 1, 1, -1, 1, 1, -1, 1):
        closes.append(closes[-1] + step)
    days = days_of(*(str(close) for close in closes))
    # Ten gains and four losses of one: their share of all movement.
    assert measures.relative_strength(days) == pytest.approx(100 * 10 / 14)
    del days[FIRST + timedelta(days=7)]
    assert measures.relative_strength(days) is None


def test_the_latest_run_stops_at_a_gap() -> None:
    closes = days_of(1, 2, 3, 4)
    del closes[FIRST + timedelta(days=1)]
    assert measures.latest_run(closes) == [Decimal(3), Decimal(4)]
    assert measures.latest_run({}) == []


def test_a_change_needs_both_of_its_days() -> None:
    closes = days_of(100, 101, 150)
    assert measures.change_over(closes, days=2) == pytest.approx(50)
    assert measures.change_over(closes, days=30) is None
    assert measures.change_over({}, days=1) is None


@given(histories, histories)
def test_whatever_the_history_the_measures_stay_in_their_ranges(
    one: dict[date, Decimal], other: dict[date, Decimal]
) -> None:
    together = measures.correlation(one, other)
    assert together is None or -1 <= together <= 1
    assert together == pytest.approx(measures.correlation(other, one)) or together is None
    fall = measures.drawdown(one)
    assert fall is None or (-100 <= fall.deepest <= fall.now <= 0)
    assert fall is None or fall.peak_day <= fall.trough_day
    strength = measures.relative_strength(one)
    assert strength is None or 0 <= strength <= 100
    spread = measures.volatility(one)
    assert spread is None or spread >= 0
