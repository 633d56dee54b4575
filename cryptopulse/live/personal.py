"""Events for one person's open pages: something fired, was traded, or their session is over.

They are news, not records: what they tell is in the database, and a page that missed one finds it
there. So nothing here raises when the way to the browser is broken.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .layer import OneProcessLayer

logger = logging.getLogger(__name__)

_tasks: set[asyncio.Task[None]] = set()


def group_of(user_id: uuid.UUID) -> str:
    """Return the name of the group that holds all open pages of a person."""
    return f"user.{user_id.hex}"


def send_personal(user_id: uuid.UUID, event: dict[str, Any]) -> None:
    """Show an event on every open page of this person, whichever process holds it.

    `event` is what the page gets: `{"type": "alert" | "trade" | "notification", "id", "title",
    "body", "url", "at"}`, JSON values only.
    """
    _send(user_id, {"type": "personal.event", "event": event})


def close_personal(user_id: uuid.UUID, *, code: int, session_mark: str | None = None) -> None:
    """Close this person's open pages' sockets with this code; with a mark, one session's only."""
    _send(user_id, {"type": "personal.close", "code": code, "session_mark": session_mark})


def _send(user_id: uuid.UUID, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    group = group_of(user_id)
    if isinstance(layer, OneProcessLayer):
        layer.post(group, message)
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        async_to_sync(_send_quietly)(layer, group, message)
    else:
        task = loop.create_task(_send_quietly(layer, group, message))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


async def _send_quietly(layer: Any, group: str, message: dict[str, Any]) -> None:
    try:
        await layer.group_send(group, message)
    except Exception as error:
        logger.warning("a personal event did not reach the browser: %s", error)
