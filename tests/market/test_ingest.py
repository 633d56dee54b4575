"""Storing quotes: the happy tick, what is left out, and the tick that alerts read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from market import services as market
from market.models import Candle, Coin, PriceOrigin
from market.quotes import Quote
from market.signals import prices_updated
from tests.conftest import NOW, make_coin

from .scripted import quote, values

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def unpriced(db: None) -> Coin:
    return make_coin(price=None)


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What the listeners of prices heard."""
    messages: list[dict[str, Any]] = []

    def hear(**message: Any) -> None:
        messages.append(message | {"in_transaction": connection.in_atomic_block})

    prices_updated.connect(hear)
    yield messages
    prices_updated.disconnect(hear)


def stored(coin_id: str = "bitcoin") -> Coin:
    return Coin.objects.get(pk=coin_id)


def moment_of(coin: Coin) -> dict[str, datetime]:
    """Return when the price of a coin was, as an evaluator remembers it."""
    assert coin.price_at is not None
    return {coin.pk: coin.price_at}


def candle(resolution: str, start: datetime = NOW, coin_id: str = "bitcoin") -> Candle:
    return Candle.objects.get(pk=Candle.key(coin_id, resolution, start))


def test_a_first_quote_gives_the_coin_its_price_and_its_candles(unpriced: Coin) -> None:
    told = quote(
        price="97412.25",
        change_24h=Decimal("2.31"),
        market_cap=Decimal(1_900_000_000_000),
        volume_24h=Decimal("35000000000.5"),
        rank=1,
        sparkline=[1.0, 2.0, 3.5],
        volume=Decimal("0.25"),
    )
    result = market.ingest(quotes=[told], now=NOW)
    assert result.moved == [told]
    assert result.ignored == 0
    coin = stored()
    assert (coin.last_price, coin.price_at, coin.source) == (Decimal("97412.25"), NOW, "simulated")
    assert (coin.change_24h, coin.rank, coin.sparkline) == (Decimal("2.31"), 1, [1.0, 2.0, 3.5])
    assert coin.quantity_step == Decimal("1e-8")
    assert (coin.tick_low, coin.tick_high, coin.tick_since) == (told.price, told.price, NOW)
    assert coin.tracked
    assert market.origin() == "simulated"
    for resolution in ("1m", "5m", "1h"):
        made = candle(resolution)
        assert {made.open, made.high, made.low, made.close} == {Decimal("97412.25")}
        assert (made.open_at, made.close_at, made.volume) == (NOW, NOW, Decimal("0.25"))
    assert candle("1d", NOW.replace(hour=0)).expires_at is None
    assert candle("1m").expires_at == NOW + timedelta(minutes=1, days=7)


def test_candles_follow_the_prices_and_gaps_stay_gaps(unpriced: Coin) -> None:
    for minutes, price in ((0, "100"), (1, "110"), (1.5, "90"), (7, "95")):
        at = NOW + timedelta(minutes=minutes)
        market.ingest(quotes=[quote(price=price, at=at)], now=at)
    five = candle("5m")
    assert (five.open, five.high, five.low, five.close) == (100, 110, 90, 90)
    found = market.candles(
        coin_id="bitcoin", resolution="1m", start=NOW, end=NOW + timedelta(hours=1)
    )
    assert [int((one.start - NOW).total_seconds()) for one in found] == [0, 60, 420]


def test_listeners_hear_the_moved_quotes_after_the_commit(
    unpriced: Coin, heard: list[dict[str, Any]], transactional_db: None
) -> None:
    news = quote(at=NOW)
    market.ingest(quotes=[news], now=NOW)
    market.ingest(quotes=[news], now=NOW)
    assert [(message["quotes"], message["now"]) for message in heard] == [([news], NOW)]
    assert not heard[0]["in_transaction"]


def test_a_listener_that_fails_keeps_nobody_from_hearing(
    unpriced: Coin, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Quote] = []

    def fail(**_: Any) -> None:
        raise RuntimeError("the hub is gone")

    def hear(*, quotes: list[Quote], **_: Any) -> None:
        heard.extend(quotes)

    prices_updated.connect(fail)
    prices_updated.connect(hear)
    try:
        market.ingest(quotes=[quote()], now=NOW)
    finally:
        prices_updated.disconnect(fail)
        prices_updated.disconnect(hear)
    assert len(heard) == 1
    assert "the hub is gone" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        quote(price="NaN"),
        quote(price="sNaN"),
        quote(price="Infinity"),
        quote(price="0"),
        quote(price="-5"),
        quote(price="1e-19"),
        quote(price="1e15"),
        quote(at=NOW + timedelta(seconds=61)),
        quote(at=datetime(2026, 11, 20, 12)),  # noqa: DTZ001 (no zone is the point)
        quote("nobody-knows-me"),
    ],
    ids=str,
)
def test_an_impossible_quote_is_logged_and_left_out_and_the_others_are_stored(
    unpriced: Coin, ethereum: Coin, bad: Quote, caplog: pytest.LogCaptureFixture
) -> None:
    good = quote("ethereum", "3500", NOW + SECOND)
    with caplog.at_level(logging.INFO, logger="market"):
        result = market.ingest(quotes=[bad, good], now=NOW)
    assert result == market.IngestResult(moved=[good], ignored=1)
    assert stored().last_price is None
    assert bad.coin_id in caplog.text


