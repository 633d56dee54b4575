"""What only Kraken does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from market.feeds import FeedError
from market.feeds.exchanges import KrakenFeed
from market.feeds.exchanges.conversation import At, Patience
from market.feeds.exchanges.kraken import KrakenConversation
from market.quotes import Quote
from tests.conftest import NOW

from .exchange_frames import (
    KRAKEN_HEARTBEAT,
    kraken,
    kraken_status,
    kraken_subscribed,
    kraken_ticker,
    written,
)
from .exchange_server import Visit, exchange
from .exchange_support import first, until_it_ends

#: The example of its documentation, of 2023, when rows had no time.
DOCUMENTED = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"ALGO/USD","bid":0.10025,'
    '"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,'
    '"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,'
    '"change":-0.00017,"change_pct":-0.17}]}'
)


@pytest.fixture
def talk() -> KrakenConversation:
    patience = Patience(answer=10, silence=10, symbol=60, prices=90, lifetime=float("inf"))
    made = KrakenConversation(
        "kraken",
        {"ALGO/USD": "algorand"},
        title="Kraken",
        patience=patience,
        at=At(NOW, 0),
        on_refused=lambda _: None,
    )
    made.begin()
    made.outbox.clear()
    return made


def test_the_documented_message_is_this_quote(talk: KrakenConversation) -> None:
    """Its numbers are JSON numbers, and never floats of ours."""
    assert talk.hear(DOCUMENTED, At(NOW, 1)) == [
        Quote(
            coin_id="algorand",
            price=Decimal("0.10035"),
            price_at=NOW,
            source="kraken",
            change_24h=Decimal("-0.1700"),
        )
    ]


@pytest.mark.parametrize("number", ["0.1", "0.12345678901234567", "4.61e-06", "77668", "1E+2"])
def test_numbers_are_read_digit_by_digit(talk: KrakenConversation, number: str) -> None:
    (quote,) = talk.hear(DOCUMENTED.replace('"last":0.10035', f'"last":{number}'), At(NOW, 1))
    assert quote.price == Decimal(number)


@pytest.mark.parametrize("number", ['"0.10035"', "NaN", "Infinity", "1e999999999", "-0.1"])
def test_what_is_no_json_number_is_no_price(talk: KrakenConversation, number: str) -> None:
    message = DOCUMENTED.replace('"last":0.10035', f'"last":{number}')
    assert talk.hear(message, At(NOW, 1)) == []


async def test_we_subscribe_to_trades_with_a_snapshot() -> None:
    async with exchange(kraken({"BTC/USD": [77668.92], "SOL/USD": [140.5]})) as server:
        quotes = await first(KrakenFeed(url=server.url), ["bitcoin", "solana"], 2)
    assert {quote.coin_id: quote.price for quote in quotes} == {
        "bitcoin": Decimal("77668.92"),
        "solana": Decimal("140.5"),
    }
    assert server.said == [
        {
            "method": "subscribe",
            "params": {
                "channel": "ticker",
                "symbol": ["BTC/USD", "SOL/USD"],
                "event_trigger": "trades",
                "snapshot": True,
            },
        }
    ]


async def test_a_snapshot_says_that_an_old_price_holds() -> None:
    """It has the time of the last trade; what it says is true as of the answer before it."""
    traded_at = datetime.now(tz=UTC) - timedelta(hours=3)

    async def script(visit: Visit) -> None:
        await kraken_subscribed(visit)
        await visit.say(kraken_ticker("BTC/USD", 77668.92, kind="snapshot", at=traded_at))
        await visit.rest()

    began = datetime.now(tz=UTC)
    async with exchange(script) as server:
        (quote,) = await first(KrakenFeed(url=server.url), ["bitcoin"], 1)
    assert quote.price_at >= began


async def test_a_quiet_coin_is_fresh_again_after_each_question() -> None:
    async with exchange(kraken({"BTC/USD": [77668.92]})) as server:
        feed = KrakenFeed(url=server.url, symbol_silence=0.1)
        quotes = await first(feed, ["bitcoin"], 3)
    assert {quote.price for quote in quotes} == {Decimal("77668.92")}
    assert quotes[0].price_at < quotes[1].price_at < quotes[2].price_at
    assert len(server.visits) == 1


async def test_a_trade_right_after_the_snapshot_is_not_late() -> None:
    """Its time is the trade's, which may lie a little before the answer's."""

    async def script(visit: Visit) -> None:
        await kraken_subscribed(visit)
        now = datetime.now(tz=UTC)
        old, new = now - timedelta(minutes=5), now - timedelta(seconds=2)
        await visit.say(kraken_ticker("BTC/USD", 77668.92, kind="snapshot", at=old))
        await visit.say(kraken_ticker("BTC/USD", 77670.0, at=new))
        await visit.rest()

    async with exchange(script) as server:
        quotes = await first(KrakenFeed(url=server.url), ["bitcoin"], 2)
    assert [quote.price for quote in quotes] == [Decimal("77668.92"), Decimal(77670)]


@pytest.mark.parametrize("system", ["maintenance", "cancel_only"])
async def test_a_closed_market_sends_us_to_the_next_feed(system: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(kraken_status(system))
        await visit.rest()

    async with exchange(script) as server:
        _, error = await until_it_ends(KrakenFeed(url=server.url), ["bitcoin"])
    assert f"does not trade at the moment ({system})" in str(error)
    assert error.elsewhere
    assert error.retry_after == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("answer", "words", "wait"),
    [
        ({"error": "Exceeded msg rate", "success": False}, "ask too often", 60),
        ({"error": "EGeneral:Internal error", "success": False}, "EGeneral", None),
        ({"error": None}, "refused our subscription", None),
    ],
)
async def test_a_request_that_is_refused_as_a_whole_ends_the_connection(
    answer: dict[str, object], words: str, wait: int | None
) -> None:
    async def script(visit: Visit) -> None:
        await visit.hear()
        await visit.say({"method": "subscribe", **answer, "time_in": written()})
        await visit.rest()

    async with exchange(script) as server:
        _, error = await until_it_ends(KrakenFeed(url=server.url), ["bitcoin"])
    assert words in str(error)
    assert error.retry_after == (timedelta(seconds=wait) if wait else None)


@pytest.mark.parametrize(
    "answer",
    [
        {"method": "unsubscribe", "error": "Subscription Not Found", "symbol": "ALGO/USD"},
        {"method": "subscribe", "error": "Already subscribed", "symbol": "ALGO/USD"},
        {"method": "pong", "error": "ALGO/USD"},
    ],
)
def test_an_answer_that_does_not_refuse_a_symbol_costs_none(
    talk: KrakenConversation, answer: dict[str, object]
) -> None:
    talk.hear(json.dumps({**answer, "success": False, "time_in": written()}), At(NOW, 1))
    assert list(talk.symbols) == ["ALGO/USD"]


def test_heartbeats_keep_a_connection_alive_between_trades(talk: KrakenConversation) -> None:
    talk.hear('{"method": "subscribe", "success": true}', At(NOW, 1))
    for second in range(1, 60):
        talk.hear(json.dumps(KRAKEN_HEARTBEAT), At(NOW, second))
        talk.watch(At(NOW, second))
    talk.watch(At(NOW, 69))
    with pytest.raises(FeedError, match="has sent nothing for 10 s"):
        talk.watch(At(NOW, 70))
