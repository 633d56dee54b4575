"""Personal events within one process, from any thread."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from cryptopulse.live.layer import OneProcessLayer


@pytest.fixture
def layer() -> OneProcessLayer:
    return OneProcessLayer()


async def member(layer: OneProcessLayer, group: str = "user.1") -> str:
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


async def test_a_message_reaches_every_member_of_the_group(layer: OneProcessLayer) -> None:
    channels = [await member(layer), await member(layer)]
    await member(layer, "user.2")

    await layer.group_send("user.1", {"type": "personal.event", "event": 1})

    for channel in channels:
        assert await layer.receive(channel) == {"type": "personal.event", "event": 1}


async def test_a_waiting_receiver_is_woken_from_another_thread_at_once(
    layer: OneProcessLayer,
) -> None:
    channel = await member(layer)
    waiting = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0.01)

    threading.Thread(target=layer.post, args=("user.1", {"type": "x"})).start()

    assert await asyncio.wait_for(waiting, 1) == {"type": "x"}


async def test_the_layers_own_functions_may_be_called_from_another_loop(
    layer: OneProcessLayer,
) -> None:
    channel = await member(layer)
    message = {"type": "x"}

    await asyncio.to_thread(lambda: async_to_sync(layer.group_send)("user.1", message))

    assert await asyncio.wait_for(layer.receive(channel), 1) == message


async def test_one_receiver_may_not_change_anothers_message(layer: OneProcessLayer) -> None:
    first, second = await member(layer), await member(layer)
    await layer.group_send("user.1", {"type": "x", "n": 1})

    (await layer.receive(first))["n"] = 2

    assert (await layer.receive(second))["n"] == 1


async def test_who_does_not_read_loses_the_oldest_messages(layer: OneProcessLayer) -> None:
    channel = await member(layer)
    for number in range(150):
        layer.post("user.1", {"type": "x", "n": number})

    assert (await layer.receive(channel))["n"] == 50


async def test_nothing_is_left_of_consumers_that_ended(layer: OneProcessLayer) -> None:
    for _ in range(20):
        channel = await member(layer)
        waiting = asyncio.create_task(layer.receive(channel))
        await asyncio.sleep(0)
        layer.post("user.1", {"type": "x"})
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await layer.group_discard("user.1", channel)
        layer.post("user.1", {"type": "x"})

    assert (layer._messages, layer._groups, layer._waiting) == ({}, {}, {})


async def test_a_message_to_nobody_is_no_error(layer: OneProcessLayer) -> None:
    await layer.group_send("user.3", {"type": "x"})
    await layer.group_discard("user.3", "specific.one!x")


def test_a_process_without_receivers_sends_into_the_void(layer: OneProcessLayer) -> None:
    layer.post("user.1", {"type": "x"})
    async_to_sync(layer.send)("specific.one!x", {"type": "x"})


def test_a_new_loop_starts_with_an_empty_layer(layer: OneProcessLayer) -> None:
    """A server that is started again in the same process."""
    asyncio.run(member_only(layer))
    asyncio.run(member_only(layer))

    assert len(layer._groups["user.1"]) == 1
    layer.post("user.1", {"type": "x"})  # both loops are closed


async def member_only(layer: OneProcessLayer) -> None:
    await member(layer)


@pytest.mark.parametrize("name", ["", "user 1", "ü", "x" * 200, None])
async def test_a_bad_name_is_refused(layer: OneProcessLayer, name: Any) -> None:
    with pytest.raises(TypeError):
        await layer.group_send(name, {"type": "x"})
