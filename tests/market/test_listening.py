"""Listening: the best stream that speaks, the next one when it fails, and back without a gap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from market import failover
from market.feeds import FeedError
from market.quotes import Quote
from market.services import listening
from market.services.listening import Listener

from .scripted import quote
from .streams import BACKEND, Channel, ScriptedStream

pytestmark = pytest.mark.once

Channels = dict[str, Channel]


@pytest.fixture
def channels(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Channels:
    """Two exchanges, and back-offs a hundred times as short."""
    settings.FEEDS = {name: {"BACKEND": BACKEND} for name in ("coinbase", "kraken")}
    monkeypatch.setattr(failover, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(failover, "FIRST_PAUSE_ELSEWHERE", 0.3)
    monkeypatch.setattr(ScriptedStream, "channels", {"coinbase": Channel(), "kraken": Channel()})
    return ScriptedStream.channels


class Heard:
    """What a listener has brought."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.notes: list[tuple[str, str]] = []
        self.listener = Listener(["coinbase", "kraken"], take=self.quotes.extend, note=self.note)

    def start(self, *told: Quote) -> None:
        self.listener.use(["bitcoin", "ethereum"], told)
        self.task = asyncio.create_task(self.listener.follow())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def note(self, name: str, error: FeedError | None, again_in: float) -> None:
        self.notes.append((name, str(error or "well")))

    @property
    def sources(self) -> list[str]:
        return [one.source for one in self.quotes]


@pytest.fixture
async def heard(channels: Channels) -> AsyncIterator[Heard]:
    heard = Heard()
    yield heard
    await heard.end()
    assert not any(channel.lines for channel in channels.values()), "a line was left open"


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.005)


async def test_the_best_feed_is_listened_to_alone(channels: Channels, heard: Heard) -> None:
    heard.start()
    await eventually(lambda: channels["coinbase"].lines)
    channels["coinbase"].say(quote(source="coinbase"), quote("ethereum", source="coinbase"))
    await eventually(lambda: len(heard.quotes) == 2)
    assert heard.listener.current == "coinbase"
    assert channels["coinbase"].asked == [["bitcoin", "ethereum"]]
    assert channels["kraken"].asked == []


async def test_one_that_falls_is_tried_again_and_then_the_next_one(
    channels: Channels, heard: Heard
) -> None:
    heard.start()
    await eventually(lambda: channels["coinbase"].lines)
    channels["coinbase"].say(quote(source="coinbase"))
    channels["coinbase"].refusal = FeedError("coinbase refuses.")
    channels["coinbase"].fall(FeedError("coinbase closed the connection."))
    await eventually(lambda: channels["kraken"].lines)
    assert len(channels["coinbase"].asked) >= 2
    channels["kraken"].say(quote(source="kraken"))
    await eventually(lambda: heard.sources == ["coinbase", "kraken"])
    assert ("coinbase", "coinbase closed the connection.") in heard.notes
    assert ("kraken", "well") in heard.notes


async def test_a_country_that_is_not_served_sends_us_on_at_once(
    channels: Channels, heard: Heard
) -> None:
    channels["coinbase"].refusal = FeedError("Not from here (451).", elsewhere=True)
    heard.start()
    await eventually(lambda: channels["kraken"].lines)
    assert len(channels["coinbase"].asked) == 1


async def test_a_better_feed_takes_over_with_its_first_price(
    channels: Channels, heard: Heard
) -> None:
    channels["coinbase"].refusal = FeedError("Not now.", elsewhere=True)
    heard.start()
    await eventually(lambda: channels["kraken"].lines)
    channels["kraken"].say(quote(source="kraken"))
    channels["coinbase"].refusal = None
    await eventually(lambda: channels["coinbase"].lines)
    channels["kraken"].say(quote("ethereum", source="kraken"))  # still on air: no gap
    await eventually(lambda: heard.sources == ["kraken", "kraken"])
    channels["coinbase"].say(quote(source="coinbase"))
    await eventually(lambda: not channels["kraken"].lines)
    assert heard.listener.current == "coinbase"
    assert heard.sources == ["kraken", "kraken", "coinbase"]


async def test_a_disconnect_that_had_to_come_is_no_failure(
    channels: Channels, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    heard.start()
    await eventually(lambda: channels["coinbase"].lines)
    channels["coinbase"].say(quote(source="coinbase"))
    channels["coinbase"].fall(FeedError("A day is over.", retry_after=timedelta(0)))
    await eventually(lambda: len(channels["coinbase"].asked) == 2)
    assert heard.notes == [("coinbase", "well")]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (None, "coinbase ended without saying why."),
        (ZeroDivisionError("its own"), "coinbase broke: ZeroDivisionError: its own"),
    ],
)
async def test_a_feed_that_breaks_its_promise_is_one_that_fails(
    channels: Channels, heard: Heard, fault: Exception | None, sentence: str
) -> None:
    heard.start()
    await eventually(lambda: channels["coinbase"].lines)
    channels["coinbase"].fall(fault)
    await eventually(lambda: heard.notes)
    assert heard.notes == [("coinbase", sentence)]


async def test_a_feed_that_connects_and_says_nothing_is_given_up(
    channels: Channels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "FIRST_PRICE_WITHIN", 0.05)
    channels["coinbase"].refusal = FeedError("Not now.")
    heard.start()
    await eventually(lambda: channels["kraken"].lines)
    await eventually(
        lambda: ("kraken", "kraken is connected and has said nothing for too long.") in heard.notes
    )


async def test_a_feed_without_any_of_the_coins_is_passed_over(
    channels: Channels, heard: Heard
) -> None:
    channels["coinbase"].serves = set()
    heard.start()
    await eventually(lambda: channels["kraken"].lines)
    assert channels["coinbase"].asked == []


async def test_a_coin_that_is_added_is_listened_to(channels: Channels, heard: Heard) -> None:
    heard.start()
    await eventually(lambda: channels["coinbase"].lines)
    heard.listener.use(["bitcoin", "ethereum"], [])
    heard.listener.use(["bitcoin", "ethereum", "solana"], [])
    await eventually(lambda: len(channels["coinbase"].asked) == 2)
    assert channels["coinbase"].asked[-1] == ["bitcoin", "ethereum", "solana"]
    assert heard.notes == []


async def test_a_feed_is_told_the_prices_that_it_converts_with(
    channels: Channels, heard: Heard, settings: Settings
) -> None:
    settings.FEEDS = {
        name: {"BACKEND": BACKEND, "OPTIONS": {"needs": ["tether"]}}
        for name in ("coinbase", "kraken")
    }
    tether = quote("tether", "0.999", source="coingecko")
    heard.start(tether, quote(source="coingecko"))
    await eventually(lambda: channels["coinbase"].lines)
    assert channels["coinbase"].told == [tether]
    later = quote("tether", "1.001", source="coingecko")
    heard.listener.use(["bitcoin", "ethereum"], [later])
    assert channels["coinbase"].told == [tether, later]


async def test_the_log_says_once_what_happened_however_often_it_is_tried(
    channels: Channels, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    for name, channel in channels.items():
        channel.refusal = FeedError(f"{name} cannot be reached.")
    heard.start()
    await eventually(lambda: len(heard.notes) >= 12)
    warnings = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert sorted(warnings) == [
        "feed coinbase: coinbase cannot be reached.",
        "feed kraken: kraken cannot be reached.",
    ]
