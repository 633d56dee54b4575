"""What exchanges send, and when they send nothing: the same for all three."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from market.feeds.base import FeedError
from market.feeds.exchanges.conversation import At
from tests.conftest import NOW

from .exchange_server import Visit, exchange
from .exchange_support import BINANCE, COINBASE, KRAKEN, Exchange, case, first, until_it_ends

__all__ = ["case"]


async def beat_on(visit: Visit, case: Exchange) -> None:
    while True:
        await visit.say(case.beat)
        await asyncio.sleep(0.03)


# --- Prices -----------------------------------------------------------------------------------


async def test_a_price_keeps_its_digits_and_the_time_of_the_exchange(case: Exchange) -> None:
    at = datetime.now(tz=UTC).replace(microsecond=170_000) - timedelta(seconds=2)

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92", at=at))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin", "solana"], 1)
    assert quote.price == Decimal("77668.92")
    assert isinstance(quote.price, Decimal)
    assert (quote.coin_id, quote.source, quote.price_at) == ("bitcoin", case.name, at)
    assert quote.change_24h is not None
    assert quote.volume_24h is None  # one exchange's volume is not the market's
    assert quote.market_cap is None


async def test_tiny_prices_are_exact(case: Exchange) -> None:
    symbol = case.bitcoin.replace("BTC", "PEPE")

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.frame(symbol, "0.00000461" if case.text else 4.61e-06))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["pepe"], 1)
    assert (quote.coin_id, quote.price) == ("pepe", Decimal("0.00000461"))


async def test_a_clock_that_runs_ahead_of_ours_never_dates_a_price_into_the_future(
    case: Exchange,
) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92", at=NOW + timedelta(seconds=30)))
        await visit.rest()

    async with exchange(script) as server:
        feed = case.make(url=server.url, clock=lambda: NOW)
        if case is BINANCE:  # which knows what Tether is worth as of now, and not in 2026
            feed = case.make(url=server.url, clock=lambda: NOW, tether_limit=1e9)
        (quote,) = await first(feed, ["bitcoin"], 1)
    assert quote.price_at == NOW


async def test_a_late_price_is_dropped(case: Exchange) -> None:
    now = datetime.now(tz=UTC)
    late: dict[str, object] = {"sequence": 126} if case is COINBASE else {}

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(
            case.price("100", at=now - timedelta(seconds=3)),
            case.price("99", at=now - timedelta(seconds=9), **late),
            case.price("101", at=now - timedelta(seconds=1)),
        )
        await visit.rest()

    async with exchange(script) as server:
        quotes = await first(case.make(url=server.url), ["bitcoin"], 2)
    assert [quote.price for quote in quotes] == [100, 101]


async def test_a_symbol_that_nobody_asked_for_is_dropped(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.frame(case.solana, "140" if case.text else 140.0))
        await visit.say(case.frame("", "1" if case.text else 1.0))
        await visit.say(case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quote.coin_id == "bitcoin"


WRONG: list[object] = [
    float("nan"),
    float("inf"),
    "NaN",
    "Infinity",
    "-1",
    "-77668.92",
    "0",
    "",
    " 77668.92",
    "77_668",
    "77,668.92",
    "\u0667\u0667",  # digits, and in Python's eyes a number
    "1e30",
    "1e-30",
    "9" * 5000,
    None,
    True,
    [],
    {"price": "1"},
    -77668.92,
    0,
]


async def test_wrong_numbers_are_left_out_and_what_follows_is_not(
    case: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(*(case.frame(case.bitcoin, wrong) for wrong in WRONG))
        await visit.say(case.price("77668.92"))
        await visit.rest()

    caplog.set_level(logging.WARNING, logger="market")
    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quote.price == Decimal("77668.92")
    assert [m for m in caplog.messages if "cannot be used" in m] == [
        f"{case.name} sends a price of bitcoin that cannot be used; such messages are left out"
    ]


async def test_a_time_far_ahead_of_our_clock_is_left_out(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        ahead = datetime.now(tz=UTC) + timedelta(seconds=90)
        await visit.say(case.price("1", at=ahead), case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quote.price == Decimal("77668.92")


# --- Messages that are none -------------------------------------------------------------------

GARBAGE: list[list[object]] = [
    ["{", "", "null", "[1, 2]", '"BTC-USD"'],
    [
        b"\x00\x01\x02\xff" * 20,
        '{"type": "ticker", "price": ',
        "[" * 20_000,
        '{"sequence": ' + "9" * 5000 + "}",
    ],
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=["odd", "broken"])
async def test_a_little_garbage_is_left_out(case: Exchange, garbage: list[object]) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(*garbage, case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quote.price == Decimal("77668.92")


async def test_an_exchange_that_keeps_sending_garbage_is_given_up(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(*["<html>Bad gateway"] * 5, case.price("77668.92"), b"\x00\x01")
        await visit.rest()

    async with exchange(script) as server:
        prices, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert "keeps sending what is not JSON (6 messages within a minute)" in str(error)


NEW: list[dict[str, object]] = [
    {},
    {"type": "status", "products": []},
    {"channel": "instrument", "data": {"assets": []}},
    {"channel": "ticker", "data": None},
    {"channel": "ticker", "data": [None, 1, "x", []]},
    {"e": "kline", "k": {}},
    {"type": "heartbeat"},
    {"type": "ticker"},
    {"data": {"data": 1}},
    {"channel": "status", "data": [{}]},
]


async def test_kinds_of_messages_that_are_new_are_no_fault(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(*NEW, *NEW, case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        (quote,) = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quote.price == Decimal("77668.92")


# --- Silence ----------------------------------------------------------------------------------


async def test_an_exchange_that_says_nothing_more_is_given_up(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        feed = case.make(url=server.url, silence=0.2)
        prices, error = await until_it_ends(feed, ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert "has sent nothing for 0.2 s, not even a heartbeat" in str(error)
    assert error.retry_after is None


async def test_heartbeats_without_a_price_are_no_life(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await asyncio.gather(beat_on(visit, case), visit.rest())

    async with exchange(script) as server:
        feed = case.make(url=server.url, price_silence=0.3)
        prices, error = await until_it_ends(feed, ["bitcoin"])
    assert prices == []
    assert "has sent heartbeats but no price for 0.3 s" in str(error)


async def test_a_subscription_that_is_never_confirmed_is_given_up(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await visit.hear()
        await beat_on(visit, case)

    async with exchange(script) as server:
        feed = case.make(url=server.url, answer=0.2, price_silence=0.1e9)
        _, error = await until_it_ends(feed, ["bitcoin"])
    assert "has not confirmed our subscription within 0.2 s" in str(error)


async def test_a_silent_symbol_is_asked_for_again_while_the_others_go_on(
    case: Exchange,
) -> None:
    """And it is heard again, on the same connection."""

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)

        async def trade() -> None:
            while True:
                await visit.say(case.price("77668.92"))
                await asyncio.sleep(0.03)

        async def answer() -> None:
            while True:
                again = await case.subscribed(visit)
                assert case.solana in again
                if "UN" not in json.dumps(visit.said[-1]).upper():
                    await visit.say(case.frame(case.solana, "140" if case.text else 140.0))

        await asyncio.gather(trade(), answer())

    async with exchange(script) as server:
        feed = case.make(url=server.url, symbol_silence=0.5)
        async with asyncio.timeout(5):
            async for (quote,) in feed.ticks(["bitcoin", "solana"]):
                if quote.coin_id == "solana":
                    break
    assert quote.price == 140
    assert len(server.visits) == 1
    kinds = [json.dumps(message).lower() for message in server.said]
    assert "unsubscribe" in kinds[1]
    assert "unsubscribe" not in kinds[2]


def test_a_symbol_that_stays_silent_is_asked_for_less_and_less_often(case: Exchange) -> None:
    talk = case.make(symbol_silence=60).converse(
        {case.bitcoin: "bitcoin", case.solana: "solana"}, At(NOW, 0)
    )
    talk.begin()
    assert len(talk.outbox) == 1
    asked = []
    for second in range(2000):
        talk.outbox.clear()
        at = At(NOW + timedelta(seconds=second), second)
        talk.hear(json.dumps(case.price("77668.92", at=at.now)), at)
        talk.watch(at)
        if talk.outbox:
            assert len(talk.outbox) == 2
            assert case.bitcoin not in json.dumps(talk.outbox)
            asked.append(second)
    assert asked == [61, 182, 423, 904, 1865]  # after 60 s, and twice as long each time
    talk.outbox.clear()
    for second in (2000, 2000 + 61):  # it is heard again, and so is asked for soon again
        at = At(NOW + timedelta(seconds=second), second)
        price = "140" if case.text else 140.0
        assert talk.outbox == []
        talk.hear(json.dumps(case.price("77668.92", at=at.now)), at)
        if second == 2000:
            talk.hear(json.dumps(case.frame(case.solana, price, at=at.now)), at)
        talk.watch(at)
    assert len(talk.outbox) == 2


async def test_an_old_connection_is_left_before_the_exchange_ends_it(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        while True:
            await visit.say(case.price("77668.92"))
            await asyncio.sleep(0.03)

    async with exchange(script) as server:
        prices, error = await until_it_ends(case.make(url=server.url, lifetime=0.3), ["bitcoin"])
    assert prices
    assert "ends every connection after a day" in str(error)
    assert error.retry_after == timedelta(0)


#: Binance refuses no symbol: one that it does not know stays silent.
REFUSING = pytest.mark.parametrize("case", [COINBASE, KRAKEN], ids=lambda case: case.name)


# --- What is not asked of a stream ------------------------------------------------------------


def test_a_stream_is_not_polled(case: Exchange) -> None:
    with pytest.raises(FeedError, match=r"is a stream: manage\.py stream runs it") as raised:
        case.make().quotes(["bitcoin"], now=NOW)
    assert raised.value.permanent


def test_a_feed_serves_the_coins_that_it_has_a_symbol_for_in_their_order(
    case: Exchange,
) -> None:
    asked = ["solana", "no-such-coin", "bitcoin", "leo-token", "solana"]
    assert case.make().serves(asked) == ["solana", "bitcoin"]


async def test_coins_that_an_exchange_does_not_trade_are_not_even_asked_for(
    case: Exchange,
) -> None:
    async def script(visit: Visit) -> None:
        await visit.rest()

    async with exchange(script) as server:
        _, error = await until_it_ends(case.make(url=server.url), ["leo-token"])
    assert "trades none of these coins" in str(error)
    assert error.permanent
    assert error.elsewhere
    assert server.visits == []


@REFUSING
async def test_a_symbol_that_is_refused_does_not_cost_the_others(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        while not await case.subscribed(visit, [case.bitcoin]):
            pass
        await visit.say(case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        feed = case.make(url=server.url)
        (quote,) = await first(feed, ["solana", "bitcoin"], 1)
        assert quote.coin_id == "bitcoin"
        assert feed.serves(["solana", "bitcoin"]) == ["bitcoin"]
        await first(feed, ["solana", "bitcoin"], 1)
    again = server.visits[1].said
    assert case.solana not in json.dumps(again)


@REFUSING
async def test_an_exchange_that_refuses_every_symbol_is_of_no_use(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        while True:
            await case.subscribed(visit, [])

    async with exchange(script) as server:
        _, error = await until_it_ends(case.make(url=server.url), ["solana", "bitcoin"])
    assert "trades none of the coins that we asked for" in str(error)
    assert error.permanent
    assert error.elsewhere
