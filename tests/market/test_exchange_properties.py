"""Whatever an exchange sends, a conversation makes sound quotes of it or none."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.feeds import FeedError
from market.feeds.exchanges import CoinbaseFeed
from market.feeds.exchanges.conversation import At, Conversation
from market.feeds.figures import LARGEST_PRICE, SMALLEST_PRICE
from tests.conftest import NOW

from .exchange_support import COINBASE, Exchange, binance_feed, case, tether
from .feed_support import unhurried

__all__ = ["case"]

_KEYS = """
    type product_id price time trade_id sequence open_24h last_trade_id channel data symbol last
    timestamp change_pct method success error e E s c o result code message reason system id
"""
_WORDS = """
    ticker heartbeat error status snapshot update subscribe maintenance BTC-USD BTC/USD BTCUSDT
    24hrMiniTicker serverShutdown 77668.92 1e-9 2026-11-20T11:59:59.5Z 2026-11-20
    0001-01-01T00:00:00Z slow
"""
KEYS = st.sampled_from(_KEYS.split())
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(_WORDS.split()),
)
ODD = st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=3), max_size=8)


def nearly_right(case: Exchange) -> st.SearchStrategy[dict[str, Any]]:
    """Return frames about bitcoin of which some fields are something else."""
    frame = case.price("77668.92", at=NOW)
    rows = frame.get("data")
    if isinstance(rows, list):
        return ODD.map(lambda odd: {**frame, "data": [{**rows[0], **odd}]})
    return ODD.map(lambda odd: {**frame, **odd})


def conversation(case: Exchange) -> Conversation:
    feed = case.make() if case.name != "binance" else binance_feed(tether_limit=1e9)
    feed.told(tether("0.999", at=NOW))
    made = feed.converse({case.bitcoin: "bitcoin"}, At(NOW, 0.0))
    made.begin()
    return made


@settings(unhurried, max_examples=60)
@given(st.data())
def test_any_message_gives_sound_quotes_or_a_reason(case: Exchange, data: st.DataObject) -> None:
    talk = conversation(case)
    messages = data.draw(st.lists(ODD | nearly_right(case), max_size=6))
    for second, message in enumerate(messages):
        try:
            quotes = talk.hear(json.dumps(message), At(NOW, float(second)))
            talk.watch(At(NOW, float(second)))
        except FeedError as error:
            reason = str(error)
            assert reason.startswith(talk.title) and "\n" not in reason  # noqa: PT018 (one of two ends)
            return
        for quote in quotes:
            assert quote.coin_id == "bitcoin"
            assert isinstance(quote.price, Decimal)
            assert SMALLEST_PRICE / 2 <= quote.price < LARGEST_PRICE
            assert quote.price_at <= NOW
            assert quote.price_at.tzinfo is not None
            assert quote.change_24h is None or quote.change_24h.is_finite()


@settings(unhurried, max_examples=40)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_and_any_text_are_borne(case: Exchange, text: bytes | str) -> None:
    assert conversation(case).hear(text, At(NOW, 1.0)) == []


@unhurried
@given(st.decimals(min_value="1e-17", max_value="1e17", places=18))
def test_any_price_arrives_as_it_was_written(price: Decimal) -> None:
    talk = CoinbaseFeed().converse({"BTC-USD": "bitcoin"}, At(NOW, 0.0))
    frame = {"type": "ticker", "product_id": "BTC-USD", "time": NOW.isoformat()}
    text = json.dumps({**frame, "price": f"{price:f}"})
    quotes = talk.hear(text, At(NOW, 1.0))
    assert [quote.price for quote in quotes] == [price]


@pytest.mark.parametrize("written", ["2026-11-20T11:59:59.123456789Z", "2026-11-20T11:59:59+00:00"])
def test_times_of_any_precision_are_read(written: str) -> None:
    coinbase = json.dumps({**COINBASE.price("77668.92"), "time": written})
    (quote,) = conversation(COINBASE).hear(coinbase, At(NOW, 1.0))
    assert quote.price_at.replace(microsecond=0) == NOW - timedelta(seconds=1)
