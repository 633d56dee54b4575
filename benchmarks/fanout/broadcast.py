"""The peer: `websockets`, its `broadcast()`, on uvloop, without compression."""

from __future__ import annotations

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.fanout import server, ticks


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    open_ones: set[ServerConnection] = set()

    async def stay(connection: ServerConnection) -> None:
        open_ones.add(connection)
        try:
            await connection.wait_closed()
        finally:
            open_ones.discard(connection)

    listening = server.listener()
    async with serve(stay, sock=listening, compression=None):
        server.serving(listening)
        server.obey(
            ticks.texts,
            lambda tick: loop.call_soon_threadsafe(
                lambda: broadcast(open_ones, tick.json()),
            ),
        )
        await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main())
