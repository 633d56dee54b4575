"""Those who watch the same coins, and the frames that they share. No Django, no I/O."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .frames import Frame

if TYPE_CHECKING:
    from .board import Board
    from .clients import Client
    from .pace import OwnTime

#: Seconds between two frames that ask a reader (see `pace`), and frames between them where they
#: come faster.
ASK_EVERY = 2.0
ASK_AFTER_FRAMES = 16
#: Readers take turns in being asked: a thousand that answer one frame at once delay the next.
COHORTS = 8
#: A frame for those who lag is made anew when it is older, so that its `at` is when it was sent.
FRAME_AGE = 0.5
#: Who missed more changes than this gets a snapshot.
FAR_BEHIND = 1024


class Audience:
    """All clients of one set of coins (None: of all coins)."""

    def __init__(self, board: Board, clock: OwnTime, coins: frozenset[str] | None = None) -> None:
        self.board = board
        self.clock = clock
        self.coins = coins
        self.clients: set[Client] = set()
        self.last_frame_at = clock()
        self._number = board.number  # of the last frame
        self._turns = Turns()
        self._shared: dict[int, Frame] = {}  # how far behind -> what is owed
        self._shared_number = -1

    def tick(self, moved: set[str], *, number: int) -> Frame | None:
        """Return the frame of what moved up to this number, for everybody; None: nothing did.

        Those whose turn it is (`asked`) get its twin that asks.
        """
        seen = moved if self.coins is None else moved & self.coins
        if not seen:
            return None
        text = self.board.tick(seen, now=wall_milliseconds())
        return self._sent(Frame(text, number=number, before=self._number, at=self.clock()))

    def cohort(self) -> int:
        """Return the cohort of one more reader."""
        return self._turns.join()

    def asked(self, frame: Frame) -> list[bool]:
        """Return which cohorts get the twin of a frame that asks; call it once for each frame."""
        return self._turns.take(frame.at) if frame.is_news else [False] * COHORTS

    def everything(self) -> Frame:
        """Return a snapshot for everybody: which coins there are has changed."""
        number = self.board.number
        text = self.board.snapshot(now=wall_milliseconds(), coins=self.coins, ack=number)
        now = self.clock()
        self._turns.begin(now)
        return self._sent(Frame(text, number=number, before=self._number, at=now, asks=True))

    def heartbeat(self) -> Frame:
        """Return the frame that says no more than that we are here."""
        self.last_frame_at = self.clock()
        text = f'{{"type":"heartbeat","at":{wall_milliseconds()}}}'
        return Frame(text, at=self.last_frame_at, is_news=False)

    def catch_up(self, since: int) -> Frame:
        """Return what somebody needs who knows the board as of `since` (-1: not at all).

        How far back is rounded up to a power of two: a coin that did not move after all does no
        harm, and a thousand readers that lag each in their own way share a handful of frames.
        """
        board, now = self.board, self.clock()
        missed = board.number - since
        reach = 1 << (missed - 1).bit_length() if 0 < missed <= FAR_BEHIND and since >= 0 else 0
        if self._shared_number != board.number:
            self._shared.clear()
            self._shared_number = board.number
        frame = self._shared.get(reach)
        if frame is None or now - frame.at > FRAME_AGE:
            moved = board.moved_since(board.number - reach, self.coins) if reach else None
            if moved is None and reach:
                return self.catch_up(-1)
            at, number = wall_milliseconds(), board.number
            text = (
                board.snapshot(now=at, coins=self.coins, ack=number)
                if moved is None
                else board.tick(moved, now=at, ack=number)
            )
            frame = self._shared[reach] = Frame(text, number=number, at=now, asks=True)
        return frame

    def _sent(self, frame: Frame) -> Frame:
        self._number = frame.number
        self.last_frame_at = frame.at
        return frame


class Turns:
    """Which cohort of readers is asked with which frame."""

    def __init__(self) -> None:
        self._joined = 0
        self._frames = 0
        self._asked: list[tuple[float, int]] = []  # when, and with which frame, by cohort

    def join(self) -> int:
        """Return the next reader's cohort."""
        self._joined += 1
        return self._joined % COHORTS

    def begin(self, now: float) -> None:
        """Spread the cohorts over the time between two questions: all have just been asked."""
        parts = [number / COHORTS - 1 for number in range(1, COHORTS + 1)]
        self._asked = [
            (now + part * ASK_EVERY, self._frames + int(part * ASK_AFTER_FRAMES)) for part in parts
        ]

    def take(self, now: float) -> list[bool]:
        """Return which cohorts' turn it is with the next frame."""
        if not self._asked:
            self.begin(now)
        self._frames += 1
        turns = [
            now - at >= ASK_EVERY or self._frames - frame >= ASK_AFTER_FRAMES
            for at, frame in self._asked
        ]
        asked = now, self._frames
        self._asked = [
            asked if is_due else before for is_due, before in zip(turns, self._asked, strict=True)
        ]
        return turns


def wall_milliseconds() -> int:
    """Return Unix milliseconds now, as frames carry them in `at`."""
    return time.time_ns() // 1_000_000
