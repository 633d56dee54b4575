"""Indicators against TA-Lib and numpy: on random series, and on recorded days of real prices."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from market import indicators

#: Steps of at least 0.1 %: TA-Lib's running sums of squares lose the deviation of flatter windows.
STEPS = st.floats(0.001, 0.05).flatmap(lambda step: st.sampled_from([step, -step]))
PERIODS = st.integers(2, 40)


@st.composite
def walks(draw: st.DrawFn, *, least: int = 1, most: int = 120) -> list[float]:
    """Draw a price that moves by some percent at each step."""
    prices = [draw(st.floats(0.01, 100_000))]
    for step in draw(st.lists(STEPS, min_size=least - 1, max_size=most)):
        prices.append(prices[-1] * (1 + step))
    return prices


def assert_same(ours: indicators.Line, theirs: Any, *, scale: float = 0.0) -> None:
    """None exactly where TA-Lib has no value, else equal to 1e-9 of the value or the `scale`.

    A difference of averages is as exact as they are, so its scale is that of the prices.
    """
    assert len(ours) == len(theirs)
    assert [value is None for value in ours] == [bool(gap) for gap in np.isnan(theirs)]
    known = [value for value in ours if value is not None]
    expected = [float(value) for value in theirs if not np.isnan(value)]
    assert known == pytest.approx(expected, rel=1e-9, abs=scale * 1e-9)


def compare_all(closes: Sequence[float], period: int) -> None:
    prices = np.array(closes, dtype=float)
    assert_same(indicators.sma(closes, period), talib.SMA(prices, period))
    assert_same(indicators.ema(closes, period), talib.EMA(prices, period))
    assert_same(indicators.rsi(closes, period), talib.RSI(prices, period), scale=1e-3)
    for ours, theirs in zip(_macd(indicators.macd(closes)), talib.MACD(prices), strict=True):
        assert_same(ours, theirs, scale=max(closes))
    bands = indicators.bollinger(closes, period, 2.0)
    upper, middle, lower = talib.BBANDS(prices, period, 2.0, 2.0)
    for ours, theirs in ((bands.upper, upper), (bands.middle, middle), (bands.lower, lower)):
        assert_same(ours, theirs, scale=max(closes))


def _macd(lines: indicators.Macd) -> tuple[indicators.Line, indicators.Line, indicators.Line]:
    return lines.line, lines.signal, lines.histogram


@given(walks(), PERIODS)
def test_lines_of_a_random_series_are_talibs(closes: list[float], period: int) -> None:
    compare_all(closes, period)


@given(
    walks(least=60),
    st.integers(2, 15),
    st.integers(1, 15),
    st.integers(2, 12),
)
def test_macd_of_other_periods_is_talibs(
    closes: list[float], fast: int, apart: int, signal: int
) -> None:
    ours = indicators.macd(closes, fast, fast + apart, signal)
    theirs = talib.MACD(np.array(closes), fast, fast + apart, signal)
    for line, expected in zip(_macd(ours), theirs, strict=True):
        assert_same(line, expected, scale=max(closes))


@given(walks(least=12), st.floats(0.5, 4))
def test_bands_of_another_width_are_talibs(closes: list[float], width: float) -> None:
    ours = indicators.bollinger(closes, 10, width)
    upper, _, lower = talib.BBANDS(np.array(closes), 10, width, width)
    assert_same(ours.upper, upper, scale=max(closes))
    assert_same(ours.lower, lower, scale=max(closes))


@pytest.mark.parametrize(
    "closes", [[42.0] * 60, [42.0], [1.0, 2.0], [1e-9 * n for n in range(1, 70)]]
)
def test_lines_at_the_edges_are_talibs(closes: list[float]) -> None:
    prices = np.array(closes)
    assert_same(indicators.sma(closes, 20), talib.SMA(prices, 20))
    assert_same(indicators.ema(closes, 20), talib.EMA(prices, 20))
    assert_same(indicators.bollinger(closes).middle, talib.BBANDS(prices, 20, 2.0, 2.0)[1])
    for ours, theirs in zip(_macd(indicators.macd(closes)), talib.MACD(prices), strict=True):
        assert_same(ours, theirs, scale=max(closes))


def test_the_strength_of_what_never_moved_is_the_one_difference() -> None:
    closes = [42.0] * 30
    ours, theirs = indicators.rsi(closes), talib.RSI(np.array(closes))
    assert [value is None for value in ours] == [bool(gap) for gap in np.isnan(theirs)]
    assert set(ours[14:]) == {50.0}
    assert set(theirs[14:]) == {0.0}


@given(walks(least=30))
def test_volatility_is_numpys_deviation_of_returns(closes: list[float]) -> None:
    changes = np.diff(closes) / np.array(closes[:-1])
    expected = float(np.std(changes, ddof=1) * np.sqrt(365) * 100)
    assert indicators.volatility(closes) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(walks())
def test_the_deepest_fall_is_numpys(closes: list[float]) -> None:
    fall = indicators.deepest_fall(closes)
    below = np.array(closes) / np.maximum.accumulate(closes) - 1
    assert fall is not None
    assert fall.percent == pytest.approx(float(below.min()) * 100, rel=1e-9, abs=1e-9)
    assert fall.now == pytest.approx(float(below[-1]) * 100, rel=1e-9, abs=1e-9)
    assert closes[fall.bottom] / closes[fall.start] - 1 == pytest.approx(fall.percent / 100)


@given(st.lists(st.tuples(STEPS, STEPS), min_size=10, max_size=60))
def test_correlation_is_numpys_and_talibs(pairs: list[tuple[float, float]]) -> None:
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    ours = indicators.correlation(a, b)
    if ours is None:
        assert len(set(a)) == 1 or len(set(b)) == 1
        return
    assert ours == pytest.approx(float(np.corrcoef(a, b)[0, 1]), abs=1e-9)


def test_recorded_days_of_real_prices(recorded_data: Path) -> None:
    for name in sorted(recorded_data.glob("binance_*USDT_1d_*.csv")):
        with name.open(newline="") as lines:
            closes = [float(row["close"]) for row in csv.DictReader(lines)]
        assert len(closes) > 900
        for period in (14, 20, 50, 200):
            compare_all(closes, period)
        changes = indicators.returns(closes)
        lagged = indicators.correlation(changes[1:], changes[:-1])
        theirs = talib.CORREL(np.array(changes[1:]), np.array(changes[:-1]), len(changes) - 1)
        assert lagged == pytest.approx(float(theirs[-1]), abs=1e-9)
