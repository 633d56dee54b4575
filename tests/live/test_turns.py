"""Readers are asked in turns: each every other second or so, never all with one frame."""

from __future__ import annotations

from collections import Counter

import pytest

from cryptopulse.live.audience import ASK_AFTER_FRAMES, ASK_EVERY, COHORTS, Turns


@pytest.mark.parametrize("rate", [4, 10, 20])
def test_each_cohort_is_asked_about_as_often_and_never_more_than_half_at_once(rate: int) -> None:
    turns, asked = Turns(), Counter[int]()
    seconds = 20
    frames = seconds * rate
    for number in range(frames):
        due = [cohort for cohort, is_due in enumerate(turns.take(100 + number / rate)) if is_due]
        asked.update(due)
        assert len(due) <= COHORTS / 2

    longest = max(ASK_EVERY, 1 / rate)
    assert set(asked) == set(range(COHORTS))
    assert min(asked.values()) >= seconds / (longest + 1 / rate) - 1
    assert max(asked.values()) <= seconds / min(ASK_EVERY, ASK_AFTER_FRAMES / rate) + 1


def test_frames_that_come_very_fast_ask_by_their_number() -> None:
    turns, asked = Turns(), Counter[int]()
    for _ in range(10 * ASK_AFTER_FRAMES):
        asked.update(cohort for cohort, is_due in enumerate(turns.take(100.0)) if is_due)

    assert all(asked[cohort] in {10, 11} for cohort in range(COHORTS))


def test_after_a_frame_that_asked_all_the_turns_are_spread_again() -> None:
    turns = Turns()
    turns.begin(100.0)

    assert not any(turns.take(100.01))
    assert sum(turns.take(100.0 + ASK_EVERY / 2)) == COHORTS / 2


def test_readers_join_the_cohorts_evenly() -> None:
    turns = Turns()
    joined = Counter(turns.join() for _ in range(10 * COHORTS))

    assert set(joined.values()) == {10}
