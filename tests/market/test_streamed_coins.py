"""A coin that a stream serves, and the feed that is asked beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from cryptopulse.atomic import in_chunks
from market import services as market
from market.feeds import FeedError
from market.models import Candle, Coin, FeedState
from market.quotes import Quote
from market.services.prices import (
    MINUTES_PER_CHUNK,
    ROWS_PER_CHUNK,
    STREAM_SERVES_FOR,
    _by_coin,
    _place,
    _rows,
)
from tests.conftest import NOW, make_coin

from .feed_support import unhurried
from .scripted import ScriptedFeed, quote, values
from .streams import BACKEND

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def streams(settings: Settings, feeds: type[ScriptedFeed]) -> type[ScriptedFeed]:
    """`coinbase` and `kraken` stream, `coingecko` is asked."""
    settings.FEEDS = settings.FEEDS | {
        name: {"BACKEND": BACKEND} for name in ("coinbase", "kraken")
    }
    settings.MARKET_FEEDS = ["coinbase", "kraken", "coingecko"]
    return feeds


def ingest(*quotes: Quote, now: datetime = NOW) -> market.IngestResult:
    return market.ingest(quotes=quotes, now=now)


ASKED = quote(
    price="99", at=NOW, source="coingecko", rank=3, market_cap=Decimal(5), volume_24h=Decimal(6),
    change_24h=Decimal(1), change_7d=Decimal(2), sparkline=[1.0, 2.0],
)  # fmt: skip


def test_the_feed_that_is_asked_describes_a_streamed_coin_and_does_not_move_it() -> None:
    make_coin(price=None)
    at = NOW - SECOND
    ingest(quote(price="100", at=at, source="coinbase", change_24h=Decimal(-3)))
    result = ingest(ASKED)
    assert result == market.IngestResult(moved=[], ignored=1)
    coin = Coin.objects.get()
    assert values(coin, "last_price price_at source change_24h") == (100, at, "coinbase", -3)
    assert values(coin, "rank market_cap volume_24h change_7d") == (3, 5, 6, 2)
    assert coin.sparkline == [1.0, 2.0]
    assert values(coin, "tick_low tick_high") == (100, 100)
    assert {candle.low for candle in Candle.objects.all()} == {100}


def test_a_stream_that_fell_silent_leaves_its_coins_to_the_feed_that_is_asked() -> None:
    make_coin(price=None)
    ingest(quote(price="100", at=NOW - STREAM_SERVES_FOR - SECOND, source="coinbase"))
    assert len(ingest(ASKED).moved) == 1
    assert values(Coin.objects.get(), "last_price source") == (99, "coingecko")
    ingest(quote(price="101", at=NOW + SECOND, source="coinbase"), now=NOW + SECOND)
    assert Coin.objects.get().source == "coinbase"


def test_the_next_stream_moves_what_the_first_one_served() -> None:
    make_coin(price=None)
    ingest(quote(price="100", at=NOW - SECOND, source="coinbase"))
    assert len(ingest(quote(price="98", at=NOW, source="kraken")).moved) == 1


def test_a_coin_that_no_stream_knows_is_moved_as_ever() -> None:
    make_coin(price=None)
    ingest(quote(price="100", at=NOW - SECOND, source="coingecko"))
    assert len(ingest(ASKED).moved) == 1


def test_several_quotes_of_a_coin_leave_its_extremes_in_one_row() -> None:
    make_coin(price=None)
    ingest(quote(price="100", at=NOW - 2 * SECOND, source="coinbase"))
    Coin.objects.update(evaluated_at=NOW - 2 * SECOND)
    ticks = [
        quote(price=price, at=NOW + number * timedelta(microseconds=1), source="coinbase")
        for number, price in enumerate(("101", "90", "120", "105"))
    ]
    assert ingest(*ticks).moved == ticks
    coin = Coin.objects.get()
    assert values(coin, "last_price tick_low tick_high tick_since") == (105, 90, 120, NOW)
    (minute,) = Candle.objects.filter(resolution="1m", start=NOW)
    assert values(minute, "open high low close") == (101, 120, 90, 105)


@unhurried
@given(
    backlog=st.dictionaries(
        st.sampled_from([f"coin-{n}" for n in range(40)]),
        st.sets(st.integers(0, 30 * 60), min_size=1, max_size=20),
        max_size=40,
    )
)
def test_every_quote_is_stored_once_and_those_of_a_coin_together(
    backlog: dict[str, set[int]],
) -> None:
    quotes = sorted(
        (quote(coin_id, at=NOW + n * SECOND) for coin_id, ns in backlog.items() for n in ns),
        key=_place,
    )
    chunks = list(in_chunks(_by_coin(quotes), actions_per_item=_rows, besides=ROWS_PER_CHUNK))
    stored = [one for chunk in chunks for of_coin in chunk for one in of_coin]
    assert sorted(stored, key=_place) == quotes
    for coin_id, seconds in backlog.items():
        times_written = sum(any(group[0].coin_id == coin_id for group in chunk) for chunk in chunks)
        assert times_written == 1 or len({n // 60 for n in seconds}) > MINUTES_PER_CHUNK
    for chunk in chunks:
        assert len(chunk) == 1 or sum(map(_rows, chunk)) + ROWS_PER_CHUNK <= 1000


def test_streams_are_not_asked() -> None:
    assert market.active_feeds() == ["coingecko"]
    assert market.stream_feeds() == ["coinbase", "kraken"]
    assert market.fetch_prices(now=NOW).source is None
    assert market.find_coins(query="bitcoin", now=NOW) == 2
    assert not FeedState.objects.filter(name__startswith="coinbase").exists()


def test_a_feed_that_cannot_be_made_is_no_stream(settings: Settings) -> None:
    settings.MARKET_FEEDS = ["coinbse", "kraken", "coingecko"]
    assert market.stream_feeds() == ["kraken"]


def listing(coin_ids: Sequence[str], now: datetime) -> list[Quote]:
    known = coin_ids or ["bitcoin", "far-coin"]
    return [
        quote(one, "5", now, "coingecko", symbol=one[:3], name=one.title(), rank=place)
        for place, one in enumerate(known, start=1)
    ]


def test_the_catalogue_comes_also_after_a_stream_brought_the_first_price(
    streams: type[ScriptedFeed],
) -> None:
    make_coin(price=None)
    ingest(quote(price="100", at=NOW, source="coinbase"))
    streams.answers["coingecko"] = FeedError("coingecko is down.")
    market.fetch_prices(now=NOW)
    assert Coin.objects.count() == 1

    later = NOW + timedelta(minutes=1)
    streams.answers["coingecko"] = listing
    market.fetch_prices(now=later)
    assert set(Coin.objects.values_list("id", flat=True)) == {"bitcoin", "far-coin"}
    assert values(Coin.objects.get(pk="bitcoin"), "last_price rank") == (100, 1)
    assert streams.asked[-1] == ("coingecko", [])

    market.fetch_prices(now=later + timedelta(minutes=2))
    assert streams.asked[-1] == ("coingecko", ["bitcoin", "far-coin"])


def test_whose_turn_it_is_is_no_feed() -> None:
    FeedState.objects.create(name="stream", next_fetch_at=NOW)
    FeedState.objects.create(name="coinbase")
    assert [state.name for state in market.feed_states()] == ["coinbase"]
