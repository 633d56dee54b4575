"""The ways to reach a browser through ASGI alone, whatever the server."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, cast

from .clients import Client
from .frames import Frame

if TYPE_CHECKING:
    from .audience import Audience

logger = logging.getLogger(__name__)

Send = Callable[[Any], Awaitable[None]]

#: Where `send` waits for nothing but asyncio's own futures, so that it may begin outside of a task.
_STEPPABLE = (
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvicorn.protocols.websockets.wsproto_impl",
)


def portable_client(send: Send, audience: Audience) -> Client:
    """Return the client for a server of which nothing is known but its `send`."""
    if getattr(send, "__module__", "") in _STEPPABLE:
        return SteppedClient(send, audience)
    return TaskClient(send, audience)


class PortableClient(Client):
    """One frame is being sent at a time; until it is out, the client lags.

    Pongs are the server's here, so who does not acknowledge is judged by nothing else.
    """

    __slots__ = ("_is_sending", "_send_event", "_task")

    def __init__(self, send: Send, audience: Audience) -> None:
        super().__init__(audience, is_judged=False)
        self._send_event = send
        self._is_sending = False
        self._task: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _can_write(self) -> bool:
        return not self._is_sending

    async def _finish(self, sending: Awaitable[None]) -> bool:
        """Wait until a frame is out; tell whether there may be another."""
        try:
            await sending
        except Exception as error:
            logger.debug("a client is gone: %r", error)
            return False
        self._is_sending = False
        self.caught_up()
        return True


class TaskClient(PortableClient):
    """A task of its own awaits `send`, as ASGI means it."""

    __slots__ = ("_slot", "_wake")

    def __init__(self, send: Send, audience: Audience) -> None:
        super().__init__(send, audience)
        self._slot: Frame | None = None
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self.caught_up()

    def _put(self, frame: Frame) -> None:
        self._flows = False
        self._is_sending = True
        self._slot = frame
        self._wake.set()

    async def _run(self) -> None:
        is_there = True
        while is_there:
            await self._wake.wait()
            self._wake.clear()
            frame, self._slot = self._slot, None
            if frame is not None:
                is_there = await self._finish(self._send_event(frame.event))


class SteppedClient(PortableClient):
    """`send` is run as far as it goes at once, which is to its end unless the socket is full.

    Only then a task waits for it: a task per frame and client is what sending costs most.
    """

    __slots__ = ()

    def __init__(self, send: Send, audience: Audience) -> None:
        super().__init__(send, audience)
        self.caught_up()

    def _put(self, frame: Frame) -> None:
        sending = cast("Coroutine[Any, Any, None]", self._send_event(frame.event))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception as error:
            self._flows, self._is_sending = False, True  # for good
            logger.debug("a client is gone: %r", error)
            return
        self._flows, self._is_sending = False, True
        self._task = asyncio.create_task(self._wait(_rest(sending, waits_for)))

    async def _wait(self, sending: Any) -> None:
        await self._finish(sending)


@types.coroutine
def _rest(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Continue a coroutine that was begun outside of a task, from what it is waiting for."""
    try:
        yield waits_for
    except BaseException:
        sending.close()
        raise
    yield from sending.__await__()
