"""How far a reader may be ahead of what it has said it read. Pure: the time is passed in.

The kernel, proxies and browsers buffer seconds to minutes of ticks, so a reader that cannot keep
up shows in nothing that a server sees by itself: it has to be asked. A frame that asks carries a
number; the page answers `{"ack": number}` when it has read that far (clients that never do so are
judged by the pong to a ping that travels with the frame).

- **Flowing**: every frame is sent as it comes, one every other second asks.
- **Limited**: so many frames under way, each asks; beyond that the reader is held back, and then
  gets the newest state. An answer that comes late, or is late in coming, limits to one. Answers
  in time double the limit, and beyond `MOST` let it flow again; who then falls back at once has
  to answer in time twice as often before the next try.
"""

from __future__ import annotations

import time
from math import inf

#: Seconds: who answers later has a backlog, or a line so long that more frames would make one.
LATE = 0.3
#: Frames under way, beyond which nobody counts any more.
MOST = 8
#: Answers in time, at most, before a limit is doubled. A reader that cannot keep up never gets past
#: the first limits; one that a busy machine held up is back in two seconds of ten ticks each.
MOST_PATIENCE = 4
#: Questions kept of a reader whose answers nobody can tell from silence.
REMEMBERED = 8


class Pace:
    """One reader's. `is_judged` tells whether silence means anything: pongs come, or acks did."""

    __slots__ = (
        "_asked",
        "_latest",
        "_limit",
        "_needed",
        "_quick",
        "deadline",
        "is_judged",
        "speaks",
    )

    def __init__(self, *, is_judged: bool) -> None:
        self.is_judged = is_judged
        #: It has acknowledged a frame, so from then on acknowledgements count.
        self.speaks = False
        #: When the oldest answer becomes late.
        self.deadline = inf
        self._asked: list[tuple[int, float]] = []  # frames and when they were sent, by number
        self._latest = 0
        self._limit = 1.0 if is_judged else inf
        self._needed = 1  # answers in time before the limit is doubled
        self._quick = 0

    @property
    def is_flowing(self) -> bool:
        """Tell whether frames need not ask."""
        return self._limit == inf

    def allows(self, now: float) -> bool:
        """Tell whether one more frame may be sent."""
        if now > self.deadline:
            self._fall_back()
        return len(self._asked) < self._limit

    def sent(self, number: int, now: float) -> None:
        """Note that a frame that asks went out."""
        if not self.is_judged and len(self._asked) == REMEMBERED:
            del self._asked[0]
        self._asked.append((number, now))
        self._latest = number
        self._set_deadline()

    def acknowledged(self, number: int, now: float) -> bool:
        """Take a page's answer; tell whether there was a question."""
        if self.speaks:
            is_due = bool(self._asked) and self._asked[0][0] <= number <= self._latest
        else:
            is_due = 0 < number <= self._latest  # a pong may have been quicker
        if not is_due:
            return False
        if not self.is_judged:
            self._limit = 1.0  # how quick it is remains to be seen
        self.speaks = self.is_judged = True
        self._answered(number, now)
        return True

    def ponged(self, number: int, now: float) -> None:
        """Take a browser's answer, which counts until the page itself speaks."""
        if not self.speaks:
            self._answered(number, now)

    def _answered(self, number: int, now: float) -> None:
        asked = [each for each in self._asked if each[0] <= number]
        if not asked:
            return
        del self._asked[: len(asked)]
        if now - asked[-1][1] > LATE:
            self._fall_back()
        else:
            self._go_on()
        self._set_deadline()

    def _fall_back(self) -> None:
        if self._limit > 1:
            self._needed = min(2 * self._needed, MOST_PATIENCE)
        self._limit, self._quick = 1.0, 0

    def _go_on(self) -> None:
        self._quick += 1
        if self.is_flowing:
            self._needed = max(1, self._needed - 1)
        elif self._quick >= self._needed:
            self._quick = 0
            self._limit = 2 * self._limit if self._limit < MOST else inf

    def _set_deadline(self) -> None:
        is_awaited = self.is_judged and self._asked
        self.deadline = self._asked[0][1] + LATE if is_awaited else inf


class OwnTime:
    """A clock that stands still while this process does: what it slept is nobody's delay.

    Whoever waits for a garbage collection, or for a neighbour's turn on the processor, would see
    all readers late together, and hold them all back when it has the least time to spare. It must
    be read more often than every `LONGEST_STEP` seconds to tell a standstill from rest.
    """

    LONGEST_STEP = 0.1

    def __init__(self) -> None:
        self._read = time.monotonic()
        self._slept = 0.0

    def __call__(self) -> float:
        """Return seconds."""
        now = time.monotonic()
        self._slept += max(0.0, now - self._read - self.LONGEST_STEP)
        self._read = now
        return now - self._slept
