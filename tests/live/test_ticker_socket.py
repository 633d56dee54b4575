"""/ws/ticker/ over a real server and a real client, on the raw and on the portable path."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Origin

from cryptopulse.live import consumers, visitors
from cryptopulse.live.clients import RawClient
from cryptopulse.live.hub import Hub
from cryptopulse.live.portable import SteppedClient
from cryptopulse.live.protocol import HubProtocol
from cryptopulse.live.routing import websocket_application

from .conftest import entry, eventually, served, tick

ORIGIN = "http://localhost"


@pytest.fixture(
    params=[
        pytest.param((HubProtocol, RawClient), id="raw"),
        pytest.param(("websockets-sansio", SteppedClient), id="portable"),
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


async def test_a_cache_that_is_away_does_not_keep_pages_out_and_is_noted_once(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr("cryptopulse.limits.allowed", broken)
    monkeypatch.setattr(consumers.LimitedConsumer, "_noted_at", -consumers.NOTE_EVERY)
    for _ in range(3):
        async with ticker(port) as browser:
            assert (await frame(browser))["type"] == "snapshot"

    assert caplog.text.count("sockets are not limited now") == 1


# --- Readers that are slow --------------------------------------------------------------------


async def answered(browser: ClientConnection) -> dict[str, Any]:
    """Read a frame as a page does, which says that it has read it."""
    received = await frame(browser)
    if "ack" in received:
        await browser.send(json.dumps({"ack": received["ack"]}))
    return received


@asynccontextmanager
async def ticking(hub: Hub, *, every: float) -> AsyncIterator[None]:
    """Move 250 coins so often; the price is the moment."""
    ids = [f"coin-{number}" for number in range(250)]
    hub.board.load([entry(coin_id, at=1) for coin_id in ids])

    async def run() -> None:
        for number in itertools.count(2):
            price = str(time.monotonic())
            quote = {"price": price, "at": number, "change_24h": None, "source": "s"}
            hub.receive(json.dumps([{"id": coin_id, **quote} for coin_id in ids]))
            await asyncio.sleep(every)

    task = asyncio.create_task(run())
    yield
    task.cancel()


def age(received: dict[str, Any]) -> float:
    return time.monotonic() - float(received["coins"][0]["price"])


@pytest_asyncio.fixture
async def narrow(port: int) -> AsyncIterator[ClientConnection]:
    """Yield a browser of which the kernel buffers as little as it can be made to."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    async with ticker(port, sock=raw, max_queue=1) as browser:
        yield browser
        browser.transport.abort()  # to say goodbye would be to read all that is there


async def test_a_reader_at_a_tenth_of_the_rate_stays_near_the_newest(
    hub: Hub, narrow: ClientConnection
) -> None:
    """Nine tenths of the time is how far behind it would be without being held back."""
    start = time.monotonic()
    ages = []
    await answered(narrow)
    async with ticking(hub, every=0.02):
        while time.monotonic() - start < 3:
            ages.append(age(await answered(narrow)))
            await asyncio.sleep(0.2)

    assert statistics.median(ages[-5:]) < 0.9 * 3 / 3


