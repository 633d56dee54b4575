"""How a tick gets from the process that fetched it to the hub of every web process.

With REDIS_URL by publish and subscribe, else within the process. Nothing is kept for those who do
not listen: what an outage loses, the hub reads from the database afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import random
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from .hub import Hub

logger = logging.getLogger(__name__)

#: Seconds: a tick must not wait for a Redis that does not answer; the next tick is on its way.
TIMEOUT = 2.0
#: Seconds of silence after which the connection is tried, and after which it counts as dead.
SILENCE = 10.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


def tick_channel(url: str) -> str:
    """Return the channel's name; Redis numbers databases, but channels are common to them all."""
    return f"cryptopulse:{urlsplit(url).path.strip('/') or '0'}:ticks"


@lru_cache(maxsize=4)
def _publisher(url: str) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 1),  # once: the connection may have died while idle
    )


def publish(payload: str, *, hub: Hub) -> None:
    """Send a tick to every web process, from any thread. Never raises for a Redis that is away."""
    if not settings.REDIS_URL:
        hub.post(payload)
        return
    from redis.exceptions import RedisError

    try:
        _publisher(settings.REDIS_URL).publish(tick_channel(settings.REDIS_URL), payload)
    except (RedisError, OSError) as error:
        logger.warning("a tick did not reach Redis: %s", error)


async def listen(hub: Hub) -> None:
    """Bring the ticks of all processes to this process's hub; connect again for ever."""
    from redis.exceptions import RedisError

    failures = 0
    while True:
        try:
            async for payload in _ticks(settings.REDIS_URL):
                if payload is None:
                    if failures:
                        logger.warning("Redis answers again")
                    failures = 0
                    hub.refresh()
                else:
                    hub.receive(payload)
        except (RedisError, OSError, TimeoutError) as error:
            failures += 1
            if failures == 1:
                logger.warning("no ticks from Redis, trying again: %s", error)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter, not a secret)


async def _ticks(url: str) -> Any:
    """Yield None once subscribed, then every tick. Raises when the connection is dead.

    A connection that was cut without a word (a firewall, a fail-over) shows only by asking.
    """
    from redis.asyncio import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT,
        socket_timeout=TIMEOUT,  # of the greeting; waiting for ticks has its own
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),  # we connect again ourselves, to know what may be missing
    )
    async with client, client.pubsub() as pubsub:
        await pubsub.subscribe(tick_channel(url))
        asked = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE)
            if message is None:
                if asked:
                    raise TimeoutError("Redis is silent")
                await pubsub.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":
                yield None
            elif message["type"] == "message":
                yield message["data"].decode()
