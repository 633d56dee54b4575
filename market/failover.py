"""Which of several streams to listen to, and how long to leave one alone that failed. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Seconds before a feed that failed is tried again: up to the first, doubling up to the longest,
#: with full jitter, so that thousands of us do not come back together.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: The same for one that has nothing for us from here (another country, no such host).
FIRST_PAUSE_ELSEWHERE, LONGEST_PAUSE_ELSEWHERE = 30.0, 300.0
#: A feed that has delivered for as long is well: what was before is forgotten.
STABLE_AFTER = 30.0
#: One that fails is tried once more before the next one is.
FAILURES_UNTIL_NEXT = 2


@dataclass(slots=True)
class _Health:
    failures: int = 0  # in a row
    retry_at: float = 0.0
    since: float | None = None  # it has delivered from then on
    is_elsewhere: bool = False


class FailOver:
    """The feeds, best first, and how each has done. Times are seconds of any steady clock.

    `draw(low, high)` is the jitter.
    """

    def __init__(
        self, names: Sequence[str], *, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.names = list(names)
        self._health = {name: _Health() for name in names}
        self._draw = draw

    def choose(self, now: float) -> tuple[str, float]:
        """Return the feed to open next, and in how many seconds.

        The best one that is worth waiting for: one that has only just failed is.
        """
        for name, health in self._health.items():
            if health.retry_at <= now or self._is_worth_waiting_for(health, now):
                return name, max(0.0, health.retry_at - now)
        name, health = min(self._health.items(), key=lambda item: item[1].retry_at)
        return name, health.retry_at - now

    def better_than(self, name: str, now: float) -> tuple[str, float] | None:
        """Return the feed before this one that may be tried first, and in how many seconds."""
        before = []
        for other, health in self._health.items():
            if other == name:
                break
            before.append((max(0.0, health.retry_at - now), other))
        return min(((other, wait) for wait, other in before), key=lambda one: one[1], default=None)

    def delivered(self, name: str, now: float) -> None:
        """Note that the feed has sent prices."""
        health = self._health[name]
        if health.since is None:
            health.since = now
        if health.failures and now - health.since >= STABLE_AFTER:
            self._health[name] = _Health(since=health.since)

    def failed(
        self, name: str, now: float, *, is_elsewhere: bool = False, at_least: float = 0.0
    ) -> float:
        """Note that the feed has failed; return in how many seconds it may be tried again.

        `is_elsewhere`: trying it from here soon is pointless. `at_least`: it asked for that long.
        """
        health = self._health[name]
        if health.since is not None and now - health.since >= STABLE_AFTER:
            health.failures = 0
        health.failures += 1
        health.since = None
        health.is_elsewhere = is_elsewhere
        first, longest = FIRST_PAUSE, LONGEST_PAUSE
        if is_elsewhere:
            first, longest = FIRST_PAUSE_ELSEWHERE, LONGEST_PAUSE_ELSEWHERE
        most = min(longest, first * 2 ** min(health.failures - 1, 20))
        pause = max(at_least, self._draw(most / 2 if is_elsewhere else 0.0, most))
        health.retry_at = now + pause
        return pause

    def ended(self, name: str, now: float) -> bool:
        """Note a connection that ended as it had to; False for one that never delivered.

        It may be opened again at once, unless it does nothing but end.
        """
        health = self._health[name]
        if health.since is None:
            return False
        health.since, health.retry_at = None, now
        return True

    def failures(self, name: str) -> int:
        """Return how often the feed has failed in a row."""
        return self._health[name].failures

    def _is_worth_waiting_for(self, health: _Health, now: float) -> bool:
        is_soon = health.retry_at - now <= FIRST_PAUSE
        return is_soon and not health.is_elsewhere and health.failures < FAILURES_UNTIL_NEXT
