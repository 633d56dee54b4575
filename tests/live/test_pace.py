"""A reader that keeps up gets every frame; one that does not gets the newest state, late or never
so slow. Played through in simulated time: the line between server and reader holds any backlog.
"""

from __future__ import annotations

from collections import deque
from math import inf

import pytest

from cryptopulse.live import pace as pace_module
from cryptopulse.live.audience import ASK_AFTER_FRAMES, ASK_EVERY
from cryptopulse.live.pace import LATE, MOST, OwnTime, Pace


class Line:
    """A server that ticks, a line that takes time and holds any number of frames, a reader."""

    def __init__(self, *, ticks_per_second: float, round_trip: float = 0.02, speaks: bool = True):
        self.pace = Pace(is_judged=True)
        self.now = 0.0
        self.read: list[tuple[float, float]] = []  # when, and how old it was then
        self._tick = 1 / ticks_per_second
        self._way = round_trip / 2
        self._speaks = speaks
        self._number = 0
        self._made_at = 0.0  # the newest state
        self._is_behind = True
        self._asked_at = 0.0
        self._since_asked = 0
        self._under_way: deque[tuple[float, int, float, bool]] = deque()
        self._answers: deque[tuple[float, int]] = deque()
        self._reads_at = 0.0

    def run(self, seconds: float, *, reads_per_second: float) -> None:
        """Let time pass in steps of five milliseconds."""
        step = 0.005
        self._reads_at = min(self._reads_at, self.now)
        for _ in range(round(seconds / step)):
            self.now += step
            if self.now >= self._number * self._tick:
                self._number += 1
                self._made_at = self.now
                self._offer()
            self._read(1 / reads_per_second)
            while self._answers and self._answers[0][0] <= self.now:
                self._answer(self._answers.popleft()[1])

    def staleness(self, *, after: float) -> float:
        """Return how old the oldest frame was that was read after this moment."""
        return max(age for when, age in self.read if when > after)

    def frames(self, *, after: float) -> int:
        return sum(when > after for when, _ in self.read)

    def _offer(self) -> None:
        self._is_behind = True
        if self.pace.allows(self.now):
            self._send()

    def _send(self) -> None:
        self._is_behind = False
        self._since_asked += 1
        asks = (
            not self.pace.is_flowing
            or self.now - self._asked_at >= ASK_EVERY
            or self._since_asked >= ASK_AFTER_FRAMES
        )
        if asks:
            self._asked_at, self._since_asked = self.now, 0
            self.pace.sent(self._number, self.now)
        self._under_way.append((self.now + self._way, self._number, self._made_at, asks))

    def _read(self, pause: float) -> None:
        while self._under_way and self._under_way[0][0] <= self.now and self._reads_at <= self.now:
            _, number, made_at, asks = self._under_way.popleft()
            self.read.append((self.now, self.now - made_at))
            self._reads_at = max(self._reads_at, self.now - 0.005) + pause
            if asks:
                self._answers.append((self.now + self._way, number))

    def _answer(self, number: int) -> None:
        if self._speaks:
            self.pace.acknowledged(number, self.now)
        else:
            self.pace.ponged(number, self.now)
        if self._is_behind and self.pace.allows(self.now):
            self._send()


