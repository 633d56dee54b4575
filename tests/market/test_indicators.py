"""Indicators against figures worked out by hand, and what holds for any series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import indicators

PRICES = st.lists(st.floats(0.01, 1e6), max_size=60)
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
        45.61, 46.28, 46.28, 46.00,
    ]  # fmt: skip
    line = indicators.rsi(closes)
    assert line[:14] == [None] * 14
    assert line[14:] == [pytest.approx(70.46, abs=0.01), pytest.approx(66.25, abs=0.01)]


def test_rsi_at_its_ends() -> None:
    assert indicators.rsi([1, 2, 3, 4], 3) == [None, None, None, 100]
    assert indicators.rsi([4, 3, 2, 1], 3)[-1] == 0
    assert indicators.rsi([5, 5, 5, 5], 3)[-1] == 50
    assert indicators.rsi([1, 2, 3], 3) == [None, None, None]


def test_macd_of_a_straight_line_keeps_its_distance() -> None:
    lines = indicators.macd([float(day) for day in range(40)])
    assert lines.line[:33] == lines.signal[:33] == lines.histogram[:33] == [None] * 33
    # Two averages of a line of slope 1 lag by half their periods less one.
    assert lines.line[33:] == [pytest.approx(7)] * 7
    assert lines.histogram[33:] == [pytest.approx(0)] * 7


def test_bands_of_a_price_that_stands_still_lie_on_it() -> None:
    bands = indicators.bollinger([7.0] * 25)
    assert bands.upper[19:] == bands.middle[19:] == bands.lower[19:] == [7.0] * 6
    assert bands.upper[:19] == [None] * 19


def test_returns_are_fractions_and_one_less_than_prices() -> None:
    assert indicators.returns([100, 110, 99]) == pytest.approx([0.1, -0.1])
    assert indicators.returns([100]) == indicators.returns([]) == []


def test_a_price_of_zero_has_no_return() -> None:
    with pytest.raises(ValueError, match="above zero"):
        indicators.returns([0, 1])


def test_volatility_is_annualised_and_needs_ten_returns() -> None:
    closes = [100.0, 110.0] * 6
    # Alternately +10 % and -1/11: the deviation of those eleven returns, times sqrt(365).
    assert indicators.volatility(closes) == pytest.approx(190.47, abs=0.01)
    assert indicators.volatility(closes[:10]) is None
    assert indicators.volatility([5.0] * 20) == 0


def test_the_deepest_fall_is_told_with_both_its_ends() -> None:
    fall = indicators.deepest_fall([100, 120, 90, 150, 60, 75])
    assert fall is not None
    assert fall.percent == pytest.approx(-60)
    assert fall.now == pytest.approx(-50)
    assert (fall.start, fall.bottom) == (3, 4)


def test_a_price_that_only_rose_never_fell() -> None:
    fall = indicators.deepest_fall([1, 2, 3])
    assert fall is not None
    assert (fall.percent, fall.now) == (0, 0)
    assert indicators.deepest_fall([]) is None
    assert indicators.deepest_fall([4]) == indicators.Fall(0, 0, 0, 0)


def test_correlation_of_a_series_with_itself_and_its_mirror() -> None:
    moves = [0.1, -0.2, 0.3, 0.0, 0.1, -0.1, 0.2, 0.05, -0.3, 0.15]
    assert indicators.correlation(moves, moves) == pytest.approx(1)
    assert indicators.correlation(moves, [-move for move in moves]) == pytest.approx(-1)
    assert indicators.correlation(moves, [0.0] * 10) is None
    assert indicators.correlation(moves[:9], moves[:9]) is None
    with pytest.raises(ValueError, match="same length"):
        indicators.correlation(moves, moves[1:])


@pytest.mark.parametrize(
    "line", [indicators.sma, indicators.ema, indicators.rsi, indicators.bollinger]
)
def test_a_period_below_one_is_refused(line: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        line([1, 2, 3], 0)


@pytest.mark.parametrize("periods", [(26, 12, 9), (12, 12, 9), (0, 26, 9), (12, 26, 0)])
def test_periods_of_macd_that_make_no_sense_are_refused(periods: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        indicators.macd([1.0, 2.0], *periods)


@given(PRICES, PERIODS)
def test_averages_lie_under_their_prices_and_within_them(prices: list[float], period: int) -> None:
    for line in (indicators.sma(prices, period), indicators.ema(prices, period)):
        assert len(line) == len(prices)
        for value in line:
            if value is not None:
                assert min(prices) * 0.999999 <= value <= max(prices) * 1.000001


@given(PRICES, PERIODS)
def test_every_line_is_as_long_as_its_prices(prices: list[float], period: int) -> None:
    bands = indicators.bollinger(prices, period)
    lines = indicators.macd(prices)
    for line in (
        indicators.rsi(prices, period), bands.middle, bands.upper, bands.lower,
        lines.line, lines.signal, lines.histogram,
    ):  # fmt: skip
        assert len(line) == len(prices)


@given(PRICES, PERIODS)
def test_strength_stays_in_its_bounds(prices: list[float], period: int) -> None:
    for strength in indicators.rsi(prices, period):
        assert strength is None or -1e-9 <= strength <= 100 + 1e-9


@given(PRICES)
def test_a_fall_is_between_nothing_and_all(prices: list[float]) -> None:
    fall = indicators.deepest_fall(prices)
    if fall is None:
        assert prices == []
    else:
        assert -100 <= fall.percent <= fall.now <= 0
        assert 0 <= fall.start <= fall.bottom < len(prices)
