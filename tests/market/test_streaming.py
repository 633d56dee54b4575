"""Running streams: shown at once, stored once a second, whatever feeds and database do."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from market import services as market
from market.feeds import FeedError
from market.models import Candle, Coin, FeedState
from market.quotes import Quote
from market.services import streaming
from market.services.lease import STREAM_LEASE
from market.services.prices import IngestResult
from market.signals import prices_ticked
from tests.conftest import make_coin

from .scripted import quote, values
from .streams import BACKEND, Channel, ScriptedStream

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("shared_database")]


def eventually(condition: Callable[[], Any], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def tick(price: str, coin_id: str = "bitcoin", *, at: datetime | None = None) -> Quote:
    return quote(coin_id, price, at or timezone.now(), "coinbase")


class Stage:
    """Two exchanges, the runners that a test starts, and what browsers are shown."""

    def __init__(self, coinbase: Channel, kraken: Channel) -> None:
        self.coinbase, self.kraken = coinbase, kraken
        self.shown: list[tuple[float, Quote]] = []
        self.writes: list[tuple[float, list[Quote]]] = []
        self.errors: list[BaseException] = []
        self._running: list[tuple[market.StreamRunner, threading.Thread]] = []

    def start(self) -> market.StreamRunner:
        runner = market.StreamRunner()
        thread = threading.Thread(target=self._run, args=(runner,), daemon=True)
        thread.start()
        self._running.append((runner, thread))
        return runner

    def _run(self, runner: market.StreamRunner) -> None:
        try:
            asyncio.run(runner.run())
        except market.MarketRejected as refusal:
            self.errors.append(refusal)
        finally:
            connections.close_all()

    def stop(self) -> None:
        while self._running:
            runner, thread = self._running.pop()
            runner.stop()
            thread.join(10)
            assert not thread.is_alive()
        time.sleep(0.05)  # the desks close their connections

    def listening(self) -> None:
        eventually(lambda: self.coinbase.lines)

    def prices(self) -> list[str]:
        return [str(one.price) for _, one in self.shown]


@pytest.fixture
def stage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """`coinbase` and `kraken` as the test plays them, before a CoinGecko that nobody asks."""
    settings.FEEDS = {
        "coinbase": {"BACKEND": BACKEND},
        "kraken": {"BACKEND": BACKEND},
        "coingecko": {"BACKEND": "tests.market.scripted.ScriptedFeed"},
    }
    settings.MARKET_FEEDS = ["coinbase", "kraken", "coingecko"]
    channels = {"coinbase": Channel(), "kraken": Channel()}
    monkeypatch.setattr(ScriptedStream, "channels", channels)
    for name, seconds in (("RENEW_EVERY", 0.1), ("COINS_EVERY", 0.2), ("CATALOGUE_WITHIN", 0.3)):
        monkeypatch.setattr(streaming, name, seconds)
    stage = Stage(channels["coinbase"], channels["kraken"])

    def show(*, quotes: list[Quote], **_: Any) -> None:
        stage.shown += [(time.monotonic(), one) for one in quotes]

    def ingest(**given: Any) -> IngestResult:
        stage.writes.append((time.monotonic(), given["quotes"]))
        return market.ingest(**given)

    monkeypatch.setattr(prices_ticked, "receivers", [])
    monkeypatch.setattr(streaming, "ingest", ingest)
    prices_ticked.connect(show)
    yield stage
    stage.stop()


@pytest.fixture
def live(stage: Stage) -> Stage:
    """A database of real prices with bitcoin, and a runner that listens."""
    make_coin(price=None, rank=1)
    earlier = timezone.now() - timedelta(seconds=90)
    market.ingest(quotes=[quote(price="100", at=earlier, source="coingecko")], now=timezone.now())
    stage.start()
    stage.listening()
    return stage


def test_a_tick_is_shown_and_stored(live: Stage) -> None:
    ticked = tick("101000.50")
    live.coinbase.say(ticked)
    eventually(lambda: Coin.objects.get().source == "coinbase")
    eventually(lambda: live.shown)
    coin = Coin.objects.get()
    assert (coin.last_price, coin.price_at) == (ticked.price, ticked.price_at)
    assert live.prices() == ["101000.50"]
    eventually(lambda: FeedState.objects.filter(name="coinbase").exclude(last_success_at=None))
    (state,) = market.feed_states()
    assert (state.name, state.failures, state.last_error) == ("coinbase", 0, "")


def test_a_wick_between_two_writes_reaches_candles_and_alerts(live: Stage) -> None:
    live.coinbase.say(tick("100"))
    eventually(lambda: live.writes)
    for price in ("101", "90", "100", "130", "105"):
        live.coinbase.say(tick(price))
        time.sleep(0.02)
    eventually(lambda: Coin.objects.get().last_price == 105)
    coin = Coin.objects.get()
    assert (coin.tick_low, coin.tick_high) == (90, 130)
    for resolution in ("1m", "5m", "1h", "1d"):
        found = Candle.objects.filter(resolution=resolution, source="coinbase")
        assert max(candle.high for candle in found) == 130
        assert min(candle.low for candle in found) == 90


def test_a_busy_coin_is_shown_often_and_written_once_a_second(live: Stage) -> None:
    end = time.monotonic() + 2.5
    number = 0
    while time.monotonic() < end:
        number += 1
        live.coinbase.say(tick(str(1000 + number)))
        time.sleep(0.02)
    eventually(lambda: Coin.objects.get().last_price == 1000 + number)
    eventually(lambda: live.prices()[-1] == str(1000 + number))
    assert len(live.writes) >= 2
    assert all(after - before >= 0.99 for (before, _), (after, _) in pairwise(live.writes))
    assert 5 <= len(live.shown) <= 16  # four times a second, fewer on a machine that is busy
    assert all(after - before >= 0.2 for (before, _), (after, _) in pairwise(live.shown))


def test_slow_storing_holds_up_no_screen(live: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(**given: Any) -> IngestResult:
        time.sleep(1.5)
        return market.ingest(**given)

    monkeypatch.setattr(streaming, "ingest", slow)
    for number in range(80):
        live.coinbase.say(tick(str(2000 + number)))
        time.sleep(0.02)
    gaps = [after - before for (before, _), (after, _) in pairwise(live.shown)]
    assert len(gaps) >= 4
    assert max(gaps) < 1.4


def test_a_database_that_is_away_loses_no_extreme(
    live: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_away = threading.Event()
    is_away.set()

    def ingest(**given: Any) -> IngestResult:
        if is_away.is_set():
            raise OperationalError("server closed the connection")
        return market.ingest(**given)

    monkeypatch.setattr(streaming, "ingest", ingest)
    for price in ("100", "70", "100", "160", "110"):
        live.coinbase.say(tick(price))
        time.sleep(0.3)
    eventually(lambda: live.prices()[-1] == "110")
    assert Coin.objects.get().source == "coingecko"
    is_away.clear()
    eventually(lambda: Coin.objects.get().last_price == 110)
    coin = Coin.objects.get()
    assert (coin.tick_low, coin.tick_high) == (70, 160)
    eventually(lambda: len(warnings(caplog)) == 2)
    assert warnings(caplog) == [
        "the database does not answer, prices are kept until it does: server closed the connection",
        "the database answers again",
    ]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage()
        for one in list(caplog.records)
        if one.levelno >= logging.WARNING and one.name.startswith("market.")
    ]


def test_what_came_last_is_stored_before_the_end(live: Stage) -> None:
    live.coinbase.say(tick("100"))
    eventually(lambda: len(live.writes) == 1)
    live.coinbase.say(tick("123"))  # not due for most of a second
    eventually(lambda: "123" in live.prices())
    live.stop()
    assert Coin.objects.get().last_price == 123
    assert FeedState.objects.get(name=STREAM_LEASE).next_fetch_at is None


def test_one_process_runs_and_the_next_takes_over_at_once(
    live: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "market"):
        first = live._running[0]
        live.start()
        eventually(lambda: "waits for its turn" in caplog.text)
        time.sleep(0.5)
        assert len(live.coinbase.lines) == 1
        live._running.remove(first)
        first[0].stop()
        first[1].join(10)
        live.listening()
        live.coinbase.say(tick("777"))
        eventually(lambda: Coin.objects.get().last_price == 777)
    assert caplog.text.count("waits for its turn") == 1


def test_who_lost_the_turn_stops_writing(live: Stage, caplog: pytest.LogCaptureFixture) -> None:
    other = timezone.now() + timedelta(seconds=60)
    FeedState.objects.filter(name=STREAM_LEASE).update(next_fetch_at=other)
    eventually(lambda: not live.coinbase.lines)
    assert "another process has taken over" in caplog.text
    FeedState.objects.filter(name=STREAM_LEASE).update(next_fetch_at=None)
    live.listening()
    live.coinbase.say(tick("778"))
    eventually(lambda: Coin.objects.get().last_price == 778)


def test_who_loses_the_turn_while_writing_goes_on_when_it_comes_again(
    live: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(**given: Any) -> IngestResult:
        time.sleep(0.4)
        return market.ingest(**given)

    monkeypatch.setattr(streaming, "ingest", slow)
    live.coinbase.say(tick("500"))
    eventually(lambda: live.prices() == ["500"])
    other = timezone.now() + timedelta(seconds=60)
    FeedState.objects.filter(name=STREAM_LEASE).update(next_fetch_at=other)
    eventually(lambda: not live.coinbase.lines)
    FeedState.objects.filter(name=STREAM_LEASE).update(next_fetch_at=None)
    live.listening()
    live.coinbase.say(tick("501"))
    eventually(lambda: Coin.objects.get().last_price == 501)


def test_a_database_that_is_away_at_the_start_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_coin(price=None)
    tries = []

    def origin() -> str | None:
        tries.append(1)
        if len(tries) < 5:
            raise OperationalError("connection refused")
        return market.origin()

    monkeypatch.setattr(streaming, "origin", origin)
    stage.start()
    stage.listening()
    assert warnings(caplog) == [
        "the database does not answer, prices are kept until it does: connection refused",
        "the database answers again",
    ]


def test_a_feed_that_converts_is_told_what_is_stored(stage: Stage, settings: Settings) -> None:
    needs = {"BACKEND": BACKEND, "OPTIONS": {"needs": ["tether"]}}
    settings.FEEDS = settings.FEEDS | {"coinbase": needs}
    at = timezone.now()
    make_coin("tether", price="0.9991", at=at, source="coingecko")
    stage.start()
    stage.listening()
    assert stage.coinbase.told[0] == quote("tether", "0.9991", at, "coingecko")


def test_an_exchange_that_falls_hands_over_to_the_next(live: Stage) -> None:
    live.coinbase.say(tick("100"))
    live.coinbase.refusal = FeedError("coinbase is not for us.", elsewhere=True)
    live.coinbase.fall(FeedError("coinbase is not for us.", elsewhere=True))
    eventually(lambda: live.kraken.lines)
    live.kraken.say(quote(price="99", at=timezone.now(), source="kraken"))
    eventually(lambda: Coin.objects.get().source == "kraken")
    eventually(lambda: FeedState.objects.filter(name="coinbase", failures=1).exists())
    assert FeedState.objects.get(name="coinbase").last_error == "coinbase is not for us."
    eventually(lambda: FeedState.objects.filter(name="kraken").exclude(last_success_at=None))


def test_a_coin_that_an_admin_adds_is_asked_for(live: Stage) -> None:
    make_coin("solana", price=None)
    eventually(lambda: live.coinbase.asked[-1] == ["bitcoin", "solana"])


def test_what_is_no_price_is_left_out_and_named_once(
    live: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    for price in ("0", "-1", "NaN", "Infinity"):
        live.coinbase.say(tick(price))
    live.coinbase.say(tick("1", at=tomorrow), tick("5"))
    eventually(lambda: Coin.objects.get().last_price == 5)
    assert live.prices() == ["5"]
    assert len(warnings(caplog)) == 1


def test_what_an_exchange_trades_is_not_the_markets_volume(live: Stage) -> None:
    Coin.objects.update(volume_24h=Decimal(9), market_cap=Decimal(8), rank=7)
    at = timezone.now()
    live.coinbase.say(quote(price="5", at=at, source="coinbase", volume_24h=Decimal(1),
                            market_cap=Decimal(1), rank=1, change_24h=Decimal("-2.5")))  # fmt: skip
    eventually(lambda: Coin.objects.get().last_price == 5)
    coin = Coin.objects.get()
    assert values(coin, "volume_24h market_cap rank") == (9, 8, 7)
    assert coin.change_24h == Decimal("-2.5")


def test_a_new_database_without_a_catalogue_begins_with_the_well_known_coins(
    stage: Stage,
) -> None:
    stage.start()
    stage.listening()
    assert "bitcoin" in stage.coinbase.asked[0]
    stage.coinbase.say(tick("100"))
    eventually(lambda: stage.shown)
    assert market.origin() == "real"
    assert Coin.objects.get(pk="bitcoin").last_price == 100


def test_a_simulated_database_streams_nothing(stage: Stage) -> None:
    make_coin(price=None)
    market.ingest(quotes=[quote()], now=timezone.now())
    stage.start()
    eventually(lambda: stage.errors)
    assert "holds simulated prices and refuses real ones" in str(stage.errors[0])
    assert stage.coinbase.asked == []


def test_without_a_stream_there_is_nothing_to_run(stage: Stage, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coingecko"]
    with pytest.raises(market.MarketRejected, match="names no stream") as refusal:
        market.StreamRunner()
    assert refusal.value.code == "no_stream"


def test_each_coin_is_written_at_its_own_pace(live: Stage) -> None:
    make_coin("solana", price=None)
    eventually(lambda: len(live.coinbase.asked) == 2)
    live.listening()
    for number in range(40):
        live.coinbase.say(tick(str(10 + number)), tick(str(500 + number), "solana"))
        time.sleep(0.04)
    live.stop()
    written = defaultdict(list)
    for at, quotes in live.writes[:-1]:  # the last one is the end's
        for coin_id in {one.coin_id for one in quotes}:
            written[coin_id].append(at)
    assert set(written) == {"bitcoin", "solana"}
    for moments in written.values():
        assert all(after - before >= 0.99 for before, after in pairwise(moments))
