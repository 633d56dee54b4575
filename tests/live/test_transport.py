"""Ticks between processes, through a Redis of the test's own or within the process."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptopulse.live import ticker, transport
from cryptopulse.live.hub import Hub
from market.quotes import Quote
from market.signals import prices_updated
from tests.requirements import require_or_skip

from .conftest import Stored, entry, eventually, tick


class Redis:
    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            require_or_skip("redis", "there is no redis-server on this machine")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/2"
        self._arguments = [program, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._arguments += ["--save", "", "--dir", str(folder)]

    def start(self) -> None:
        self._server = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL)
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.kill()
        self._server.wait()


@pytest.fixture
def redis(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    redis = Redis(tmp_path)
    redis.start()
    settings.REDIS_URL = redis.url
    transport._publisher.cache_clear()
    yield redis
    redis.stop()
    transport._publisher(redis.url).close()
    transport._publisher.cache_clear()


async def test_a_tick_reaches_the_hubs_of_all_processes(redis: Redis, stored: Stored) -> None:
    hubs = [Hub(stale_after=300, load=stored.load, listen=transport.listen) for _ in range(2)]
    for hub in hubs:
        await hub.start()
    await eventually(lambda: stored.reads >= 4)  # each reads again once it has subscribed

    await asyncio.to_thread(transport.publish, tick("101", at=2000), hub=hubs[0])
    await eventually(lambda: all(hub.board.entries["bitcoin"].price == "101" for hub in hubs))

    assert [hub.ticks for hub in hubs] == [1, 1]
    for hub in hubs:
        await hub.stop()


async def test_what_an_outage_lost_is_read_from_the_database(
    redis: Redis, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptopulse.live.hub.REFRESH_SOON", 0.05)
    hub = Hub(stale_after=300, load=stored.load, listen=transport.listen)
    await hub.start()
    await eventually(lambda: stored.reads >= 2)

    redis.stop()
    await asyncio.to_thread(transport.publish, tick("250", at=9000), hub=hub)  # lost, not raised
    stored.entries = [entry(price="250", at=9000)]
    await asyncio.sleep(0.5)
    redis.start()
    await eventually(lambda: hub.board.entries["bitcoin"].price == "250", within=15)

    await asyncio.to_thread(transport.publish, tick("251", at=9001), hub=hub)
    await eventually(lambda: hub.board.entries["bitcoin"].price == "251")
    await hub.stop()


async def test_a_redis_that_is_silent_counts_as_away(
    stored: Stored, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """It accepts connections and says nothing, as behind a firewall that forgot us."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.1)
    monkeypatch.setattr(transport, "SILENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        hub = Hub(stale_after=300, load=stored.load, listen=transport.listen)
        await hub.start()
        await eventually(lambda: "no ticks from Redis" in caplog.text)
        await hub.stop()


def test_installations_in_one_redis_do_not_mix() -> None:
    names = {transport.tick_channel(f"redis://host:6379{path}") for path in ("", "/", "/0", "/1")}

    assert names == {"cryptopulse:0:ticks", "cryptopulse:1:ticks"}


async def test_without_redis_a_stored_tick_reaches_the_processs_own_hub(
    hub: Hub, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "hub", hub)
    quote = Quote(coin_id="bitcoin", price=Decimal("123.40"), price_at=now, source="simulated")

    await asyncio.to_thread(ticker.publish_quotes, quotes=[quote], now=now)
    await eventually(lambda: hub.board.entries["bitcoin"].price == "123.4")


def test_the_hub_hears_of_every_stored_tick() -> None:
    assert ticker.publish_quotes in prices_updated._live_receivers(None)[0]


def test_a_batch_that_moved_nothing_is_not_sent(now: datetime, hub_that_counts: list[str]) -> None:
    ticker.publish_quotes(quotes=[], now=now)

    assert hub_that_counts == []


@pytest.fixture
def hub_that_counts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(transport, "publish", lambda payload, **_: sent.append(payload))
    return sent