def test_a_batch_with_nothing_usable_claims_no_origin(unpriced: Coin) -> None:
    assert market.ingest(quotes=[quote(price="0")], now=NOW).ignored == 1
    assert market.ingest(quotes=[], now=NOW) == market.IngestResult(moved=[], ignored=0)
    assert market.origin() is None


def test_a_price_is_rounded_to_fifteen_digits_and_comes_back_as_it_was_announced(
    unpriced: Coin,
) -> None:
    result = market.ingest(quotes=[quote(price="1.23456789012345678")], now=NOW)
    assert result.moved[0].price == Decimal("1.23456789012346")
    assert stored().last_price == result.moved[0].price
    tiny = market.ingest(quotes=[quote(price="2.26412345678e-9", at=NOW + SECOND)], now=NOW)
    assert tiny.moved[0].price == stored().last_price == Decimal("0.000000002264123457")


def test_figures_that_no_column_takes_are_as_good_as_not_said(unpriced: Coin) -> None:
    known = quote(change_24h=Decimal("1.5"), market_cap=Decimal(5), rank=3)
    market.ingest(quotes=[known], now=NOW)
    absurd = quote(
        at=NOW + SECOND,
        change_24h=Decimal("NaN"),
        change_7d=Decimal("1e12"),
        market_cap=Decimal("1e30"),
        volume_24h=Decimal("Infinity"),
        rank=-4,
        sparkline=[float("nan"), 1.0, float("inf")],
        volume=Decimal("1e40"),
    )
    market.ingest(quotes=[absurd], now=NOW)
    coin = stored()
    assert values(coin, "change_24h change_7d market_cap") == (Decimal("1.5"), None, 5)
    assert (coin.volume_24h, coin.rank, coin.sparkline) == (None, 3, [1.0])


def test_what_a_quote_does_not_say_stays(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(rank=2, sparkline=[1.0], change_7d=Decimal(3))], now=NOW)
    market.ingest(quotes=[quote(price="5", at=NOW + SECOND)], now=NOW)
    coin = stored()
    assert values(coin, "rank sparkline change_7d") == (2, [1.0], 3)
    assert (coin.symbol, coin.name) == (unpriced.symbol, unpriced.name)


def test_an_older_quote_completes_its_candle_and_moves_nothing(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(price="100", at=NOW + 30 * SECOND)], now=NOW + 30 * SECOND)
    late = market.ingest(quotes=[quote(price="120", at=NOW + SECOND)], now=NOW + 40 * SECOND)
    assert late == market.IngestResult(moved=[], ignored=1)
    assert stored().last_price == 100
    assert stored().tick_high == 100
    made = candle("1m")
    assert (made.open, made.high, made.low, made.close) == (120, 120, 100, 100)
    assert made.open_at == NOW + SECOND


def test_a_quote_of_the_same_moment_moves_nothing(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(price="100")], now=NOW)
    assert market.ingest(quotes=[quote(price="101")], now=NOW).moved == []
    assert stored().last_price == 100


def test_a_repeated_quote_trades_its_volume_once(unpriced: Coin) -> None:
    told = quote(volume=Decimal("0.5"))
    for _ in range(3):
        market.ingest(quotes=[told, told], now=NOW)
    assert candle("1h").volume == Decimal("0.5")


def test_the_step_is_fixed_at_the_first_price(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(price="0.0001")], now=NOW)
    market.ingest(quotes=[quote(price="50000", at=NOW + SECOND)], now=NOW)
    assert stored().quantity_step == 1


def test_the_tick_widens_until_it_is_evaluated(unpriced: Coin) -> None:
    for seconds, price in enumerate(("100", "130", "80", "110")):
        market.ingest(quotes=[quote(price=price, at=NOW + seconds * SECOND)], now=NOW)
    coin = stored()
    assert (coin.tick_low, coin.tick_high, coin.tick_since) == (80, 130, NOW)
    market.mark_evaluated(moments=moment_of(coin), now=NOW)
    market.ingest(quotes=[quote(price="105", at=NOW + 9 * SECOND)], now=NOW)
    coin = stored()
    assert (coin.tick_low, coin.tick_high, coin.tick_since) == (105, 105, NOW + 9 * SECOND)


