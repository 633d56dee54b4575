"""A hub without a market, and the server's processes that tests talk to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from cryptopulse.live.board import Entry
from cryptopulse.live.hub import Hub


def entry(coin_id: str = "bitcoin", *, price: str = "100", at: int = 1000, **extra: Any) -> Entry:
    """Return a coin as the board holds it."""
    values: dict[str, Any] = {
        "symbol": coin_id[:3],
        "name": coin_id.capitalize(),
        "rank": 1,
        "change_24h": "1.5",
        "source": "simulated",
    }
    return Entry(id=coin_id, price=price, at=at, **(values | extra))


def tick(price: str, *, at: int, coin_id: str = "bitcoin", change: str | None = None) -> str:
    """Return a tick of one coin as it travels between processes."""
    quote = {"id": coin_id, "price": price, "at": at, "change_24h": change, "source": "simulated"}
    return json.dumps([quote])


class Stored:
    """The database of a hub's tests: what `load` finds, and how often it was asked."""

    def __init__(self) -> None:
        self.entries = [entry(), entry("ethereum", price="10", rank=2)]
        self.reads = 0
        self.failure: Exception | None = None

    async def load(self) -> list[Entry]:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return list(self.entries)


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest_asyncio.fixture
async def hub(stored: Stored) -> AsyncIterator[Hub]:
    hub = Hub(stale_after=300, load=stored.load)
    await hub.start()
    yield hub
    await hub.stop()


async def eventually(condition: Callable[[], Any], *, within: float = 5.0) -> Any:
    """Wait until the condition holds and return its value."""
    async with asyncio.timeout(within):
        while not (value := condition()):  # noqa: ASYNC110 (what is waited for is not ours)
            await asyncio.sleep(0.005)
    return value


@asynccontextmanager
async def served(application: Any, *, ws: Any) -> AsyncIterator[int]:
    """Serve an ASGI application on a free loopback port, on this test's own loop."""
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        ws=ws,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started or task.done())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
