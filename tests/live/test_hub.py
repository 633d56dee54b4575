"""The hub writes one frame per tick to everybody; who lags gets the newest state, no backlog.

Every test about clients runs with both kinds: the portable task and the raw connection.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import zlib
from typing import Any

import pytest

from cryptopulse.live import audience as audience_module
from cryptopulse.live import hub as hub_module
from cryptopulse.live import pace as pace_module
from cryptopulse.live.clients import Client, RawClient
from cryptopulse.live.frames import probe_frame, text_frame
from cryptopulse.live.hub import Hub
from cryptopulse.live.portable import SteppedClient, TaskClient

from .conftest import Stored, entry, eventually, tick


class Browser:
    """Stands where a browser's socket would, and may stop reading."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.watcher: RawClient | None = None
        self.client: Client | None = None
        self.takes_deflated = False
        self.is_open = True
        self.acknowledges = True
        self._reads = asyncio.Event()
        self._reads.set()

    # What a TaskClient needs: it is told by waiting.
    async def send(self, event: dict[str, str]) -> None:
        await self._reads.wait()
        self._read(event["text"])

    # What a RawClient needs: it asks.
    def can_take_frames(self) -> bool:
        return self.is_open

    def is_writable(self) -> bool:
        return self._reads.is_set()

    def write(self, data: bytes) -> None:
        self._read(data[data.index(b"{") : data.rindex(b"}") + 1].decode())

    def _read(self, text: str) -> None:
        frame = json.loads(text)
        self.frames.append(frame)
        if self.acknowledges and "ack" in frame:
            asyncio.get_running_loop().call_soon(self.acknowledge, frame["ack"])

    def acknowledge(self, number: int) -> None:
        assert self.client is not None
        assert self.client.acknowledged(number)

    def stop_reading(self) -> None:
        self._reads.clear()
        if self.watcher is not None:
            self.watcher.held()

    def read_again(self) -> None:
        self._reads.set()
        if self.watcher is not None:
            self.watcher.caught_up()

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]


