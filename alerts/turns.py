"""How many threads of a worker deliver at the same time. No Django.

A crash may leave minutes of mails to send. Threads that all send them would fetch no price, fire
no alert and end no sooner than that.
"""

from __future__ import annotations

import threading


class Turns:
    """Half of a worker's threads, at least one, may deliver; the others stay free."""

    def __init__(self, *, threads: int) -> None:
        self.serve(threads)
        self._taken = 0
        self._was_refused = False
        self._lock = threading.Lock()

    def serve(self, threads: int) -> None:
        """Note how many threads the worker has."""
        self._most = max(1, threads // 2)

    def take(self) -> bool:
        """Take a turn, if there is one."""
        with self._lock:
            if self._taken >= self._most:
                self._was_refused = True
                return False
            self._taken += 1
            return True

    def give_back(self) -> bool:
        """Give it back; tell whether somebody has asked in vain since the last time."""
        with self._lock:
            self._taken -= 1
            was_refused, self._was_refused = self._was_refused, False
            return was_refused
