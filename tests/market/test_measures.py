"""What complete days say, against figures worked out by hand, and over any closes at all."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import measures
from market.measures import Days

FIRST = date(2026, 10, 1)


def days_of(*closes: float | None, first: date = FIRST) -> Days:
    return Days(first, tuple(closes), (None,) * len(closes))


prices = st.floats(0.0001, 1_000_000)
histories = st.lists(st.none() | prices, max_size=60).map(
    lambda closes: days_of(*closes, 1.0) if closes else days_of(2.0)
)


def test_a_return_is_the_change_since_the_day_before() -> None:
    assert measures.changes(days_of(100, 110, 99)) == [
        None, pytest.approx(0.10), pytest.approx(-0.10)
    ]  # fmt: skip


def test_no_return_is_made_up_across_a_gap() -> None:
    assert measures.changes(days_of(100, None, 150)) == [None, None, None]


def test_volatility_is_annualised_over_every_day_of_the_year() -> None:
    # Alternately +10 % and -1/11: the deviation of those eleven returns, times sqrt(365).
    assert measures.volatility(days_of(*[100, 110] * 6), over=30) == pytest.approx(190.47, abs=0.01)


def test_volatility_reads_no_more_days_than_it_is_asked_for() -> None:
    wild_then_calm = days_of(*[100, 200] * 10, *[100.0] * 31)
    assert measures.volatility(wild_then_calm, over=30) == 0
    wild = measures.volatility(wild_then_calm, over=50)
    assert wild is not None
    assert wild > 100


def test_too_few_days_say_nothing() -> None:
    closes = days_of(*range(100, 110))
    assert measures.volatility(closes, over=30) is None
    assert measures.correlation(closes, closes) is None


def test_a_coin_moves_with_itself_and_against_its_mirror() -> None:
    closes = [100.0, 110, 99, 120, 118, 130, 90, 95, 97, 91, 99, 102]
    mirror = [100.0]
    for before, after in pairwise(closes):
        mirror.append(mirror[-1] * (2 - after / before))
    assert measures.correlation(days_of(*closes), days_of(*closes)) == pytest.approx(1)
    assert measures.correlation(days_of(*closes), days_of(*mirror)) == pytest.approx(-1)


def test_only_days_that_both_coins_have_are_compared() -> None:
    closes = [100.0, 110, 99, 120, 118, 130, 90, 95, 97, 91, 99, 102, 90]
    late = days_of(*closes[1:], first=FIRST + timedelta(days=1))
    assert measures.correlation(days_of(*closes), late) == pytest.approx(1)
    broken = days_of(*closes[:6], None, *closes[7:])
    assert measures.correlation(days_of(*closes), broken) == pytest.approx(1)
    assert measures.correlation(days_of(*closes[:11]), broken) is None
    apart = days_of(*closes, first=FIRST + timedelta(days=400))
    assert measures.correlation(days_of(*closes), apart) is None


def test_a_coin_that_stood_still_has_no_correlation() -> None:
    assert measures.correlation(days_of(*[100, 110] * 6), days_of(*[5] * 12)) is None


def test_the_deepest_fall_is_told_with_its_days() -> None:
    fall = measures.drawdown(days_of(100, 120, None, 90, 150, 60, 75))
    assert fall is not None
    assert fall.deepest == pytest.approx(-60)
    assert (fall.peak_day, fall.trough_day) == (date(2026, 10, 5), date(2026, 10, 6))
    assert fall.now == pytest.approx(-50)
    assert measures.drawdown(days_of()) is None


def test_days_since_a_day() -> None:
    days = days_of(1, 2, 3, 4)
    assert days.since(FIRST + timedelta(days=2)) == days_of(3, 4, first=FIRST + timedelta(days=2))
    assert days.since(FIRST - timedelta(days=9)) == days
    assert days.last == date(2026, 10, 4)
    assert days.close_on(FIRST + timedelta(days=1)) == 2
    assert days.close_on(FIRST + timedelta(days=9)) is None


def test_the_latest_run_stops_at_a_gap() -> None:
    assert measures.latest_run(days_of(1, None, 3, 4)) == [3, 4]
    assert measures.latest_run(days_of()) == []


TODAY = FIRST + timedelta(days=400)


def year(*closes: float | None, volumes: tuple[float | None, ...] = ()) -> Days:
    """Return days that end with yesterday."""
    return Days(TODAY - timedelta(days=len(closes)), closes, volumes or (None,) * len(closes))


def test_figures_of_a_steady_rise() -> None:
    known = measures.figures(year(*(100.0 + day for day in range(366))), today=TODAY)
    assert known is not None
    assert (known.last, known.known, known.run) == (TODAY - timedelta(days=1), 365, 365)
    assert known.rsi == 100
    assert known.averages == {20: 455.5, 50: 440.5, 200: 365.5}
    assert known.ago == {7: 459, 30: 436, 90: 376, 365: 101}
    assert known.macd == pytest.approx(7)
    assert (known.high, known.high_day) == (465, known.last)
    assert known.month == tuple(float(close) for close in range(436, 466))


def test_figures_of_few_days_leave_out_what_they_do_not_say() -> None:
    known = measures.figures(year(5.0, 6.0), today=TODAY)
    assert known is not None
    assert (known.known, known.run, known.close, known.high) == (2, 2, 6, 6)
    assert known.rsi is known.macd is known.volatility is known.band_upper is None
    assert known.averages == known.ago == {}
    assert measures.figures(days_of(), today=TODAY) is None


def test_a_gap_ends_what_needs_an_unbroken_run() -> None:
    closes: list[float | None] = [100.0 + day % 5 for day in range(60)]
    closes[-15] = None
    known = measures.figures(year(*closes), today=TODAY)
    assert known is not None
    assert (known.known, known.run) == (59, 14)
    assert known.rsi is None
    assert known.averages == {}
    assert known.volatility is not None


def test_a_year_may_begin_a_day_late() -> None:
    """A source's year begins at an hour, so that its first day is not complete."""
    known = measures.figures(year(*(100.0 + day for day in range(364))), today=TODAY)
    assert known is not None
    assert known.ago[365] == 100


