"""What only Coinbase does."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from market.feeds import FeedError, feed
from market.feeds.exchanges import CoinbaseFeed
from market.feeds.exchanges.coinbase import CoinbaseConversation
from market.feeds.exchanges.conversation import At, Patience
from market.quotes import Quote
from tests.conftest import NOW

from .exchange_frames import (
    coinbase,
    coinbase_heartbeat,
    coinbase_subscribed,
    coinbase_ticker,
)
from .exchange_server import Visit, exchange
from .exchange_support import first, until_it_ends

#: As it came on 25 April 2026.
RECORDED = (
    '{"type":"ticker","product_id":"BTC-USD","sequence":127113500279,"trade_id":1008094628,'
    '"time":"2026-04-25T13:53:06.170361Z","price":"77668.92","side":"buy",'
    '"last_size":"0.0003128","best_bid":"77668.91","best_bid_size":"0.20495031",'
    '"best_ask":"77668.92","best_ask_size":"0.49546688","open_24h":"78107.84",'
    '"high_24h":"78257.09","low_24h":"77289","volume_24h":"5457.73586321",'
    '"volume_30d":"261517.66959213"}'
)


@pytest.fixture
def refused() -> list[str]:
    return []


@pytest.fixture
def talk(refused: list[str]) -> CoinbaseConversation:
    """A conversation about bitcoin that has been subscribed at NOW."""
    patience = Patience(answer=10, silence=15, symbol=60, prices=90, lifetime=float("inf"))
    made = CoinbaseConversation(
        "coinbase",
        {"BTC-USD": "bitcoin"},
        title="Coinbase",
        patience=patience,
        at=after(0),
        on_refused=refused.append,
    )
    made.begin()
    made.outbox.clear()
    return made


def after(seconds: float) -> At:
    return At(NOW + timedelta(seconds=seconds), seconds)


def test_the_recorded_message_is_this_quote(talk: CoinbaseConversation) -> None:
    assert talk.hear(RECORDED, after(1)) == [
        Quote(
            coin_id="bitcoin",
            price=Decimal("77668.92"),
            price_at=datetime(2026, 4, 25, 13, 53, 6, 170361, tzinfo=UTC),
            source="coinbase",
            change_24h=Decimal("-0.5619"),  # from 78107.84
        )
    ]


async def test_we_subscribe_at_once_to_matches_and_heartbeats() -> None:
    async def script(visit: Visit) -> None:
        async with asyncio.timeout(5):  # or it would cut us
            await coinbase_subscribed(visit)
        await visit.say(coinbase_ticker("BTC-USD", "77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        await first(CoinbaseFeed(url=server.url), ["bitcoin", "solana"], 1)
    assert server.said == [
        {
            "type": "subscribe",
            "product_ids": ["BTC-USD", "SOL-USD"],
            "channels": ["ticker", "heartbeat"],
        }
    ]


async def test_matches_and_heartbeats_together_make_quotes() -> None:
    prices = {"BTC-USD": ["77668.92", "77669", "77650.01"], "SOL-USD": ["140.5"]}
    async with exchange(coinbase(prices)) as server:
        quotes = await first(CoinbaseFeed(url=server.url), ["bitcoin", "solana"], 4)
    bitcoin = [quote.price for quote in quotes if quote.coin_id == "bitcoin"]
    assert bitcoin == [Decimal("77668.92"), Decimal(77669), Decimal("77650.01")]


async def test_of_several_unknown_products_each_is_left_out() -> None:
    """It names one at a time and refuses the whole request."""
    async with exchange(coinbase({"BTC-USD": ["77668.92"]})) as server:
        coins = ["solana", "bitcoin", "cardano", "pepe"]
        (quote,) = await first(CoinbaseFeed(url=server.url), coins, 1)
    assert quote.coin_id == "bitcoin"
    assert [len(message["product_ids"]) for message in server.said] == [4, 3, 2, 1]


# --- Gaps -------------------------------------------------------------------------------------


def ticker(price: str, *, trade: int, seconds: float, sequence: int | None = None) -> str:
    at = NOW + timedelta(seconds=seconds)
    number = trade if sequence is None else sequence
    return json.dumps(coinbase_ticker("BTC-USD", price, trade_id=trade, sequence=number, at=at))


def beat(trade: int, seconds: float) -> str:
    at = NOW + timedelta(seconds=seconds)
    return json.dumps(coinbase_heartbeat("BTC-USD", trade_id=trade, at=at))


def test_a_trade_that_never_came_is_asked_for(talk: CoinbaseConversation) -> None:
    talk.hear(ticker("100", trade=7, seconds=1), after(1))
    talk.hear(beat(9, 2), after(2))
    assert talk.outbox == []  # it may be on its way
    talk.hear(beat(9, 3), after(3))
    assert [message["type"] for message in talk.outbox] == ["unsubscribe", "subscribe"]
    talk.outbox.clear()
    talk.hear(beat(11, 4), after(4))
    assert talk.outbox == []  # once is enough
    assert talk.hear(ticker("101", trade=11, seconds=4), after(4))[0].price == 101


def test_a_trade_that_comes_after_its_heartbeat_is_not_lost(talk: CoinbaseConversation) -> None:
    for second in range(1, 30):
        talk.hear(beat(second + 1, second), after(second))
        talk.hear(ticker("100", trade=second + 1, seconds=second), after(second))
    assert talk.outbox == []


def test_matches_that_come_as_one_message_are_no_gap(talk: CoinbaseConversation) -> None:
    talk.hear(ticker("100", trade=7, seconds=1), after(1))
    assert talk.hear(ticker("101", trade=19, seconds=2), after(2))
    talk.hear(beat(19, 2.5), after(2.5))
    talk.hear(beat(19, 3.5), after(3.5))
    assert talk.outbox == []


def test_a_late_sequence_is_dropped(talk: CoinbaseConversation) -> None:
    talk.hear(ticker("100", trade=7, seconds=2, sequence=70), after(2))
    assert talk.hear(ticker("99", trade=6, seconds=1, sequence=60), after(3)) == []
    assert talk.hear(ticker("99", trade=6, seconds=2, sequence=69), after(3)) == []
    assert talk.hear(ticker("101", trade=8, seconds=2, sequence=71), after(3)) != []


def test_sequences_that_begin_anew_are_not_late_for_ever(talk: CoinbaseConversation) -> None:
    talk.hear(ticker("100", trade=7, seconds=2, sequence=10**12), after(2))
    (quote,) = talk.hear(ticker("101", trade=1, seconds=3, sequence=1), after(3))
    assert quote.price == 101


# --- Quiet coins ------------------------------------------------------------------------------


def test_a_coin_that_nobody_trades_keeps_a_fresh_price(talk: CoinbaseConversation) -> None:
    """Its heartbeat says that the last trade is still the last: every ten seconds a quote."""
    talk.hear(ticker("100", trade=7, seconds=1), after(1))
    later = []
    for second in range(2, 62):
        later += talk.hear(beat(7, second), after(second))
        talk.watch(after(second))
    assert {(quote.price, quote.change_24h) for quote in later} == {
        (Decimal(100), Decimal("-99.8720"))
    }
    assert [(quote.price_at - NOW).seconds for quote in later] == [11, 21, 31, 41, 51, 61]
    assert talk.outbox == []


def test_a_coin_without_heartbeat_is_asked_for_again(talk: CoinbaseConversation) -> None:
    talk.hear(ticker("100", trade=7, seconds=1), after(1))
    talk.hear('{"type": "subscriptions", "channels": []}', after(60))
    talk.watch(after(60))
    assert talk.outbox == []
    talk.watch(after(62))
    assert [message["type"] for message in talk.outbox] == ["unsubscribe", "subscribe"]


# --- Errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "reason", "words"),
    [
        ("ErrSlowConsume", None, "cut us off because we read too slowly (ErrSlowConsume)"),
        ("Failed to subscribe", "No channels provided", "refused our request: Failed to subscribe"),
        ("rate limit exceeded", None, "refused our request: rate limit exceeded"),
        ("Message too big", None, "refused our request: Message too big"),
    ],
)
async def test_an_error_message_ends_the_connection_with_its_words(
    message: str, reason: str | None, words: str
) -> None:
    async def script(visit: Visit) -> None:
        await coinbase_subscribed(visit)
        await visit.say(coinbase_ticker("BTC-USD", "77668.92"))
        await visit.say({"type": "error", "message": message, "reason": reason})
        await visit.rest()

    async with exchange(script) as server:
        prices, error = await until_it_ends(CoinbaseFeed(url=server.url), ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert words in str(error)


def test_a_product_that_could_not_be_unsubscribed_is_not_lost(
    talk: CoinbaseConversation, refused: list[str]
) -> None:
    error = {"type": "error", "message": "Failed to unsubscribe", "reason": "BTC-USD"}
    talk.hear(json.dumps(error), after(1))
    assert list(talk.symbols) == ["BTC-USD"]
    assert refused == []


async def test_a_reader_that_is_too_slow_is_cut_and_says_so() -> None:
    """For real: the exchange fills its buffers, sends ErrSlowConsume no more, and cuts."""

    cut = asyncio.Event()

    async def script(visit: Visit) -> None:
        await coinbase_subscribed(visit)
        frame = coinbase_ticker("BTC-USD", "77668.92", padding="x" * 50_000)
        visit.socket.transport.set_write_buffer_limits(high=65_536)
        while True:
            try:
                async with asyncio.timeout(0.3):
                    await visit.say(frame)
            except TimeoutError:
                visit.cut()
                cut.set()
                return

    async with exchange(script) as server:
        ticks = CoinbaseFeed(url=server.url).ticks(["bitcoin"])
        await anext(ticks)
        await cut.wait()  # while we are busy with something else, the database for example
        with pytest.raises(FeedError, match="broke off"):
            async for _ in ticks:
                pass


def test_the_settings_name_it() -> None:
    assert isinstance(feed("coinbase"), CoinbaseFeed)
