"""The channel layer of one process: personal events without Redis, from any thread.

Channels' own in-memory layer is not safe to use from other threads (the receiver is not woken)
and looks through every channel and group at each message. Here, messages hop to the loop that the
receivers run on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from typing import Any

from channels.layers import BaseChannelLayer

logger = logging.getLogger(__name__)

Message = dict[str, Any]


class OneProcessLayer(BaseChannelLayer):  # type: ignore[misc]  # the package has no types
    """Delivers to consumers of this process.

    All state belongs to the event loop on which consumers run: it is noted when they ask for a
    channel, and whatever is sent from another thread or loop is handed over to it. A consumer
    that does not read loses its oldest messages beyond `capacity`.
    """

    extensions = ["groups", "flush"]

    def __init__(self, capacity: int = 100, **kwargs: Any) -> None:
        super().__init__(capacity=capacity, **kwargs)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._messages: dict[str, deque[Message]] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._groups: dict[str, set[str]] = {}

    # --- From any thread ------------------------------------------------------------------------

    def post(self, group: str, message: Message) -> None:
        """Send to a group without waiting; where nobody ever received, nobody hears."""
        self.require_valid_group_name(group)
        self._hand_over(self._deliver_to_group, group, message)

    async def send(self, channel: str, message: Message) -> None:
        self.require_valid_channel_name(channel)
        self._hand_over(self._deliver, channel, message)

    async def group_send(self, group: str, message: Message) -> None:
        self.post(group, message)

    def _hand_over(self, deliver: Any, name: str, message: Message) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        message = dict(message)
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            deliver(name, message)
            return
        try:
            loop.call_soon_threadsafe(deliver, name, message)
        except RuntimeError:  # the loop closed in between
            logger.debug("the server stopped before an event reached it")

    # --- On the receivers' loop -------------------------------------------------------------------

    def _deliver_to_group(self, group: str, message: Message) -> None:
        for channel in self._groups.get(group, ()):
            self._deliver(channel, dict(message))

    def _deliver(self, channel: str, message: Message) -> None:
        self._messages.setdefault(channel, deque(maxlen=self.capacity)).append(message)
        waiting = self._waiting.get(channel)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return a new name; a queue exists only while somebody waits or something is in it."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self.flush()
            self._loop = loop
        return f"{prefix}one!{uuid.uuid4().hex}"

    async def receive(self, channel: str) -> Message:
        queue = self._messages.setdefault(channel, deque(maxlen=self.capacity))
        try:
            while not queue:
                waiting = asyncio.get_running_loop().create_future()
                self._waiting[channel] = waiting
                await waiting
            return queue.popleft()
        finally:
            self._waiting.pop(channel, None)
            if not queue:
                self._messages.pop(channel, None)

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self._groups.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take the channel out; consumers do so when they end, and what is queued goes too."""
        members = self._groups.get(group, set())
        members.discard(channel)
        if not members:
            self._groups.pop(group, None)
        self._messages.pop(channel, None)

    async def flush(self) -> None:
        self._messages.clear()
        self._groups.clear()
        self._waiting.clear()

    async def close(self) -> None:
        await self.flush()