def test_after_a_gap_the_first_price_stands_alone(unpriced: Coin, settings: Settings) -> None:
    market.ingest(quotes=[quote(price="100")], now=NOW)
    after = NOW + settings.STALE_AFTER + SECOND
    market.ingest(quotes=[quote(price="150", at=after)], now=after)
    coin = stored()
    assert (coin.tick_low, coin.tick_high, coin.tick_since) == (150, 150, after)


def test_a_pause_no_longer_than_the_limit_is_no_gap(unpriced: Coin, settings: Settings) -> None:
    market.ingest(quotes=[quote(price="100")], now=NOW)
    later = NOW + settings.STALE_AFTER
    market.ingest(quotes=[quote(price="150", at=later)], now=later)
    assert (stored().tick_low, stored().tick_since) == (100, NOW)


def test_a_late_evaluation_does_not_swallow_the_price_that_came_meanwhile(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(price="100")], now=NOW)
    seen = stored()
    market.ingest(quotes=[quote(price="120", at=NOW + SECOND)], now=NOW)
    market.mark_evaluated(moments=moment_of(seen), now=NOW)
    assert [coin.pk for coin in market.moved_coins()] == ["bitcoin"]
    market.ingest(quotes=[quote(price="110", at=NOW + 2 * SECOND)], now=NOW)
    assert stored().tick_high == 120
    market.mark_evaluated(moments=moment_of(stored()), now=NOW)
    market.mark_evaluated(moments=moment_of(seen), now=NOW)  # the slow one again
    assert stored().evaluated_at == NOW + 2 * SECOND
    assert not market.moved_coins().exists()


@pytest.mark.parametrize("apart", [0, 1])
def test_each_coin_is_marked_up_to_its_own_price(
    unpriced: Coin, coin: Callable[..., Coin], apart: int
) -> None:
    moments = {f"coin-{number}": NOW + number * apart * SECOND for number in range(10)}
    for coin_id, at in moments.items():
        coin(coin_id, at=at)
    market.mark_evaluated(moments=moments, now=NOW)
    marked = Coin.objects.filter(pk__in=moments).values_list("pk", "evaluated_at")
    assert dict(marked) == moments
    assert stored().evaluated_at is None


def test_a_removed_coin_keeps_its_price_fresh_and_stays_removed(unpriced: Coin) -> None:
    Coin.objects.update(tracked=False)
    market.ingest(quotes=[quote(price="5")], now=NOW)
    assert stored().last_price == 5
    assert not stored().tracked


def test_real_prices_never_enter_a_simulated_database(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(price="100")], now=NOW)
    with pytest.raises(market.MarketRejected, match="holds simulated prices") as refused:
        market.ingest(quotes=[quote(source="coingecko", at=NOW + SECOND)], now=NOW)
    assert refused.value.code == "wrong_origin"
    assert stored().last_price == 100
    assert not Candle.objects.filter(source="coingecko").exists()


def test_simulated_prices_never_enter_a_real_database(unpriced: Coin) -> None:
    market.ingest(quotes=[quote(source="coingecko")], now=NOW)
    with pytest.raises(market.MarketRejected, match="holds real prices"):
        market.ingest(quotes=[quote(source="replay", at=NOW + SECOND)], now=NOW)


def test_a_mixed_batch_is_refused_whole(unpriced: Coin, ethereum: Coin) -> None:
    mixed = [quote(), quote("ethereum", source="kraken")]
    with pytest.raises(market.MarketRejected) as refused:
        market.ingest(quotes=mixed, now=NOW)
    assert refused.value.code == "mixed_origins"
    assert not PriceOrigin.objects.exists()
    assert stored().last_price is None


def test_candles_that_have_expired_already_are_not_made(unpriced: Coin) -> None:
    long_ago = datetime(2020, 3, 12, 11, tzinfo=UTC)
    market.ingest(quotes=[quote(at=long_ago)], now=NOW)
    assert set(Candle.objects.values_list("resolution", flat=True)) == {"1d"}


def test_a_tick_of_many_coins_costs_a_handful_of_queries(
    coin: Callable[..., Coin], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        coin(f"coin-{number}", price=None)
    tick = [quote(f"coin-{number}") for number in range(12)]
    market.ingest(quotes=tick, now=NOW)
    again = [quote(f"coin-{number}", at=NOW + SECOND) for number in range(12)]
    with django_assert_max_num_queries(8):  # with the savepoint's two
        market.ingest(quotes=again, now=NOW)
