"""Candles as values: merging, rolling up, averaging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from market.candles import SECONDS, Close, Rolled, finest, mean, merge, roll_up, start_of

from .scripted import values

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def point(second: int, price: int) -> Rolled:
    at, value = START + timedelta(seconds=second), Decimal(price)
    return Rolled("bitcoin", "1h", START, value, value, value, value, at, at, None, "csv")


points = st.dictionaries(st.integers(0, 3599), st.integers(1, 10**6), min_size=1, max_size=12)


@given(points, st.randoms())
def test_merging_is_the_same_in_any_order_and_repetition(
    prices: dict[int, int], random: object
) -> None:
    told = [point(second, price) for second, price in prices.items()]
    shuffled = told + told[: len(told) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    merged = reduce(merge, shuffled)
    seconds = sorted(prices)
    assert values(merged, "open close") == (prices[seconds[0]], prices[seconds[-1]])
    assert values(merged, "low high") == (min(prices.values()), max(prices.values()))


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_interval_begins_at_most_its_length_before(at: datetime) -> None:
    for resolution, seconds in SECONDS.items():
        start = start_of(at, resolution)
        assert timedelta(0) <= at - start < timedelta(seconds=seconds)
        assert start_of(start, resolution) == start
    assert start_of(at, "1d").hour == 0


def _minute(coin_id: str, number: int) -> Rolled:
    at = START + timedelta(minutes=number)
    return Rolled(
        coin_id=coin_id,
        resolution="1m",
        start=at,
        open=Decimal(number + 1),
        high=Decimal(number + 5),
        low=Decimal(1),
        close=Decimal(number + 2),
        open_at=at,
        close_at=at + timedelta(seconds=59),
        volume=Decimal(2),
        source="csv",
    )


def test_rolling_up_keeps_coins_apart_and_adds_volumes() -> None:
    minutes = [_minute(coin_id, number) for coin_id in ("a", "b") for number in (2, 0, 1)]
    a, b = roll_up(minutes, "5m")
    assert (a.coin_id, b.coin_id) == ("a", "b")
    assert values(a, "open high low close volume") == (1, 7, 1, 4, 6)
    assert (a.resolution, a.start) == ("5m", START)


def test_a_coarse_close_counts_only_where_no_finer_one_is() -> None:
    hour, five = (
        Close(START, "1h", Decimal(10)),
        Close(START + timedelta(minutes=55), "5m", Decimal(20)),
    )
    next_hour = Close(START + timedelta(hours=1), "1h", Decimal(32))
    assert finest([hour, next_hour, five]) == [five, next_hour]
    midnight = start_of(START, "1d")
    assert mean([five, next_hour], {midnight: Decimal(1)}) == (20 * 300 + 32 * 3600) / Decimal(3900)
    assert mean([], {}) is None
