"""Several coins on one chart: one grid of moments, one scale of percent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from market.comparison import compare

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def chart(*closes: float | None) -> Any:
    """A chart of one candle an hour; None is an hour without a price."""
    candles = [
        SimpleNamespace(start=START + timedelta(hours=hour), close=close)
        for hour, close in enumerate(closes)
        if close is not None
    ]
    return SimpleNamespace(candles=candles, seconds=3600)


def test_each_line_begins_at_zero() -> None:
    one, other = compare([("a", chart(100, 110, 90)), ("b", chart(5, 5, 10))]).lines
    assert one.points == pytest.approx([0, 10, -10])
    assert other.points == pytest.approx([0, 0, 100])
    assert (one.change, one.high, one.low) == pytest.approx((-10, 10, -10))


def test_gaps_stay_gaps_on_the_common_grid() -> None:
    comparison = compare([("a", chart(100, None, 120)), ("b", chart(None, 50, 60, 70))])
    one, other = comparison.lines
    assert len(comparison.times) == 4
    assert one.points == [0, None, pytest.approx(20), None]
    assert other.points == [None, 0, pytest.approx(20), pytest.approx(40)]


def test_a_coin_without_history_has_a_line_of_nothing() -> None:
    one, other = compare([("a", chart(1, 2)), ("b", chart())]).lines
    assert one.change == pytest.approx(100)
    assert other.points == [None, None]
    assert other.change is None


def test_nothing_to_compare_is_no_grid() -> None:
    assert compare([]).lines == []
    assert compare([("a", chart())]).lines[0].points == []
