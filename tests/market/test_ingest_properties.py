"""Whatever the order, the repetition and the batches: the same prices, the same candles."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market import services as market
from market.candles import SECONDS, start_of
from market.models import Candle, Coin, PriceOrigin
from market.quotes import Quote
from tests.conftest import NOW, make_coin

from .scripted import quote

COINS = ("bitcoin", "ethereum")
#: Within two hours, so that some minutes hold several quotes and all resolutions have edges.
SECONDS_BEFORE = st.integers(0, 7200)
PRICES = st.decimals("0.000001", "99999999", allow_nan=False, allow_infinity=False, places=6)

series = st.dictionaries(
    st.tuples(st.sampled_from(COINS), SECONDS_BEFORE), PRICES, min_size=1, max_size=14
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Quote], list[list[Quote]]]:
    """Return distinct quotes, and batches in which each comes at least once, in any order."""
    told = [
        quote(coin_id, str(price), NOW - timedelta(seconds=before))
        for (coin_id, before), price in draw(series).items()
    ]
    order = draw(st.permutations(told + draw(st.lists(st.sampled_from(told), max_size=6))))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)))
    edges = [0, *cuts, len(order)]
    return told, [order[a:b] for a, b in pairwise(edges)]


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(delivery=deliveries())
def test_any_order_and_repetition_leaves_the_same_prices_and_candles(
    delivery: tuple[list[Quote], list[list[Quote]]],
) -> None:
    told, batches = delivery
    for model in (Candle, Coin, PriceOrigin):
        model.objects.all().delete()
    for coin_id in COINS:
        make_coin(coin_id, price=None)
    for batch in batches:
        before = {coin.pk: coin.price_at for coin in Coin.objects.all()}
        market.ingest(quotes=batch, now=NOW)
        for coin in Coin.objects.all():
            earlier = before[coin.pk]
            assert earlier is None or (coin.price_at is not None and coin.price_at >= earlier)
    for coin_id in COINS:
        _check_coin(coin_id, [one for one in told if one.coin_id == coin_id])
    _check_candles(told)


def _check_coin(coin_id: str, told: list[Quote]) -> None:
    coin = Coin.objects.get(pk=coin_id)
    if not told:
        assert coin.last_price is None
        return
    newest = max(told, key=lambda one: one.price_at)
    assert (coin.last_price, coin.price_at) == (newest.price, newest.price_at)
    assert coin.tick_low is not None
    assert coin.tick_high is not None
    assert coin.tick_low <= newest.price <= coin.tick_high


def _check_candles(told: list[Quote]) -> None:
    expected: dict[str, list[Quote]] = {}
    for one in told:
        for resolution in SECONDS:
            key = Candle.key(one.coin_id, resolution, start_of(one.price_at, resolution))
            expected.setdefault(key, []).append(one)
    stored = {candle.pk: candle for candle in Candle.objects.all()}
    assert stored.keys() == expected.keys()
    for key, inside in expected.items():
        inside.sort(key=lambda one: one.price_at)
        candle, prices = stored[key], [one.price for one in inside]
        assert (candle.low, candle.high) == (min(prices), max(prices))
        assert (candle.open, candle.close) == (prices[0], prices[-1])
        assert (candle.open_at, candle.close_at) == (inside[0].price_at, inside[-1].price_at)


@given(st.decimals("1e-18", "999999999999999", allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_a_rounded_price_is_positive_and_has_at_most_fifteen_digits(price: Decimal) -> None:
    from market.services.rounding import round_price

    rounded = round_price(price)
    assert rounded is not None
    assert rounded > 0
    assert len(rounded.normalize().as_tuple().digits) <= 15
    assert abs(rounded - price) <= max(price * Decimal("1e-14"), Decimal("1e-18"))
    assert round_price(rounded) == rounded