@pytest.fixture(params=[True, False], ids=["acknowledges", "pongs"])
def speaks(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_who_keeps_up_flows_and_gets_every_frame(speaks: bool) -> None:
    line = Line(ticks_per_second=10, speaks=speaks)
    line.run(20, reads_per_second=1000)

    assert line.pace.is_flowing
    assert line.frames(after=5) == pytest.approx(150, abs=1)
    assert line.staleness(after=0) < 0.05


def test_a_distant_reader_that_keeps_up_flows(speaks: bool) -> None:
    line = Line(ticks_per_second=10, round_trip=0.25, speaks=speaks)
    line.run(20, reads_per_second=1000)

    assert line.frames(after=5) == pytest.approx(150, abs=2)


@pytest.mark.parametrize(("ticks", "reads"), [(10, 1), (50, 5), (4, 0.4), (10, 8), (100, 30)])
def test_who_is_slow_from_the_start_stays_near_the_newest(
    ticks: float, reads: float, speaks: bool
) -> None:
    line = Line(ticks_per_second=ticks, speaks=speaks)
    line.run(60, reads_per_second=reads)

    # Two at a time can be under way when a try to go faster fails.
    assert line.staleness(after=5) < max(1.5, 2.2 / reads)
    assert line.frames(after=30) > 0.8 * 30 * reads


@pytest.mark.parametrize(("ticks", "reads"), [(10, 1), (50, 5), (4, 0.4)])
def test_who_gets_slow_late_is_held_back_then(ticks: float, reads: float, speaks: bool) -> None:
    line = Line(ticks_per_second=ticks, speaks=speaks)
    line.run(30, reads_per_second=1000)
    line.run(60, reads_per_second=reads)

    # What was under way when it happened is read first: the frames of a question's interval.
    # After it, nothing is older than plain sending would have made it within two seconds.
    assert line.staleness(after=50) < max(1.5, 2.2 / reads)


def test_who_stops_gets_one_frame_and_no_more(speaks: bool) -> None:
    line = Line(ticks_per_second=10, speaks=speaks)
    line.run(10, reads_per_second=1000)
    read = len(line.read)
    line.run(60, reads_per_second=0.0001)
    line.run(5, reads_per_second=1000)

    # The frames of a second, until the question came, and those until its answer was late.
    backlog = sum(1 for when, age in line.read[read:] if age > 1)
    assert backlog <= (ASK_EVERY + LATE) * 10 + 2
    assert line.staleness(after=line.now - 4) < 0.1


def test_who_is_quick_again_flows_again(speaks: bool) -> None:
    line = Line(ticks_per_second=10, speaks=speaks)
    line.run(10, reads_per_second=1)
    assert not line.pace.is_flowing
    line.run(30, reads_per_second=1000)

    assert line.pace.is_flowing
    assert line.frames(after=35) == pytest.approx(50, abs=1)


# --- What answers count -----------------------------------------------------------------------


def test_only_what_was_asked_can_be_answered_and_once() -> None:
    pace = Pace(is_judged=True)
    assert not pace.acknowledged(1, 0.0)
    pace.sent(5, 0.0)

    assert not pace.acknowledged(6, 0.1)
    assert not pace.acknowledged(-5, 0.1)
    assert pace.acknowledged(5, 0.1)
    assert not pace.acknowledged(5, 0.1)
    assert not pace.acknowledged(4, 0.1)


def test_a_page_that_speaks_is_no_longer_judged_by_its_browsers_pongs() -> None:
    """The browser answers pings while the page itself is busy with what came a minute ago."""
    pace = Pace(is_judged=True)
    pace.sent(1, 0.0)
    pace.acknowledged(1, 0.1)
    pace.sent(2, 0.2)
    pace.sent(3, 0.2)
    pace.ponged(3, 0.3)

    assert not pace.allows(0.4)  # two of two are under way
    assert pace.acknowledged(3, 0.4)
    assert pace.allows(0.4)


def test_an_answer_to_a_frame_whose_pong_was_quicker_still_tells_that_the_page_speaks() -> None:
    pace = Pace(is_judged=True)
    pace.sent(1, 0.0)
    pace.ponged(1, 0.01)

    assert pace.acknowledged(1, 0.02)
    assert pace.speaks


def test_where_nobody_can_tell_silence_everything_flows_and_little_is_kept() -> None:
    pace = Pace(is_judged=False)
    for number in range(1, 1000):
        pace.sent(number, float(number))
        assert pace.allows(float(number))

    assert len(pace._asked) == pace_module.REMEMBERED
    assert pace.deadline == inf
    assert pace.acknowledged(995, 995.1)
    assert not pace.allows(995.1)  # four are under way, and how quick it is is not known yet


def test_the_limit_doubles_with_answers_in_time_until_all_flows() -> None:
    pace = Pace(is_judged=True)
    number = 0
    limits = []
    while not pace.is_flowing:
        limits.append(pace._limit)
        number += 1
        pace.sent(number, 0.0)
        pace.acknowledged(number, 0.1)

    assert limits == [1, 2, 4, MOST]


# --- Time -------------------------------------------------------------------------------------


def test_what_the_process_slept_is_nobodys_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = 100.0
    monkeypatch.setattr("cryptopulse.live.pace.time.monotonic", lambda: monotonic)
    clock = OwnTime()
    start = clock()
    monotonic += 0.05
    assert clock() - start == pytest.approx(0.05)
    monotonic += 7.0

    assert clock() - start == pytest.approx(0.05 + OwnTime.LONGEST_STEP)
