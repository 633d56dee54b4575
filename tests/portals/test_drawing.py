"""Lines and rings that the server draws."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from cryptopulse import drawing


def test_a_rising_line_goes_from_the_bottom_to_the_top() -> None:
    drawn = drawing.trend([1, 2, 3], width=100, height=50)
    assert drawn is not None
    assert drawn.line == "M0.0 48.0L50.0 25.0L100.0 2.0"
    assert drawn.rising


def test_a_gap_is_not_drawn_across() -> None:
    drawn = drawing.trend([1, 2, None, 2, 1], width=100, height=50)
    assert drawn is not None
    assert drawn.line.count("M") == 2
    assert not drawn.line.startswith("M50")


def test_a_lone_point_between_gaps_is_a_dot() -> None:
    drawn = drawing.trend([1, None, 5, None, 1], width=100, height=50)
    assert drawn is not None
    assert "M50.0 2.0L50.0 2.0" in drawn.line


def test_what_never_moved_is_a_level_line() -> None:
    drawn = drawing.trend([7, 7, 7], width=100, height=50)
    assert drawn is not None
    assert drawn.line == "M0.0 25.0L50.0 25.0L100.0 25.0"


def test_one_point_is_no_line() -> None:
    assert drawing.trend([], width=100, height=50) is None
    assert drawing.trend([5], width=100, height=50) is None
    assert drawing.trend([5, None, "x", float("nan")], width=100, height=50) is None


def test_thinning_keeps_both_ends() -> None:
    thinned = drawing.thin(list(range(168)), 40)
    assert len(thinned) == 40
    assert (thinned[0], thinned[-1]) == (0, 167)
    assert drawing.thin([1, 2], 40) == [1, 2]


def test_a_ring_of_one_slice_is_whole() -> None:
    assert drawing.ring([100.0]) == [("100.00 0.00", "-0.00")]


_points = st.lists(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.text(max_size=3)),
    max_size=60,
)


@given(_points)
def test_every_line_stays_in_its_box(points: list[object]) -> None:
    drawn = drawing.trend(points, width=120, height=36)
    if drawn is None:
        return
    for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", drawn.line):
        assert 0 <= float(x) <= 120
        assert 0 <= float(y) <= 36


def test_a_spark_steps_by_whole_numbers_and_fills_its_height() -> None:
    drawn = drawing.spark([1.0, 3.0, 2.0])
    assert drawn is not None
    assert drawn.line == "M0 68l1-64 1 32"
    assert drawn.area == "M0 68l1-64 1 32V72H0Z"
    assert (drawn.steps, drawn.rising) == (2, True)


def test_a_spark_has_gaps_and_a_flat_one_lies_in_the_middle() -> None:
    gap = drawing.spark([1, None, 1])
    assert gap is not None
    assert gap.line == "M0 36l0 0M2 36l0 0"
    assert drawing.spark([1]) is None
    assert drawing.spark([None, "x"]) is None
