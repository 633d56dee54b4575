"""Indicators against figures worked out by hand, and what holds for any series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import indicators

PRICES = st.lists(st.floats(0.01, 1e6), max_size=40)
PERIODS = st.integers(1, 20)


def test_a_simple_average_begins_when_it_has_its_period() -> None:
    assert indicators.sma([1, 2, 3, 6], 3) == [None, None, 2, pytest.approx(11 / 3)]
    assert indicators.sma([5], 3) == [None]
    assert indicators.sma([], 3) == []


def test_an_exponential_average_moves_by_two_over_period_and_one() -> None:
    assert indicators.ema([1, 2, 3, 7, 7], 3) == [None, None, 2, 4.5, 5.75]
    assert indicators.ema([1, 2], 3) == [None, None]


def test_rsi_of_wilders_textbook_series() -> None:
    closes = [
        44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03,
        45.61, 46.28, 46.28,
    ]  # fmt: skip
    assert indicators.rsi(closes) == pytest.approx(70.46, abs=0.01)
    assert indicators.rsi([*closes, 46.00]) == pytest.approx(66.25, abs=0.01)


def test_rsi_at_its_ends() -> None:
    assert indicators.rsi([1, 2, 3, 4], 3) == 100
    assert indicators.rsi([4, 3, 2, 1], 3) == 0
    assert indicators.rsi([5, 5, 5, 5], 3) == 50
    assert indicators.rsi([1, 2, 3], 3) is None


@pytest.mark.parametrize("line", [indicators.sma, indicators.ema, indicators.rsi])
def test_a_period_below_one_is_refused(line: object) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        line([1, 2, 3], 0)  # type: ignore[operator]


@given(PRICES, PERIODS)
def test_averages_lie_under_their_prices_and_within_them(prices: list[float], period: int) -> None:
    for line in (indicators.sma(prices, period), indicators.ema(prices, period)):
        assert len(line) == len(prices)
        for value in line:
            if value is not None:
                assert min(prices) * 0.999999 <= value <= max(prices) * 1.000001


@given(PRICES, PERIODS)
def test_strength_stays_in_its_bounds(prices: list[float], period: int) -> None:
    strength = indicators.rsi(prices, period)
    assert strength is None or -1e-9 <= strength <= 100 + 1e-9
