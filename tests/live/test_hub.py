"""The hub writes one frame per tick to everybody; who lags gets the newest state, no backlog.

Every test about clients runs with both kinds: the portable task and the raw connection.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from cryptopulse.live import hub as hub_module
from cryptopulse.live.clients import Client, RawClient, TaskClient
from cryptopulse.live.frames import probe_frame, text_frame
from cryptopulse.live.hub import Hub

from .conftest import Stored, entry, eventually, tick


class Browser:
    """Stands where a browser's socket would, and may stop reading."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.watcher: RawClient | None = None
        self.is_open = True
        self._reads = asyncio.Event()
        self._reads.set()

    # What a TaskClient needs: it is told by waiting.
    async def send(self, event: dict[str, str]) -> None:
        await self._reads.wait()
        self.frames.append(json.loads(event["text"]))

    # What a RawClient needs: it asks.
    def can_take_frames(self) -> bool:
        return self.is_open

    def is_writable(self) -> bool:
        return self._reads.is_set()

    def write(self, data: bytes) -> None:
        text = data[data.index(b"{") : data.rindex(b"}") + 1].decode()
        self.frames.append(json.loads(text))

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_again(self) -> None:
        self._reads.set()
        if self.watcher is not None:
            self.watcher.caught_up()

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]


@pytest.fixture(params=["task", "raw"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def frames_sent(hub: Hub, number: int) -> None:
    await eventually(lambda: hub.frames == number)


async def frames_of(browser: Browser, number: int) -> None:
    await eventually(lambda: len(browser.frames) == number)


def connect(hub: Hub, browser: Browser, kind: str) -> Client:
    """Bring a browser to the hub as the consumer does."""
    client: Client = (
        RawClient(browser, hub.snapshot)
        if kind == "raw"
        else TaskClient(browser.send, hub.snapshot)
    )
    hub.add(client)
    return client


async def test_a_client_first_gets_a_snapshot_then_ticks(hub: Hub, kind: str) -> None:
    browser = Browser()
    connect(hub, browser, kind)
    await eventually(lambda: browser.frames)

    hub.receive(tick("101", at=2000))
    await eventually(lambda: len(browser.frames) == 2)

    assert browser.types == ["snapshot", "tick"]
    assert [coin["id"] for coin in browser.frames[0]["coins"]] == ["bitcoin", "ethereum"]
    assert [coin["id"] for coin in browser.frames[1]["coins"]] == ["bitcoin"]


async def test_everybody_gets_the_same_frame(hub: Hub, kind: str) -> None:
    browsers = [Browser() for _ in range(3)]
    for browser in browsers:
        connect(hub, browser, kind)
    await eventually(lambda: all(browser.frames for browser in browsers))

    hub.receive(tick("101", at=2000))
    await eventually(lambda: all(len(browser.frames) == 2 for browser in browsers))

    assert browsers[0].frames[1] == browsers[1].frames[1] == browsers[2].frames[1]
    assert hub.frames == 1


async def test_who_does_not_read_gets_the_newest_state_and_no_backlog(hub: Hub, kind: str) -> None:
    slow, quick = Browser(), Browser()
    connect(hub, slow, kind)
    connect(hub, quick, kind)
    await eventually(lambda: slow.frames and quick.frames)
    slow.stop_reading()

    for number in range(50):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_of(quick, number + 2)
    slow.read_again()
    await eventually(lambda: slow.frames[-1]["coins"][0]["price"] == "249")

    # The portable way has one frame under way already when the reader stops.
    assert len(slow.frames) <= 3
    assert slow.frames[-1]["type"] == "snapshot"
    hub.receive(tick("300", at=5000))
    await eventually(lambda: slow.frames[-1]["coins"][0]["price"] == "300")
    assert slow.types[-1] == "tick"


async def test_who_left_gets_nothing_more(hub: Hub, kind: str) -> None:
    browser = Browser()
    client = connect(hub, browser, kind)
    await eventually(lambda: browser.frames)
    hub.discard(client)

    hub.receive(tick("101", at=2000))
    await asyncio.sleep(0.05)

    assert browser.types == ["snapshot"]
    assert hub.clients == set()


async def test_a_tick_may_come_from_any_thread(hub: Hub, kind: str) -> None:
    browser = Browser()
    connect(hub, browser, kind)
    await eventually(lambda: browser.frames)

    threading.Thread(target=hub.post, args=(tick("101", at=2000),)).start()
    await eventually(lambda: len(browser.frames) == 2)

    assert browser.frames[1]["coins"][0]["price"] == "101"


async def test_ticks_that_come_together_become_one_frame(hub: Hub, kind: str) -> None:
    browser = Browser()
    connect(hub, browser, kind)
    await eventually(lambda: browser.frames)

    hub.receive(tick("101", at=2000))
    hub.receive(tick("11", at=2000, coin_id="ethereum"))
    hub.receive(tick("102", at=2001))
    await eventually(lambda: len(browser.frames) == 2)
    await asyncio.sleep(0.02)

    assert len(browser.frames) == 2
    assert {coin["id"]: coin["price"] for coin in browser.frames[1]["coins"]} == {
        "bitcoin": "102",
        "ethereum": "11",
    }


async def test_a_broken_client_does_not_stop_the_others(hub: Hub) -> None:
    async def fail(event: dict[str, str]) -> None:
        raise ConnectionResetError

    hub.add(TaskClient(fail, hub.snapshot))
    browser = Browser()
    connect(hub, browser, "task")

    hub.receive(tick("101", at=2000))
    await eventually(lambda: browser.frames and browser.frames[-1]["coins"][0]["price"] == "101")


async def test_nothing_is_written_to_a_closing_connection(hub: Hub) -> None:
    browser = Browser()
    connect(hub, browser, "raw")
    browser.is_open = False

    hub.receive(tick("101", at=2000))
    await asyncio.sleep(0.02)

    assert browser.types == ["snapshot"]


async def test_writing_to_thousands_of_sockets_lets_pages_in_between(hub: Hub) -> None:
    browsers = [Browser() for _ in range(3000)]
    for browser in browsers:
        connect(hub, browser, "raw")

    turns = 0
    hub.receive(tick("101", at=2000))
    while not all(len(browser.frames) == 2 for browser in browsers):
        await asyncio.sleep(0)
        turns += 1

    assert turns >= 3000 // hub_module.CHUNK


# --- Probes: what the kernel's buffers hide ---------------------------------------------------


async def test_a_reader_whose_pongs_are_late_is_held_back_until_they_come(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "PROBE_EVERY", 0.0)
    browser = Browser()
    client = connect(hub, browser, "raw")
    assert isinstance(client, RawClient)

    for number in range(20):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_sent(hub, number + 1)
    assert len(browser.frames) == 3  # the snapshot, and a tick for each probe it may owe

    assert client.answered(probe_frame(2)[2:])
    assert browser.types[-1] == "snapshot"
    assert browser.frames[-1]["coins"][0]["price"] == "219"


async def test_a_pong_of_the_servers_own_ping_is_not_taken(hub: Hub) -> None:
    client = connect(hub, Browser(), "raw")
    assert isinstance(client, RawClient)

    assert not client.answered(b"\1\2\3\4")


async def test_probes_travel_with_ticks_and_not_with_each(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    browser = Browser()
    monkeypatch.setattr(browser, "write", sent.append)
    connect(hub, browser, "raw")

    for number in range(3):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_sent(hub, number + 1)

    assert [data.count(b"cp\0") for data in sent] == [0, 1, 0, 0]
    assert sent[2] == text_frame(sent[2][sent[2].index(b"{") :].decode())


# --- The database heals what was missed -------------------------------------------------------


async def test_a_new_coin_in_a_tick_makes_the_hub_look_it_up(hub: Hub, stored: Stored) -> None:
    browser = Browser()
    connect(hub, browser, "raw")
    stored.entries.append(entry("dogecoin", price="0.3", rank=3))

    hub.receive(tick("0.31", at=2000, coin_id="dogecoin"))
    await eventually(lambda: len(browser.frames) == 2)

    assert browser.types[-1] == "snapshot"
    assert [coin["id"] for coin in browser.frames[-1]["coins"]][-1] == "dogecoin"


async def test_a_coin_that_stays_unknown_does_not_keep_the_database_busy(
    hub: Hub, stored: Stored
) -> None:
    for number in range(50):
        hub.receive(tick("1", at=2000 + number, coin_id="untracked"))
        await asyncio.sleep(0.002)

    assert stored.reads == 2  # at the start, and once more


async def test_ticks_lost_in_an_outage_are_healed_from_the_database(
    hub: Hub, stored: Stored
) -> None:
    browser = Browser()
    connect(hub, browser, "raw")
    stored.entries = [entry(price="250", at=9000), entry("ethereum", price="10", rank=2)]

    hub.refresh()
    await eventually(lambda: len(browser.frames) == 2)

    assert browser.frames[-1]["type"] == "snapshot"
    assert browser.frames[-1]["coins"][0]["price"] == "250"


async def test_a_database_that_is_away_at_the_start_is_asked_again(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "REFRESH_SOON", 0.01)
    stored.failure = ConnectionError("no database")
    hub = Hub(stale_after=300, load=stored.load)
    await hub.start()
    browser = Browser()
    connect(hub, browser, "raw")
    assert browser.frames[0]["coins"] == []

    stored.failure = None
    await eventually(lambda: len(browser.frames) == 2)
    await hub.stop()

    assert len(browser.frames[-1]["coins"]) == 2


async def test_silence_is_broken_by_a_heartbeat(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "HEARTBEAT_AFTER", 0.05)
    hub = Hub(stale_after=300, load=stored.load)
    await hub.start()
    browser = Browser()
    connect(hub, browser, "raw")
    await eventually(lambda: len(browser.frames) >= 3)
    await hub.stop()

    assert browser.types[-1] == "heartbeat"
    assert browser.frames[-1]["at"] == pytest.approx(time.time() * 1000, abs=5000)


# --- Life -------------------------------------------------------------------------------------


async def test_a_tick_that_cannot_be_read_is_dropped(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.receive("nonsense")

    assert "dropped a tick" in caplog.text
    assert hub.board.entries["bitcoin"].price == "100"


async def test_starting_twice_is_starting_once(hub: Hub, stored: Stored) -> None:
    await hub.start()

    assert stored.reads == 1


async def test_a_hub_may_start_again_after_it_stopped(hub: Hub) -> None:
    await hub.stop()
    assert not hub.is_running
    hub.post(tick("101", at=2000))  # nobody is there to see it

    await hub.start()
    browser = Browser()
    connect(hub, browser, "raw")
    hub.receive(tick("102", at=2001))
    await eventually(lambda: len(browser.frames) == 2)


def test_a_process_without_a_server_publishes_into_the_void(stored: Stored) -> None:
    Hub(stale_after=300, load=stored.load).post(tick("101", at=2000))
