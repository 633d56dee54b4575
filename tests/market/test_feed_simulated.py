"""Simulated prices: a pure function of seed, coin and time, plausible and quick."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median, pstdev

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from market.catalogue import BY_ID, COINS, EXCHANGE_RATES, RANKS, STILL
from market.feeds.simulated import SimulatedFeed
from market.quotes import Quote
from tests.conftest import NOW

from .feed_support import unhurried

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

moments = st.datetimes(
    min_value=datetime(2010, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def price(coin_id: str, at: datetime, *, seed: int = 1) -> Decimal:
    return SimulatedFeed(seed=seed).quotes([coin_id], now=at)[0].price


def test_a_new_database_gets_some_forty_coins_labelled_as_simulated() -> None:
    quotes = SimulatedFeed().quotes([], now=NOW)

    assert len(quotes) == len(COINS) >= 40
    assert {quote.source for quote in quotes} == {"simulated"}
    assert {quote.price_at for quote in quotes} == {NOW}
    assert [quote.rank for quote in quotes] == list(range(1, len(quotes) + 1))
    assert (quotes[0].coin_id, quotes[0].symbol, quotes[0].name) == ("bitcoin", "btc", "Bitcoin")
    assert not SimulatedFeed.is_real


def test_the_same_seed_and_moment_give_the_same_quote_in_another_process() -> None:
    script = (
        "from datetime import datetime\n"
        "from market.feeds.simulated import SimulatedFeed\n"
        f"now = datetime.fromisoformat('{NOW.isoformat()}')\n"
        "print([q.price for q in SimulatedFeed().quotes([], now=now)])"
    )
    other = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    assert other.stdout.strip() == str([q.price for q in SimulatedFeed().quotes([], now=NOW)])


def test_another_seed_is_another_market() -> None:
    assert price("bitcoin", NOW, seed=1) != price("bitcoin", NOW, seed=2)


def test_a_coin_that_is_not_in_the_catalogue_is_left_out() -> None:
    quotes = SimulatedFeed().quotes(["bitcoin", "no-such-coin", "bitcoin"], now=NOW)
    assert [quote.coin_id for quote in quotes] == ["bitcoin"]


@unhurried
@given(coin=st.sampled_from(COINS), at=moments)
def test_a_price_is_always_positive_and_never_far_from_its_base(coin: object, at: datetime) -> None:
    [quote] = SimulatedFeed().quotes([coin.id], now=at)  # type: ignore[attr-defined]
    base = coin.price  # type: ignore[attr-defined]

    assert base / 12 < quote.price < base * 12
    assert quote.change_24h is not None
    assert -80 < quote.change_24h < 400
    assert quote.market_cap is not None
    assert 0 < quote.market_cap < 10**15
    assert quote.volume_24h is not None
    assert quote.volume_24h > 0


def test_a_day_moves_bitcoin_by_two_to_three_percent() -> None:
    feed = SimulatedFeed()
    closes = [float(feed.quotes(["bitcoin"], now=NOW - i * DAY)[0].price) for i in range(500)]
    moves = [math.log(later / earlier) for later, earlier in pairwise(closes)]

    assert 0.02 < pstdev(moves) < 0.03


def test_a_tether_stays_a_dollar() -> None:
    feed = SimulatedFeed()
    prices = [feed.quotes(["tether"], now=NOW - i * DAY)[0].price for i in range(500)]
    assert all(Decimal("0.98") < p < Decimal("1.02") for p in prices)


@pytest.mark.parametrize(("lag", "share"), [(MINUTE, 1), (HOUR, 1), (DAY, 1), (7 * DAY, 1)])
def test_changes_grow_with_the_root_of_time_as_a_random_walks_do(
    lag: timedelta, share: float
) -> None:
    feed = SimulatedFeed()
    expected = [
        (float(coin.daily_move) * math.sqrt(lag / DAY), coin)
        for coin in COINS
        if coin.daily_move > STILL
    ]
    scaled = []
    for usual, coin in expected:
        for i in range(15):
            at = NOW - i * 1.37 * lag
            before = feed._price(coin.id, (at - lag).timestamp())
            scaled.append(math.log(feed._price(coin.id, at.timestamp()) / before) / usual)

    assert pstdev(scaled) == pytest.approx(share, rel=0.2)


def test_prices_move_within_seconds() -> None:
    prices = [price("bitcoin", NOW + timedelta(seconds=2 * i)) for i in range(10)]

    assert len(set(prices)) == 10
    assert max(prices) / min(prices) < Decimal("1.005")


def test_changes_and_the_sparkline_tell_the_same_story_as_the_prices() -> None:
    at = NOW + timedelta(minutes=17)
    [quote] = SimulatedFeed().quotes(["ethereum"], now=at)
    day_ago, week_ago = price("ethereum", at - DAY), price("ethereum", at - 7 * DAY)

    assert quote.change_24h == pytest.approx((quote.price / day_ago - 1) * 100, abs=Decimal("1e-3"))
    assert quote.change_7d == pytest.approx((quote.price / week_ago - 1) * 100, abs=Decimal("1e-3"))
    assert len(quote.sparkline) == 57
    assert quote.sparkline[-1] == pytest.approx(float(quote.price), rel=1e-5)
    grid = [NOW - (55 - i) * 3 * HOUR for i in range(56)]
    assert quote.sparkline[:-1] == pytest.approx(
        [float(price("ethereum", then)) for then in grid], rel=1e-5
    )


def test_a_tick_of_all_coins_takes_less_than_fifteen_milliseconds_of_work() -> None:
    feed = SimulatedFeed()
    feed.quotes([], now=NOW)
    took = []
    for i in range(1, 40):
        began = time.thread_time()  # what others do on this machine meanwhile does not count
        feed.quotes([], now=NOW + timedelta(seconds=2 * i))
        took.append(time.thread_time() - began)
    assert median(took) < 0.015


@pytest.mark.parametrize(
    ("span", "step", "count"),
    [(DAY, 5 * MINUTE, 288), (90 * DAY, HOUR, 2160), (365 * DAY, DAY, 365)],
)
def test_history_is_as_fine_as_the_span_allows(
    span: timedelta, step: timedelta, count: int
) -> None:
    midnight = NOW.replace(hour=0)
    bars = SimulatedFeed().history("dogecoin", start=midnight - span, end=midnight)

    assert len(bars) == count
    assert {bar.step for bar in bars} == {step}
    assert bars[0].start == midnight - span
    assert all(bar.start.timestamp() % step.total_seconds() == 0 for bar in bars)
    assert all(b.start - a.start == step and b.open == a.close for a, b in pairwise(bars))


def test_bars_are_whole_and_agree_with_the_quotes() -> None:
    bars = SimulatedFeed().history("bitcoin", start=NOW - 10 * DAY, end=NOW + 20 * MINUTE)

    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume is not None
        assert bar.volume > 0
        assert bar.open == price("bitcoin", bar.start)
    assert any(bar.high > max(bar.open, bar.close) for bar in bars)
    assert bars[-1].start == NOW
    assert bars[-1].close == price("bitcoin", NOW + 20 * MINUTE)  # the hour is not over


def test_a_whole_year_of_bars_opens_at_the_prices_of_their_moments() -> None:
    feed = SimulatedFeed()
    bars = feed.history("solana", start=NOW - 365 * DAY, end=NOW)
    assert [bar.open for bar in bars] == [price("solana", bar.start) for bar in bars]


def test_history_of_nothing_is_empty() -> None:
    feed = SimulatedFeed()
    assert feed.history("no-such-coin", start=NOW - DAY, end=NOW) == []
    assert feed.history("bitcoin", start=NOW, end=NOW) == []
    assert feed.history("bitcoin", start=NOW, end=NOW - DAY) == []


def test_history_since_ever_is_bounded() -> None:
    start = datetime(1, 1, 2, tzinfo=UTC)
    assert len(SimulatedFeed().history("bitcoin", start=start, end=NOW)) == 1830


def test_every_currency_of_the_settings_has_a_rate() -> None:
    rates = SimulatedFeed().exchange_rates([*settings.CURRENCIES, "XXX"], now=NOW)
    assert rates == {code: EXCHANGE_RATES[code] for code in settings.CURRENCIES}


def test_the_search_puts_the_symbol_before_the_name_before_the_rest() -> None:
    feed = SimulatedFeed()
    assert feed.search("ETH", now=NOW)[0] == ("ethereum", "eth", "Ethereum")
    assert [row[0] for row in feed.search("bitcoin", now=NOW)] == ["bitcoin", "bitcoin-cash"]
    assert feed.search("near", now=NOW)[0][0] == "near"
    assert feed.search("", now=NOW) == []
    assert feed.search("zzz", now=NOW) == []


def test_the_interval_is_what_the_settings_say_but_never_nothing() -> None:
    assert SimulatedFeed(interval=5).interval(now=NOW) == timedelta(seconds=5)
    assert SimulatedFeed(interval=0).interval(now=NOW) > timedelta(0)


def test_the_catalogue_is_one_of_well_known_coins() -> None:
    assert len(BY_ID) == len(COINS)
    assert RANKS["bitcoin"] == 1
    for coin in COINS:
        assert coin.price > 0
        assert coin.supply > 0
        assert coin.category
        assert coin.id == coin.id.lower()
        assert coin.symbol == coin.symbol.lower()


def test_quotes_fit_the_columns_that_keep_them() -> None:
    quotes: list[Quote] = SimulatedFeed().quotes([], now=NOW)
    for quote in quotes:
        assert quote.market_cap is not None
        assert quote.market_cap.adjusted() < 18
        assert quote.volume is not None
        assert quote.volume.adjusted() < 22
        assert len(quote.price.as_tuple().digits) <= 8
