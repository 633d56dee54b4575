"""The two websockets: prices for everybody, events for one person."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import timezone

from accounts import services as accounts
from cryptopulse import limits

from .clients import Client, RawClient
from .coins import CoinsRefused, asked_coins
from .inbox import acknowledged_number
from .personal import group_of
from .portable import portable_client
from .protocol import EXTENSION, MAX_CLIENT_MESSAGE
from .ticker import hub
from .visitors import BAD_REQUEST, NOT_LOGGED_IN, TOO_MANY, Listener, listener_of, seats

logger = logging.getLogger(__name__)

#: Messages that a page may send in a minute; they are ignored, but not for free.
MESSAGES_PER_MINUTE = 30
MINUTE = 60.0
#: Seconds between two looks at whether a session still stands.
RECHECK_EVERY = 60.0

#: Seconds between two notes that connections are not counted now: thousands come back at once.
NOTE_EVERY = 60.0

#: RFC 6455: the message is too big.
TOO_BIG = 1009
#: Try again later: the way for events is broken.
TRY_LATER = 1013


class LimitedConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # the package has no types
    """A socket that speaks and hardly listens, one of so many per address."""

    _noted_at = -NOTE_EVERY  # of all of them

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one connection; whatever ends it, the seat is free again."""
        self._address = accounts.client_address(scope) or "unknown"
        self._seated = seats.take(self._address)
        self._minute = 0.0
        self._heard = 0
        self._closing = False
        try:
            await self.serve(scope, receive, send)
        finally:
            if self._seated:
                seats.give_back(self._address)
            await self.leave()

    async def serve(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Handle messages until the end, as Channels does."""
        await super().__call__(scope, receive, send)

    async def connect(self) -> None:
        await self.accept()  # a close code reaches the page only on an accepted socket
        if not self._seated or await self._connects_too_often():
            await self.close(TOO_MANY)
        else:
            await self.enter()

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close once; a second reason to close comes too late to matter."""
        if not self._closing:
            self._closing = True
            await super().close(code, reason)

    async def enter(self) -> None:
        """Start serving an accepted socket."""

    async def leave(self) -> None:
        """Let go of everything; also called when `enter` never was."""

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Ignore what the page says, unless it is too much."""
        now = time.monotonic()
        if now - self._minute > MINUTE:
            self._minute, self._heard = now, 0
        self._heard += 1
        if len(message.get("text") or message.get("bytes") or "") > MAX_CLIENT_MESSAGE:
            await self.close(TOO_BIG)
        elif self._heard > MESSAGES_PER_MINUTE:
            await self.close(TOO_MANY)

    async def _connects_too_often(self) -> bool:
        allowed = sync_to_async(limits.allowed, thread_sensitive=False)
        try:
            return await allowed("socket", self._address, timezone.now()) is not None
        except Exception as error:
            now = time.monotonic()
            if now - LimitedConsumer._noted_at >= NOTE_EVERY:
                LimitedConsumer._noted_at = now
                logger.warning("sockets are not limited now: %s", error)
            return False


class TickerConsumer(LimitedConsumer):
    """`/ws/ticker/`: a snapshot, then what moved. For everybody; no log-in, no database.

    `?coins=bitcoin,ethereum` for these alone (see `coins`).
    """

    channel_layer_alias = None
    client: Client | None = None

    async def enter(self) -> None:
        await hub.start()  # a server without lifespan has not done it
        try:
            coins = asked_coins(self.scope["query_string"], known=hub.board.entries)
        except CoinsRefused as refusal:
            await self.close(BAD_REQUEST, str(refusal))
            return
        audience = hub.audience(coins)
        connection = self.scope.get("extensions", {}).get(EXTENSION)
        if connection is not None:
            self.client = RawClient(connection["connection"], audience)
        else:
            self.client = portable_client(self.base_send, audience)
        hub.add(self.client)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Take an acknowledgement that is due; anything else counts, and too much is too much."""
        number = acknowledged_number(message.get("text") or "")
        if number is None or self.client is None or not self.client.acknowledged(number):
            await super().websocket_receive(message)

    async def leave(self) -> None:
        if self.client is not None:
            hub.discard(self.client)

    async def serve(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Handle messages of this one source, without Channels' task for each of several.

        Nor with its hop to a thread, at each message, that looks after the database.
        """
        self.scope, self.base_send, self.channel_layer = scope, send, None
        with suppress(StopConsumer):
            while True:
                message = await receive()
                await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:  # noqa: ARG002
        """End, again without a look at the database."""
        raise StopConsumer


class PersonalConsumer(LimitedConsumer):
    """`/ws/me/`: a person's own events. Ends when the session, the role or the account does."""

    listener: Listener | None = None
    recheck: asyncio.Task[None] | None = None
    _session_key: str | None = None

    async def enter(self) -> None:
        self._session_key = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        found = await self._look_up()
        if isinstance(found, int):
            await self.close(found)
            return
        self.listener = found
        try:
            await self.channel_layer.group_add(group_of(found.user_id), self.channel_name)
        except Exception as error:
            logger.warning("personal events cannot be received now: %s", error)
            await self.close(TRY_LATER)
            return
        # Whoever was suspended while we joined the group is seen here; later we hear of it.
        if await self._still_stands():
            self.recheck = asyncio.create_task(self._keep_checking())

    async def leave(self) -> None:
        if self.recheck is not None:
            self.recheck.cancel()
        if self.listener is not None:
            await self.channel_layer.group_discard(
                group_of(self.listener.user_id), self.channel_name
            )

    async def personal_event(self, message: dict[str, Any]) -> None:
        """Pass on an event (see `personal.send_personal`)."""
        if not self._closing:
            await self.send(text_data=json.dumps(message["event"]))

    async def personal_close(self, message: dict[str, Any]) -> None:
        """End it, if it is this session that is meant (see `personal.close_personal`)."""
        mark = message["session_mark"]
        if self.listener is not None and mark in (None, self.listener.session_mark):
            await self.close(message["code"])

    async def _keep_checking(self) -> None:
        """Notice what nobody told us: a session that ran out or was deleted, a changed password."""
        pause = RECHECK_EVERY * random.uniform(0.8, 1.2)  # noqa: S311 (jitter, not a secret)
        stands = True
        while stands:
            await asyncio.sleep(pause)
            try:
                stands = await self._still_stands()
            except Exception:
                logger.exception("a session cannot be looked at now; trying again")

    async def _still_stands(self) -> bool:
        found = await self._look_up()
        if found == self.listener:
            return True
        await self.close(found if isinstance(found, int) else NOT_LOGGED_IN)
        return False

    @database_sync_to_async
    def _look_up(self) -> Listener | int:
        return listener_of(self._session_key)


class NowhereConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # the package has no types
    """Any other path: refused before it is accepted."""

    channel_layer_alias = None

    async def connect(self) -> None:
        await self.close()
