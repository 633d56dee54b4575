"""The peer: Channels as its tutorial has it: a group, the layer in memory, `send_json` by each.

On the same server and loop as the product, without compression.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

from benchmarks.fanout import server, ticks

GROUP = "ticker"


class Ticker(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # the package has no types
    """One browser."""

    groups = [GROUP]

    async def tick(self, event: dict[str, Any]) -> None:
        """Pass a tick on."""
        await self.send_json(event["tick"])


def main() -> None:
    """Serve until standard input ends."""
    settings.configure(
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        USE_TZ=True,
    )
    import django

    django.setup()
    listening = server.listener()
    application = ProtocolTypeRouter({"websocket": Ticker.as_asgi()})
    config = uvicorn.Config(
        application,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="error",
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(uvicorn.Server(config), listening))


async def _serve(serving: uvicorn.Server, listening: Any) -> None:
    loop = asyncio.get_running_loop()
    layer = get_channel_layer()

    def go(tick: ticks.Text) -> None:
        message = {"type": "tick", "tick": tick.stamped()}
        asyncio.run_coroutine_threadsafe(layer.group_send(GROUP, message), loop)

    server.obey(ticks.texts, go)
    server.serving(listening)
    await serving.serve(sockets=[listening])


if __name__ == "__main__":
    main()
