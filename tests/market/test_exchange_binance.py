"""What only Binance does."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from market.feeds.exchanges import BinanceFeed
from market.feeds.exchanges.binance import BinanceConversation
from market.feeds.exchanges.conversation import At, Patience
from market.quotes import Quote
from tests.conftest import NOW

from .exchange_frames import binance, binance_subscribed, binance_ticker
from .exchange_server import Visit, exchange
from .exchange_support import binance_feed, first, tether, until_it_ends

#: The example of its documentation.
DOCUMENTED = (
    '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBUSDT","c":"0.0025","o":"0.0010",'
    '"h":"0.0025","l":"0.0010","v":"10000","q":"18"}'
)


def talk(dollars: str = "1") -> BinanceConversation:
    day = 86_400.0
    return BinanceConversation(
        "binance",
        {"BNBUSDT": "binancecoin"},
        title="Binance",
        patience=Patience(answer=10, silence=60, symbol=60, prices=90, lifetime=day),
        at=At(NOW, 0),
        on_refused=lambda _: None,
        dollars=lambda _: Decimal(dollars),
    )


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_documented_message_is_this_quote(wrapped: bool) -> None:
    text = DOCUMENTED
    if wrapped:  # as on a combined stream
        text = json.dumps({"stream": "bnbusdt@miniTicker", "data": json.loads(DOCUMENTED)})
    assert talk().hear(text, At(NOW, 1)) == [
        Quote(
            coin_id="binancecoin",
            price=Decimal("0.0025"),
            price_at=datetime(2022, 12, 31, 19, 43, 2, 136000, tzinfo=UTC),
            source="binance",
            change_24h=Decimal("150.0000"),
        )
    ]


async def test_one_message_subscribes_to_everything() -> None:
    """More than five in a second, pings included, and it would cut us."""
    async with exchange(binance({"BTCUSDT": ["100"], "SOLUSDT": ["140.5"]})) as server:
        await first(binance_feed(url=server.url), ["bitcoin", "solana"], 2)
    assert server.said == [
        {
            "method": "SUBSCRIBE",
            "params": ["btcusdt@miniTicker", "solusdt@miniTicker"],
            "id": 1,
        }
    ]


def test_symbols_that_stay_silent_are_asked_for_together() -> None:
    coins = {f"{base}USDT": base.lower() for base in ("ADA", "SOL", "NEAR", "PEPE", "XRP")}
    conversation = binance_feed().converse(coins, At(NOW, 0))
    conversation.begin()
    conversation.hear('{"result": null, "id": 1}', At(NOW, 1))
    conversation.watch(At(NOW, 59))
    assert len(conversation.outbox) == 1
    conversation.hear('{"result": null, "id": 1}', At(NOW, 60))
    conversation.watch(At(NOW, 61))
    kinds = [(message["method"], len(message["params"])) for message in conversation.outbox]
    assert kinds == [("SUBSCRIBE", 5), ("UNSUBSCRIBE", 5), ("SUBSCRIBE", 5)]
    assert [message["id"] for message in conversation.outbox] == [1, 2, 3]


# --- Tether is not the dollar -----------------------------------------------------------------


async def test_prices_are_made_dollars_by_the_price_of_tether() -> None:
    async with exchange(binance({"BTCUSDT": ["77668.92"]})) as server:
        feed = BinanceFeed(url=server.url)
        feed.told(tether("0.9985"))
        (quote,) = await first(feed, ["bitcoin"], 1)
    assert quote.price == Decimal("77668.92") * Decimal("0.9985")


async def test_a_new_price_of_tether_counts_from_then_on() -> None:
    go_on = asyncio.Event()

    async def script(visit: Visit) -> None:
        await binance_subscribed(visit)
        await visit.say(binance_ticker("BTCUSDT", "100"))
        await go_on.wait()
        await visit.say(binance_ticker("BTCUSDT", "100"))
        await visit.rest()

    prices = []
    async with exchange(script) as server:
        feed = binance_feed(url=server.url)
        async with asyncio.timeout(5):
            async for (quote,) in feed.ticks(["bitcoin"]):
                prices.append(quote.price)
                feed.told(tether("0.97"))
                go_on.set()
                if len(prices) == 2:
                    break
    assert prices == [100, 97]


async def test_an_older_price_of_tether_changes_nothing() -> None:
    async with exchange(binance({"BTCUSDT": ["100"]})) as server:
        feed = binance_feed(url=server.url)
        feed.told(tether("0.5", at=datetime.now(tz=UTC) - timedelta(minutes=1)))
        feed.told(Quote(coin_id="bitcoin", price=Decimal(3), price_at=NOW, source="coinbase"))
        (quote,) = await first(feed, ["bitcoin"], 1)
    assert quote.price == 100


async def test_without_a_price_of_tether_we_do_not_even_connect() -> None:
    async with exchange(binance({"BTCUSDT": ["100"]})) as server:
        _, error = await until_it_ends(BinanceFeed(url=server.url), ["bitcoin"])
    assert "no feed has said within 15 min what Tether is worth in dollars" in str(error)
    assert "MARKET_FEEDS" in str(error)
    assert error.elsewhere
    assert server.visits == []


async def test_a_price_of_tether_that_grows_old_ends_the_stream() -> None:
    async with exchange(binance({"BTCUSDT": ["100"] * 200})) as server:
        feed = BinanceFeed(url=server.url, tether_limit=0.3)
        feed.told(tether())
        prices, error = await until_it_ends(feed, ["bitcoin"])
    assert prices
    assert "what Tether is worth" in str(error)
    assert error.elsewhere


def test_it_says_what_it_needs_to_be_told() -> None:
    assert BinanceFeed.needs == ("tether",)
    assert BinanceFeed().serves(["tether"]) == []


# --- The end of a connection ------------------------------------------------------------------


@pytest.mark.parametrize(
    "shutdown",
    [
        {"e": "serverShutdown", "E": 1770123456789},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1770123456789}},
    ],
    ids=["raw", "combined"],
)
async def test_a_server_that_is_about_to_stop_is_left_at_once(
    shutdown: dict[str, object],
) -> None:
    async def script(visit: Visit) -> None:
        await binance_subscribed(visit)
        await visit.say(binance_ticker("BTCUSDT", "100"), shutdown)
        await visit.rest()

    async with exchange(script) as server:
        prices, error = await until_it_ends(binance_feed(url=server.url), ["bitcoin"])
    assert prices == [100]
    assert "is about to stop the server" in str(error)
    assert error.retry_after == timedelta(0)


def test_a_connection_is_left_ten_minutes_before_its_day_is_over() -> None:
    feed = BinanceFeed()
    assert feed._patience.lifetime == 86_400 - 600


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 2, "msg": "Invalid request: too many parameters"},
        {"error": {"code": 2, "msg": "Invalid request: too many parameters"}, "id": 1},
    ],
)
async def test_a_refused_request_ends_the_connection_with_its_words(
    answer: dict[str, object],
) -> None:
    async def script(visit: Visit) -> None:
        await visit.hear()
        await visit.say(answer)
        await visit.rest()

    async with exchange(script) as server:
        _, error = await until_it_ends(binance_feed(url=server.url), ["bitcoin"])
    assert "refused our request" in str(error)
    assert "too many parameters" in str(error)
