"""/ws/ticker/ over a real server and a real client, on the raw and on the portable path."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cryptopulse.live import consumers, visitors
from cryptopulse.live import hub as hub_module
from cryptopulse.live.clients import RawClient, TaskClient
from cryptopulse.live.hub import Hub
from cryptopulse.live.protocol import HubProtocol
from cryptopulse.live.routing import websocket_application

from .conftest import entry, eventually, served, tick

ORIGIN = "http://localhost"


@pytest.fixture(
    params=[
        pytest.param((HubProtocol, RawClient), id="raw"),
        pytest.param(("websockets-sansio", TaskClient), id="portable"),
    ]
)
def path(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest_asyncio.fixture
async def port(hub: Hub, path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(consumers, "hub", hub)
    async with served(websocket_application(), ws=path[0]) as port:
        yield port


def ticker(port: int, **extra: Any) -> connect:
    extra = {"origin": ORIGIN, "proxy": None} | extra
    return connect(f"ws://127.0.0.1:{port}/ws/ticker/", **extra)


async def frame(browser: ClientConnection) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(browser.recv(), 5))
    return answer


async def close_code(browser: ClientConnection) -> int | None:
    """Read until the server closes and return its code."""
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(browser.recv(), 5)
    return browser.close_code


async def more_frames_than(hub: Hub, number: int) -> None:
    await eventually(lambda: hub.frames > number)


async def test_a_visitor_gets_a_snapshot_and_then_every_tick(
    hub: Hub, port: int, path: Any
) -> None:
    async with ticker(port) as browser:
        assert (await frame(browser))["type"] == "snapshot"
        assert [type(client) for client in hub.clients] == [path[1]]

        for number in range(5):
            hub.receive(tick(str(200 + number), at=2000 + number))
            received = await frame(browser)
            assert received["type"] == "tick"
            assert received["coins"][0]["price"] == str(200 + number)


async def test_a_page_that_is_closed_leaves_nothing_behind(hub: Hub, port: int) -> None:
    async with ticker(port) as browser:
        await frame(browser)
    await eventually(lambda: not hub.clients)

    assert not visitors.seats._taken


async def test_a_browser_that_vanishes_leaves_nothing_behind(hub: Hub, port: int) -> None:
    browser = await ticker(port)
    await frame(browser)
    browser.transport.abort()
    await eventually(lambda: not hub.clients)

    assert not visitors.seats._taken


@pytest.mark.django_db
async def test_pages_of_other_sites_are_refused(port: int) -> None:
    for origin in ("https://evil.example", None, "null"):
        with pytest.raises(InvalidStatus) as refusal:
            async with ticker(port, origin=origin):
                pass
        assert refusal.value.response.status_code == 403


@pytest.mark.django_db
async def test_other_paths_are_refused(port: int) -> None:
    for where in ("/", "/ws/", "/ws/ticker", "/ws/me", "/ws/x/"):
        with pytest.raises(InvalidStatus):
            async with connect(f"ws://127.0.0.1:{port}{where}", origin=ORIGIN, proxy=None):  # type: ignore[arg-type]
                pass


async def test_one_address_has_so_many_sockets_and_no_more(
    port: int, settings: Any, hub: Hub
) -> None:
    settings.SOCKETS_PER_ADDRESS = 2
    async with ticker(port) as first, ticker(port) as second:
        await frame(first)
        await frame(second)
        async with ticker(port) as third:
            assert await close_code(third) == 4429
        await second.close()
        await eventually(lambda: len(hub.clients) == 1)
        async with ticker(port) as fourth:
            assert (await frame(fourth))["type"] == "snapshot"


def test_the_addresses_of_one_ipv6_client_share_their_seats(settings: Any) -> None:
    settings.SOCKETS_PER_ADDRESS = 2
    seats = visitors.Seats()
    assert seats.take("2001:db8::1")
    assert seats.take("2001:db8::ffff:2")
    assert not seats.take("2001:db8::3")
    assert seats.take("2001:db8:0:1::1")
    seats.give_back("2001:db8::1")
    assert seats.take("2001:db8::4")
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        seats.give_back(address)
    assert not seats._taken


async def test_connecting_again_and_again_is_limited(port: int, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"socket": (3, 3600)}
    for _ in range(3):
        async with ticker(port) as browser:
            await frame(browser)

    async with ticker(port) as browser:
        assert await close_code(browser) == 4429


async def test_what_a_page_says_is_ignored(hub: Hub, port: int) -> None:
    async with ticker(port) as browser:
        await frame(browser)
        for message in ("hello", "{}", "", b"\0\1", '{"type": "subscribe"}'):
            await browser.send(message)
        hub.receive(tick("300", at=3000))

        assert (await frame(browser))["coins"][0]["price"] == "300"


async def test_a_message_that_is_too_big_closes_the_socket(port: int) -> None:
    async with ticker(port) as browser:
        await frame(browser)
        await browser.send("x" * 10_000)

        assert await close_code(browser) == 1009


async def test_a_page_that_talks_without_end_is_closed(port: int) -> None:
    async with ticker(port) as browser:
        await frame(browser)
        for _ in range(consumers.MESSAGES_PER_MINUTE + 1):
            await browser.send("x")

        assert await close_code(browser) == 4429


async def test_a_cache_that_is_away_does_not_keep_pages_out(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr("cryptopulse.limits.allowed", broken)
    async with ticker(port) as browser:
        assert (await frame(browser))["type"] == "snapshot"


async def test_a_reader_that_stops_gets_the_newest_state_and_no_backlog(
    hub: Hub, port: int, path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through real sockets: the kernel's buffers hold what they hold, and then it is over."""
    monkeypatch.setattr(hub_module, "PROBE_EVERY", 0.0)
    hub.board.load([entry(f"coin-{number}", at=1) for number in range(250)])
    ids = [f"coin-{number}" for number in range(250)]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))

    async with ticker(port, sock=raw, max_queue=1) as browser:
        await frame(browser)
        browser.transport.pause_reading()
        last = 400
        for number in range(last):
            at = 10 + number
            payload = json.dumps(
                [
                    {"id": i, "price": str(number), "at": at, "change_24h": None, "source": "s"}
                    for i in ids
                ]
            )
            hub.receive(payload)
            await more_frames_than(hub, number)
        browser.transport.resume_reading()
        received = [await frame(browser)]
        while received[-1]["coins"][-1]["price"] != str(last - 1):
            received.append(await frame(browser))

    # 400 ticks of 25 kB are 10 MB. Probes hold a raw client back after two unread ticks; the
    # portable way sends what the kernel takes.
    assert received[-1]["type"] == "snapshot"
    assert len(received) < (10 if path[1] is RawClient else 350)


async def test_a_page_sees_heartbeats_while_prices_are_silent(
    hub: Hub, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ticker(port) as browser:
        await frame(browser)
        await hub._write('{"type":"heartbeat","at":1}')

        assert (await frame(browser))["type"] == "heartbeat"
