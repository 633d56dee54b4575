"""Whatever ticks come: browsers end with the newest, and the database with every extreme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptopulse.live.board import Board, Entry, decimal_text, encode_quotes
from market.conflation import MOST_MINUTES, STORE_EVERY, Conflator
from market.quotes import Quote
from tests.conftest import NOW

from .feed_support import unhurried as unhurried_by_others
from .scripted import quote

pytestmark = pytest.mark.once

START = NOW - timedelta(minutes=3)
COINS = ("bitcoin", "ethereum")


def tick(milliseconds: int, price: Any, coin_id: str = "bitcoin", **more: Any) -> Quote:
    at = START + timedelta(milliseconds=milliseconds)
    return quote(coin_id, str(price), at, "coinbase", **more)


def prices(quotes: Iterable[Quote]) -> list[int]:
    return [int(one.price) for one in quotes]


# --- Sentences ------------------------------------------------------------------------------------


def test_a_wick_between_two_writes_is_stored_in_its_place() -> None:
    conflator = Conflator()
    conflator.add([tick(n, price) for n, price in enumerate((100, 101, 80, 99, 130, 102, 103))])
    assert prices(conflator.take_for_browsers()) == [103]
    assert prices(conflator.take_for_database(0.0)) == [100, 80, 130, 103]


def test_a_coin_is_written_once_a_second_and_another_at_once() -> None:
    conflator = Conflator()
    conflator.add([tick(0, 1)])
    assert conflator.due_in(10.0) == 0
    assert prices(conflator.take_for_database(10.0)) == [1]
    conflator.written(10.2)
    conflator.add([tick(5, 2), tick(6, 3, "ethereum")])
    assert conflator.due_in(10.3) == 0
    assert prices(conflator.take_for_database(10.3)) == [3]
    conflator.written(10.3)
    assert conflator.due_in(10.4) == pytest.approx(0.8)
    assert conflator.take_for_database(11.1) == []
    conflator.written(11.1)
    assert prices(conflator.take_for_database(11.2)) == [2]


def test_a_sweep_of_one_moment_ends_at_its_last_price_and_keeps_its_low() -> None:
    conflator = Conflator()
    conflator.add([tick(7, price) for price in (100, 95, 99)])
    stored = conflator.take_for_database(0.0)
    assert prices(stored) == [100, 95, 99]
    assert [one.price_at - stored[0].price_at for one in stored] == [
        timedelta(microseconds=n) for n in range(3)
    ]
    conflator.written(0.0)
    conflator.add([tick(7, 97)])  # the rest of it comes after the write
    (late,) = conflator.take_for_database(2.0)
    assert late.price_at > stored[-1].price_at


def test_a_late_tick_moves_no_screen_and_completes_its_candle() -> None:
    conflator = Conflator()
    conflator.add([tick(90_000, 100)])
    conflator.take_for_browsers()
    conflator.take_for_database(0.0)
    conflator.written(0.0)
    conflator.add([tick(1_000, 90)])
    assert conflator.take_for_browsers() == []
    assert conflator.take_for_database(5.0) == [tick(1_000, 90)]


def test_what_was_not_written_goes_out_with_what_came_since() -> None:
    conflator = Conflator()
    conflator.add([tick(0, 100), tick(1, 80), tick(2, 100)])
    conflator.take_for_database(0.0)
    conflator.add([tick(3, 120), tick(4, 110)])
    conflator.not_written()
    assert prices(conflator.take_for_database(0.1)) == [100, 80, 120, 110]


def test_a_repeated_tick_is_no_news() -> None:
    conflator = Conflator()
    assert conflator.add([tick(0, 100)])
    assert not conflator.add([tick(0, 100)])


def test_volumes_add_up_in_the_last_tick() -> None:
    conflator = Conflator()
    conflator.add([tick(n, price, volume=Decimal(2)) for n, price in enumerate((5, 4, 6, 5))])
    stored = conflator.take_for_database(0.0)
    assert [one.volume for one in stored] == [None, None, None, Decimal(8)]


def test_a_long_outage_keeps_half_an_hour_of_minutes_and_every_extreme() -> None:
    conflator = Conflator()
    for minute in range(10 * MOST_MINUTES):
        conflator.add([tick(minute * 60_000, price=1000 + minute % 7)])
    conflator.add([tick(4 * 60_000 + 5, 1), tick(5 * 60_000 + 5, 9999)])
    stored = conflator.take_for_database(0.0)
    assert len(stored) <= 4 * MOST_MINUTES + 2
    assert {1, 9999} <= set(prices(stored))


def test_only_one_batch_is_out_at_a_time() -> None:
    conflator = Conflator()
    conflator.add([tick(0, 1)])
    conflator.take_for_database(0.0)
    with pytest.raises(RuntimeError, match="not been written"):
        conflator.take_for_database(9.0)


# --- Properties -----------------------------------------------------------------------------------

unhurried = settings(unhurried_by_others, max_examples=50)

#: Two seconds around the turn of a minute; several ticks share a millisecond, some come late.
ticks = st.builds(
    tick,
    st.integers(59_000, 61_000),
    st.integers(1, 500),
    st.sampled_from(COINS),
)
#: What happens: ticks come, time passes, a write succeeds or fails.
events = st.lists(
    st.one_of(
        st.lists(ticks, min_size=1, max_size=6),
        st.floats(0.01, 1.5),
        st.sampled_from(["browsers", "written", "failed"]),
    ),
    max_size=40,
)


class Told:
    """Takes part in a run of events and keeps what each side has been told."""

    def __init__(self) -> None:
        self.conflator = Conflator()
        self.now = 100.0
        self.came: dict[str, list[Quote]] = defaultdict(list)
        self.written_at: dict[str, list[float]] = defaultdict(list)
        self.stored: dict[str, list[Quote]] = defaultdict(list)
        self.board = Board(stale_after=300)
        self.board.load([entry(coin_id) for coin_id in COINS])

    def play(self, events: list[Any]) -> None:
        for event in [*events, "browsers", 5.0, "written"]:
            if isinstance(event, list):
                self.conflator.add(event)
                for one in event:
                    self.came[one.coin_id].append(one)
            elif isinstance(event, float):
                self.now += event
            elif event == "browsers":
                self.board.merge(encode_quotes(self.conflator.take_for_browsers()))
            else:
                self.store(succeeds=event == "written")

    def store(self, *, succeeds: bool) -> None:
        batch = self.conflator.take_for_database(self.now)
        if not succeeds:
            self.conflator.not_written()
            return
        for coin_id in {one.coin_id for one in batch}:
            self.written_at[coin_id].append(self.now)
        for one in batch:
            self.stored[one.coin_id].append(one)
        self.conflator.written(self.now)


def entry(coin_id: str) -> Entry:
    return Entry(
        id=coin_id, symbol="", name="", rank=None, price=None, at=0, change_24h=None, source=""
    )


def newest(came: list[Quote]) -> Quote:
    """Return the tick of the latest time; of those of one moment the last that came."""
    return max(enumerate(came), key=lambda pair: (pair[1].price_at, pair[0]))[1]


def candles(quotes: list[Quote]) -> dict[datetime, tuple[Decimal, Decimal, Decimal, Decimal]]:
    """Return the open, high, low and close of each minute."""
    minutes: dict[datetime, list[Quote]] = defaultdict(list)
    for one in quotes:
        minutes[one.price_at.replace(second=0, microsecond=0)].append(one)
    found = {}
    for minute, ordered in minutes.items():
        ordered.sort(key=lambda one: one.price_at)
        rates = [one.price for one in ordered]
        found[minute] = (rates[0], max(rates), min(rates), rates[-1])
    return found


@unhurried
@given(events=events)
def test_the_last_thing_on_every_screen_is_the_newest_tick(events: list[Any]) -> None:
    told = Told()
    told.play(events)
    for coin_id, came in told.came.items():
        assert told.board.entries[coin_id].price == decimal_text(newest(came).price)


@unhurried
@given(events=events)
def test_nothing_is_written_twice_within_a_second(events: list[Any]) -> None:
    told = Told()
    told.play(events)
    for moments in told.written_at.values():
        assert all(after - before >= STORE_EVERY for before, after in pairwise(moments))


@unhurried
@given(events=events)
def test_every_minute_keeps_its_open_high_low_and_close(events: list[Any]) -> None:
    told = Told()
    told.play(events)
    for coin_id, came in told.came.items():
        expected, found = candles(came), candles(told.stored[coin_id])
        assert expected.keys() == found.keys()
        for minute, (_, high, low, close) in expected.items():
            assert found[minute][1:3] == (high, low)
            if minute == max(expected):
                assert found[minute][3] == close == newest(came).price


@unhurried
@given(came=st.lists(ticks, min_size=1, max_size=30, unique_by=lambda one: one.price_at))
def test_ticks_in_order_leave_exact_candles(came: list[Quote]) -> None:
    came = [one for one in sorted(came, key=lambda one: one.price_at) if one.coin_id == "bitcoin"]
    told = Told()
    told.play(
        [
            [
                one,
            ]
            for one in came[: len(came) // 2]
        ]
        + ["written", 1.2]
        + [came[len(came) // 2 :] or 0.1]
    )
    assert candles(told.stored["bitcoin"]) == candles(came)


@unhurried
@given(events=events)
def test_the_newest_tick_is_later_than_all_that_is_stored(events: list[Any]) -> None:
    """The database tells by its time what moves a coin."""
    told = Told()
    told.play(events)
    for coin_id, came in told.came.items():
        stored = sorted(told.stored[coin_id], key=lambda one: one.price_at)
        assert stored[-1].price == newest(came).price
        assert all(one.price_at < stored[-1].price_at for one in stored[:-1])
