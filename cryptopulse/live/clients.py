"""What the hub knows of a browser, and the quick way to reach one (the others: `portable`).

A client is owed either nothing or "what moved since": what it missed is never queued, because
the audience's frames for those who lag say it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .frames import Frame, probe_number
from .pace import Pace

if TYPE_CHECKING:
    from .audience import Audience

#: Knows nothing of the board yet.
NOTHING = -1


class Client:
    """What the hub knows of a browser: how far it has read, and what it is owed."""

    __slots__ = ("_flows", "_is_behind", "_since", "audience", "cohort", "pace")

    def __init__(self, audience: Audience, *, is_judged: bool) -> None:
        self.audience = audience
        self.cohort = audience.cohort()
        self.pace = Pace(is_judged=is_judged)
        self._flows = False  # nothing stands between it and the next frame
        self._is_behind = True
        self._since: int | None = NOTHING  # the board as it knows it; None: every frame so far

    def offer(self, frame: Frame) -> None:
        """Send the frame, or remember what is owed. Never waits, never raises."""
        if self._flows and frame.at <= self.pace.deadline:
            self._send(frame)
        else:
            self._consider(frame)

    def acknowledged(self, number: int) -> bool:
        """Take the page's answer to a frame that asked; tell whether it was due."""
        is_due = self.pace.acknowledged(number, self.audience.clock())
        if is_due:
            self._heard()
        return is_due

    def caught_up(self) -> None:
        """Send what is owed, if the client can take it: it has answered, or its buffer drained."""
        now = self.audience.clock()
        if self._is_behind and self._can_write() and self.pace.allows(now):
            since = NOTHING if self._since is None else self._since
            frame = self.audience.catch_up(since)
            self._is_behind, self._since = False, frame.number
            self._send(frame)

    def close(self) -> None:
        """Let go of what the client holds; the connection itself is the server's."""
        raise NotImplementedError

    def _heard(self) -> None:
        """Go on as the answer allows."""
        self._flows = self._flows and self.pace.is_flowing
        self.caught_up()

    def _consider(self, frame: Frame) -> None:
        """Take a frame that may not simply be sent."""
        if not frame.is_news:
            if not self._is_behind and self._can_write():
                self._put(frame)
            return
        self._flows = False
        if self._since is None:
            self._since = frame.before
        if frame.number <= self._since:
            return  # it has caught up with more than this
        has_all = not self._is_behind and frame.before <= self._since
        now = self.audience.clock()
        if has_all and self._can_write() and self.pace.allows(now) and self.pace.is_flowing:
            self._since = None
            self._flows = True
            self._send(frame)
        else:
            self._is_behind = True
            self.caught_up()

    def _send(self, frame: Frame) -> None:
        self._put(frame)
        if frame.asks:
            self.pace.sent(frame.number, self.audience.clock())

    def _can_write(self) -> bool:
        """Tell whether a frame would go out now."""
        raise NotImplementedError

    def _put(self, frame: Frame) -> None:
        """Send it, come what may."""
        raise NotImplementedError


class Connection(Protocol):
    """What RawClient needs of the server's protocol object (see `protocol.HubProtocol`)."""

    watcher: RawClient | None
    #: Both sides agreed on compression, without taking a context over.
    takes_deflated: bool

    def can_take_frames(self) -> bool:
        """Tell whether the handshake is done and the socket is not closing."""

    def is_writable(self) -> bool:
        """Tell whether the write buffer is below its mark."""

    def write(self, data: bytes) -> None:
        """Put bytes on the wire; never waits."""


class RawClient(Client):
    """Straight to the transport: bytes that were built once are written to every socket."""

    __slots__ = ("_connection", "_takes_deflated")

    def __init__(self, connection: Connection, audience: Audience) -> None:
        super().__init__(audience, is_judged=True)
        self._connection = connection
        self._takes_deflated = connection.takes_deflated
        connection.watcher = self
        self.caught_up()

    def offer(self, frame: Frame) -> None:
        if self._flows and not frame.asks and frame.at <= self.pace.deadline:
            # As the base does, in one step: this line runs for every frame and browser.
            self._connection.write(frame.deflated if self._takes_deflated else frame.wire)
        else:
            super().offer(frame)

    def close(self) -> None:
        self._connection.watcher = None

    def held(self) -> None:
        """Send nothing for now: the buffer is full, or the connection is ending."""
        self._flows = False

    def answered(self, payload: bytes) -> bool:
        """Take a pong; tell whether it was for us."""
        number = probe_number(payload)
        if number is None:
            return False
        self.pace.ponged(number, self.audience.clock())
        self._heard()
        return True

    def _can_write(self) -> bool:
        return self._connection.is_writable() and self._connection.can_take_frames()

    def _put(self, frame: Frame) -> None:
        wire = frame.deflated if self._takes_deflated else frame.wire
        if frame.asks and not self.pace.speaks:
            wire += frame.probe
        self._connection.write(wire)
