"""A stream that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, ClassVar

from market.feeds import FeedError, StreamFeed
from market.quotes import Quote

Said = list[Quote] | Exception | None
BACKEND = "tests.market.streams.ScriptedStream"


class Channel:
    """One exchange, as the test plays it, from any thread: who is connected, what they hear."""

    def __init__(self) -> None:
        self.refusal: FeedError | None = None
        self.lines: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Said]]] = []
        self.asked: list[list[str]] = []
        self.told: list[Quote] = []
        self.serves: set[str] | None = None

    def say(self, *quotes: Quote) -> None:
        for loop, line in self.lines:
            loop.call_soon_threadsafe(line.put_nowait, list(quotes))

    def fall(self, error: Exception | None) -> None:
        """Cut all who are connected; None ends without a word."""
        for loop, line in self.lines:
            loop.call_soon_threadsafe(line.put_nowait, error)


class ScriptedStream(StreamFeed):
    """Streams the channel of its alias."""

    channels: ClassVar[dict[str, Channel]] = {}

    def __init__(self, *, name: str, needs: Sequence[str] = (), **_: Any) -> None:
        self.name = name
        self.needs = tuple(needs)

    @property
    def channel(self) -> Channel:
        return self.channels[self.name]

    def serves(self, coin_ids: Sequence[str]) -> list[str]:
        served = self.channel.serves
        return [one for one in coin_ids if served is None or one in served]

    def told(self, quote: Quote) -> None:
        self.channel.told.append(quote)

    async def ticks(self, coin_ids: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        channel = self.channel
        channel.asked.append(list(coin_ids))
        if channel.refusal is not None:
            raise channel.refusal
        line: asyncio.Queue[Said] = asyncio.Queue()
        connected = (asyncio.get_running_loop(), line)
        channel.lines.append(connected)
        try:
            while (said := await line.get()) is not None:
                if isinstance(said, Exception):
                    raise said
                yield said
        finally:
            channel.lines.remove(connected)