def test_the_volume_is_compared_with_the_month_before_it() -> None:
    volumes = (*[1000.0] * 5, *[10.0] * 30, 40.0)
    known = measures.figures(year(*[1.0] * 36, volumes=volumes), today=TODAY)
    assert known is not None
    assert (known.volume, known.volume_mean) == (40, 10)
    few = measures.figures(year(*[1.0] * 9, volumes=(5.0,) * 9), today=TODAY)
    assert few is not None
    assert few.volume_mean is None


@given(histories, histories)
def test_whatever_the_history_the_measures_stay_in_their_ranges(one: Days, other: Days) -> None:
    together = measures.correlation(one, other)
    assert together is None or -1 <= together <= 1
    assert together == pytest.approx(measures.correlation(other, one)) or together is None
    fall = measures.drawdown(one)
    assert fall is not None
    assert -100 <= fall.deepest <= fall.now <= 0
    assert fall.peak_day <= fall.trough_day
    known = measures.figures(one, today=one.last + timedelta(days=1))
    assert known is not None
    assert known.rsi is None or 0 <= known.rsi <= 100 + 1e-9
    assert known.volatility is None or known.volatility >= 0
    assert known.run <= known.known


def test_each_day_stands_below_the_highest_close_up_to_it() -> None:
    assert measures.below_peak([None, 100.0, 80.0, None, 200.0, 150.0]) == pytest.approx(
        [None, 0, -20, None, 0, -25]
    )


@given(histories)
def test_the_picture_of_falls_reaches_as_deep_as_the_table_says(days: Days) -> None:
    fall = measures.drawdown(days)
    line = [depth for depth in measures.below_peak(days.closes) if depth is not None]
    assert fall is not None
    assert min(line) == pytest.approx(fall.deepest)
    assert line[-1] == pytest.approx(fall.now)
