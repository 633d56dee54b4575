"""Peers that ask and never read: over real sockets, what the server buffers for them is bounded."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.typing import Origin

from cryptopulse.live import consumers, protocol
from cryptopulse.live.hub import Hub
from cryptopulse.live.protocol import HubProtocol
from cryptopulse.live.routing import websocket_application

from .conftest import eventually, served

PING = b"\x89\x80\0\0\0\0"  # masked, empty
LONG_PING = b"\x89\xfd\0\0\0\0" + b"x" * 125


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[HubProtocol]:
    """Return the server's ends of the connections, as they are made."""
    made: list[HubProtocol] = []
    connected = HubProtocol.connection_made

    def note(self: HubProtocol, transport: asyncio.BaseTransport) -> None:
        connected(self, transport)
        made.append(self)

    monkeypatch.setattr(HubProtocol, "connection_made", note)
    return made


@pytest_asyncio.fixture
async def port(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(consumers, "hub", hub)
    async with served(websocket_application(), ws=HubProtocol) as port:
        yield port


async def deaf_peer(port: int) -> socket.socket:
    """Shake hands as a browser does, and read nothing from then on."""
    loop = asyncio.get_running_loop()
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    peer.setblocking(False)
    await loop.sock_connect(peer, ("127.0.0.1", port))
    lines = [
        "GET /ws/ticker/ HTTP/1.1",
        f"Host: localhost:{port}",
        f"Origin: http://localhost:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    await loop.sock_sendall(peer, "\r\n".join([*lines, "", ""]).encode())
    assert (await loop.sock_recv(peer, 12)).startswith(b"HTTP/1.1 101")
    return peer


async def flood(peer: socket.socket, frames: int, frame: bytes) -> bool:
    """Send so many frames; tell whether the server ended it before all were sent."""
    loop = asyncio.get_running_loop()
    try:
        for _ in range(frames // 100):
            await asyncio.wait_for(loop.sock_sendall(peer, frame * 100), 5)
    except OSError:
        return True
    return False


@pytest.mark.parametrize("frame", [PING, LONG_PING])
async def test_a_flood_of_pings_ends_the_connection_and_fills_no_buffer(
    port: int, connections: list[HubProtocol], frame: bytes
) -> None:
    peer = await deaf_peer(port)
    await eventually(lambda: connections)
    with peer:
        await flood(peer, 20_000, frame)
        await eventually(lambda: connections[0].disconnected)

    assert connections[0].transport.get_write_buffer_size() == 0


async def test_a_peer_that_reads_nothing_gets_no_pong_into_a_full_buffer(
    port: int, connections: list[HubProtocol]
) -> None:
    with await deaf_peer(port) as peer:
        await eventually(lambda: connections)
        connections[0].write(bytes(8_000_000))  # more than the kernel takes
        assert not connections[0].is_writable()
        await asyncio.get_running_loop().sock_sendall(peer, PING)

        await eventually(lambda: connections[0].disconnected)


async def test_a_few_pings_are_answered(port: int) -> None:
    async with connect(
        f"ws://127.0.0.1:{port}/ws/ticker/", origin=Origin("http://localhost"), proxy=None
    ) as browser:
        for _ in range(protocol.PINGS_PER_MINUTE):
            await asyncio.wait_for(await browser.ping(), 5)


async def test_a_silent_peer_that_reads_nothing_is_gone_after_the_keepalive(
    port: int, connections: list[HubProtocol]
) -> None:
    with await deaf_peer(port):
        await eventually(lambda: connections)
        connections[0].write(bytes(8_000_000))
        connections[0].keepalive_timeout()

        await eventually(lambda: connections[0].disconnected)


async def test_a_peer_that_says_goodbye_and_reads_nothing_is_gone_in_time(
    port: int, connections: list[HubProtocol]
) -> None:
    with await deaf_peer(port) as peer:
        await eventually(lambda: connections)
        connections[0].close_timeout = 0.05
        connections[0].write(bytes(8_000_000))
        await asyncio.get_running_loop().sock_sendall(peer, b"\x88\x80\0\0\0\0")

        await eventually(lambda: connections[0].disconnected)