async def test_a_reader_that_gets_slow_late_is_held_back_then(
    hub: Hub, narrow: ClientConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptopulse.live.audience.ASK_AFTER_FRAMES", 4)
    await answered(narrow)
    async with ticking(hub, every=0.02):
        start = time.monotonic()
        while time.monotonic() - start < 1:
            await answered(narrow)
        (client,) = hub.clients
        assert client.pace.speaks
        ages = []
        while time.monotonic() - start < 4:
            ages.append(age(await answered(narrow)))
            await asyncio.sleep(0.1)

    assert statistics.median(ages[-5:]) < 0.9 * 3 / 3


async def test_a_reader_that_stops_gets_the_newest_state_and_no_backlog(
    hub: Hub, narrow: ClientConnection
) -> None:
    async with ticking(hub, every=0.01):
        for _ in range(50):
            await answered(narrow)
        frames = hub.frames
        await asyncio.sleep(2)
        missed = hub.frames - frames
        received = [await answered(narrow)]
        while age(received[-1]) > 0.5:
            received.append(await answered(narrow))

    assert len(received) < missed / 2


async def test_a_page_that_answers_what_nobody_asked_is_closed(port: int, hub: Hub) -> None:
    async with ticker(port) as browser:
        number = (await frame(browser))["ack"]
        await browser.send(json.dumps({"ack": number}))
        for _ in range(consumers.MESSAGES_PER_MINUTE + 1):
            await browser.send(json.dumps({"ack": number}))

        assert await close_code(browser) == 4429


async def test_a_page_may_answer_as_often_as_it_is_asked(
    port: int, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptopulse.live.audience.ASK_EVERY", 0.0)
    async with ticker(port) as browser:
        await answered(browser)
        for number in range(3 * consumers.MESSAGES_PER_MINUTE):
            hub.receive(tick(str(200 + number), at=2000 + number))
            received = await answered(browser)

        assert received["coins"][0]["price"] == str(199 + 3 * consumers.MESSAGES_PER_MINUTE)


# --- Sets of coins ----------------------------------------------------------------------------


async def test_a_page_may_watch_a_few_coins_alone(port: int, hub: Hub) -> None:
    async with connect(
        f"ws://127.0.0.1:{port}/ws/ticker/?coins=ethereum", origin=Origin(ORIGIN), proxy=None
    ) as browser:
        first = await frame(browser)
        hub.receive(tick("101", at=2000))
        hub.receive(tick("11", at=2000, coin_id="ethereum"))
        second = await frame(browser)

    assert [coin["id"] for coin in first["coins"]] == ["ethereum"]
    assert [coin["price"] for coin in second["coins"]] == ["11"]


async def test_a_coin_that_there_is_not_is_refused_with_a_sentence(port: int, hub: Hub) -> None:
    async with connect(
        f"ws://127.0.0.1:{port}/ws/ticker/?coins=bitcoin,BTC", origin=Origin(ORIGIN), proxy=None
    ) as browser:
        assert await close_code(browser) == 4400

    assert browser.close_reason == "No coin has the id 'BTC'."
    await eventually(lambda: not visitors.seats._taken)
    assert not hub.clients


# --- Compression ------------------------------------------------------------------------------


def is_deflated(browser: ClientConnection) -> bool:
    return any(each.name == "permessage-deflate" for each in browser.protocol.extensions)


async def test_frames_are_compressed_for_who_can_take_it_and_read_the_same(
    hub: Hub, port: int, path: Any
) -> None:
    offers = [
        ClientPerMessageDeflateFactory(client_max_window_bits=True),  # as browsers do
        ClientPerMessageDeflateFactory(server_max_window_bits=9),  # gets plain frames
    ]
    async with AsyncExitStack() as stack:
        browsers = [
            await stack.enter_async_context(ticker(port, compression=None, extensions=[offer]))
            for offer in offers
        ]
        plain = await stack.enter_async_context(ticker(port, compression=None))
        for browser in (*browsers, plain):
            await answered(browser)
        for number in range(10):
            hub.receive(tick(str(200 + number), at=2000 + number))
            for browser in (*browsers, plain):
                assert (await answered(browser))["coins"][0]["price"] == str(200 + number)

        assert [is_deflated(browser) for browser in browsers] == 2 * [path[1] is RawClient]
        deflated = [each._takes_deflated for each in hub.clients if isinstance(each, RawClient)]
        assert sorted(deflated) == ([False, False, True] if deflated else [])


async def test_compression_can_be_switched_off(port: int, settings: Any) -> None:
    settings.TICKER_DEFLATE = False
    async with ticker(port, compression="deflate") as browser:
        assert not is_deflated(browser)
        assert (await frame(browser))["type"] == "snapshot"


async def test_a_page_sees_heartbeats_while_prices_are_silent(hub: Hub, port: int) -> None:
    async with ticker(port) as browser:
        await frame(browser)
        (client,) = hub.clients
        await hub._write(client.audience.heartbeat(), client.audience)

        assert (await frame(browser))["type"] == "heartbeat"