@pytest.fixture(params=["task", "stepped", "raw"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def frames_sent(hub: Hub, number: int) -> None:
    await eventually(lambda: hub.frames == number)


async def frames_of(browser: Browser, number: int) -> None:
    await eventually(lambda: len(browser.frames) == number)


def connect(hub: Hub, browser: Browser, kind: str, *coins: str) -> Client:
    """Bring a browser to the hub as the consumer does."""
    audience = hub.audience(frozenset(coins) or None)
    client: Client
    if kind == "raw":
        client = RawClient(browser, audience)
    else:
        client = {"task": TaskClient, "stepped": SteppedClient}[kind](browser.send, audience)
    browser.client = client
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

    hub.add(TaskClient(fail, hub.audience()))
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


# --- Answers: what the kernel's buffers hide --------------------------------------------------


async def flowing(hub: Hub, browser: Browser) -> int:
    """Let a browser answer until everything flows; return the number of ticks that it took."""
    assert browser.client is not None
    ticks = 0
    while not browser.client.pace.is_flowing or not browser.client.pace.speaks:
        ticks += 1
        hub.receive(tick(str(100 + ticks), at=1000 + ticks))
        await frames_sent(hub, ticks)
        await asyncio.sleep(0.01)
    return ticks


async def test_a_reader_whose_answer_is_late_is_held_back_until_it_comes(
    hub: Hub, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_module, "ASK_EVERY", 0.0)
    monkeypatch.setattr(pace_module, "LATE", 0.1)
    browser = Browser()
    connect(hub, browser, kind)
    ticks = await flowing(hub, browser)
    browser.acknowledges = False
    received = len(browser.frames)

    for number in range(20):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_sent(hub, ticks + number + 1)
        await asyncio.sleep(0.02)

    # Those of the time until the answer was late; then nothing, whatever comes.
    assert len(browser.frames) < received + 10
    first = browser.frames[received]["ack"]
    browser.acknowledge(browser.frames[-1]["ack"])
    await eventually(lambda: browser.frames[-1]["coins"][0]["price"] == "219")
    hub.receive(tick("300", at=3000))
    await frames_sent(hub, ticks + 21)
    await asyncio.sleep(0.02)
    assert browser.frames[-1]["coins"][0]["price"] == "219"  # one at a time now
    assert browser.frames[-1]["ack"] > first


async def test_who_lags_gets_what_moved_meanwhile_and_not_what_did_not(hub: Hub, kind: str) -> None:
    browser = Browser()
    connect(hub, browser, kind)
    ticks = await flowing(hub, browser)
    browser.stop_reading()
    for number in range(5):
        hub.receive(tick(str(300 + number), at=3000 + number))
        await frames_sent(hub, ticks + number + 1)
    received = len(browser.frames)
    browser.read_again()
    await eventually(lambda: browser.frames[-1]["coins"][0]["price"] == "304")

    assert len(browser.frames) <= received + 2
    assert [coin["id"] for coin in browser.frames[-1]["coins"]] == ["bitcoin"]
    assert browser.types[-1] == "tick"


async def test_readers_that_lag_each_in_their_own_way_share_a_handful_of_frames(hub: Hub) -> None:
    audience = hub.audience()
    for number in range(200):
        hub.receive(tick(str(300 + number), at=3000 + number))
    newest = hub.board.number

    frames = {id(audience.catch_up(since)) for since in range(newest)}

    assert len(frames) <= 10
    assert all(audience.catch_up(since).number == newest for since in (-1, 0, newest - 1))


async def test_a_new_coin_reaches_those_who_lag_too(hub: Hub, stored: Stored) -> None:
    audience = hub.audience()
    hub.receive(tick("101", at=2000))
    since = hub.board.number
    stored.entries.append(entry("dogecoin", price="0.3", rank=3))
    hub.refresh()
    await eventually(lambda: "dogecoin" in hub.board.entries)

    assert json.loads(audience.catch_up(since).text)["type"] == "snapshot"


async def test_who_answers_pings_alone_is_judged_by_these(hub: Hub) -> None:
    browser = Browser()
    browser.acknowledges = False
    client = connect(hub, browser, "raw")
    assert isinstance(client, RawClient)
    for number in range(4):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_sent(hub, number + 1)
    assert browser.types == ["snapshot"]  # one at a time, until a pong says how quick it is

    assert client.answered(probe_frame(browser.frames[0]["ack"])[2:])
    assert browser.types == ["snapshot", "tick"]
    assert browser.frames[-1]["coins"][0]["price"] == "203"


async def test_a_pong_of_the_servers_own_ping_is_not_taken(hub: Hub) -> None:
    client = connect(hub, Browser(), "raw")
    assert isinstance(client, RawClient)

    assert not client.answered(b"\1\2\3\4")


async def test_questions_travel_with_ticks_and_not_with_each(hub: Hub) -> None:
    browser = Browser()
    connect(hub, browser, "raw")
    ticks = await flowing(hub, browser)
    received = len(browser.frames)

    for number in range(40):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await frames_sent(hub, ticks + number + 1)
    asked = sum("ack" in frame for frame in browser.frames[received:])

    assert 2 <= asked <= 4  # after sixteen frames, or after a second on a slow machine


async def test_pings_are_for_pages_that_do_not_answer_themselves(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    browser = Browser()
    write = browser.write

    def note(data: bytes) -> None:
        sent.append(data)
        write(data)

    monkeypatch.setattr(browser, "write", note)
    connect(hub, browser, "raw")
    await flowing(hub, browser)

    assert sent[0] == text_frame(sent[0][4:-8].decode()) + probe_frame(browser.frames[0]["ack"])
    assert not any(b"\x89\x06cp" in data for data in sent[1:])


async def test_who_agreed_to_compression_gets_the_same_bytes_as_all_who_did(hub: Hub) -> None:
    sent: list[bytes] = []

    class Deflating(Browser):
        def write(self, data: bytes) -> None:
            sent.append(data)

    browsers = [Deflating() for _ in range(2)]
    for browser in browsers:
        browser.takes_deflated = True
        client = connect(hub, browser, "raw")
        assert isinstance(client, RawClient)
        client.answered(probe_frame(hub.board.number)[2:])
    hub.receive(tick("101", at=2000))
    await eventually(lambda: len(sent) == 4)

    assert sent[2] == sent[3]
    head = 2 if sent[2][1] < 126 else 4
    packed = sent[2][head : sent[2].index(b"\x89\x06cp")]
    text = zlib.decompressobj(-15).decompress(packed + b"\0\0\xff\xff")
    assert json.loads(text)["coins"][0]["price"] == "101"


# --- Sets of coins ----------------------------------------------------------------------------


async def test_who_watches_a_set_gets_no_other_coin(hub: Hub, kind: str) -> None:
    browser = Browser()
    connect(hub, browser, kind, "ethereum")
    everything = Browser()
    connect(hub, everything, kind)
    await eventually(lambda: browser.frames and everything.frames)

    hub.receive(tick("101", at=2000))
    await frames_of(everything, 2)
    hub.receive(tick("11", at=2001, coin_id="ethereum"))
    await frames_of(everything, 3)
    await frames_of(browser, 2)

    assert [[coin["id"] for coin in frame["coins"]] for frame in browser.frames] == [
        ["ethereum"],
        ["ethereum"],
    ]


async def test_equal_sets_share_one_frame(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[set[str]] = []
    build = hub.board.tick

    def count(ids: set[str], **how: Any) -> str:
        made.append(set(ids))
        return build(ids, **how)

    for coins in (("bitcoin", "ethereum"), ("ethereum", "bitcoin"), ("bitcoin",)):
        for _ in range(5):
            hub.add(TaskClient(Browser().send, hub.audience(frozenset(coins))))
    await asyncio.sleep(0.02)
    monkeypatch.setattr(hub.board, "tick", count)
    hub.receive(tick("101", at=2000))
    await frames_sent(hub, 1)

    assert made == [{"bitcoin"}, {"bitcoin"}]


async def test_a_set_that_nobody_watches_any_more_is_forgotten(hub: Hub, kind: str) -> None:
    client = connect(hub, Browser(), kind, "ethereum")
    assert len(hub._audiences) == 1

    hub.discard(client)

    assert not hub._audiences


async def test_where_too_many_sets_are_watched_a_new_one_brings_everything(
    hub: Hub, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MOST_SETS", 1)
    connect(hub, Browser(), kind, "ethereum")
    connect(hub, Browser(), kind)
    browser = Browser()
    connect(hub, browser, kind, "bitcoin")
    await eventually(lambda: browser.frames)

    assert len(browser.frames[0]["coins"]) == 2
    assert len(hub._audiences) == 2


async def test_a_set_whose_coins_are_silent_hears_heartbeats_while_others_tick(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "HEARTBEAT_AFTER", 0.05)
    hub = Hub(stale_after=300, load=stored.load)
    await hub.start()
    browser = Browser()
    connect(hub, browser, "raw", "ethereum")
    for number in range(20):
        hub.receive(tick(str(200 + number), at=2000 + number))
        await asyncio.sleep(0.01)
    await hub.stop()

    assert set(browser.types[1:]) == {"heartbeat"}


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
