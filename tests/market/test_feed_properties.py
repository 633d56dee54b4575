"""Whatever a source sends: usable values or a FeedError, never another exception."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from market.feeds import FeedError
from market.feeds.coingecko import rows
from market.feeds.coingecko.answers import Answer, read
from market.feeds.coingecko.plans import PLANS
from market.feeds.figures import retry_after
from market.feeds.recording import read_bars, ticks
from market.quotes import Bar
from tests.conftest import NOW

from .coingecko_server import market_row
from .feed_support import unhurried

numbers = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from([Decimal("1e-19"), Decimal("1e18"), Decimal("1e999999"), Decimal("-0")]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20))
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
odd_rows = st.dictionaries(
    st.sampled_from(
        [*market_row("x", 1), "sparkline_in_7d", "market_cap_rank_with_rehypothecated"]
    ),
    anything | st.fixed_dictionaries({"price": st.lists(scalars, max_size=5)}),
    max_size=6,
).map(lambda odd: market_row("bitcoin", 1) | odd)


@unhurried
@given(st.lists(odd_rows | anything, max_size=5))
def test_any_row_is_a_quote_that_can_be_stored_or_is_left_out(odd: list[Any]) -> None:
    for quote in rows.quotes(odd, source="coingecko"):
        assert quote.price.is_finite()
        assert Decimal("1e-18") <= quote.price < Decimal("1e18")
        assert quote.price_at.tzinfo is UTC
        assert 0 < len(quote.coin_id) <= 128
        assert len(quote.symbol or "x") <= 32
        assert len(quote.name or "x") <= 128
        for figure, digits in (
            (quote.change_24h, 11),
            (quote.change_7d, 11),
            (quote.market_cap, 18),
            (quote.volume_24h, 18),
        ):
            assert figure is None or (figure.is_finite() and abs(figure) < 10**digits)
        json.dumps(quote.sparkline, allow_nan=False)


@unhurried
@given(st.lists(st.lists(scalars, min_size=2, max_size=2) | anything, max_size=8))
def test_any_points_are_bars_in_order_or_left_out(points: list[Any]) -> None:
    start, end = datetime(2009, 1, 3, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    bars = rows.bars({"prices": points}, coin_id="bitcoin", start=start, end=end)

    assert [bar.start for bar in bars] == sorted({bar.start for bar in bars})
    assert all(0 < bar.low <= min(bar.open, bar.close) for bar in bars)
    assert all(max(bar.open, bar.close) <= bar.high for bar in bars)


@unhurried
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30 * 24),
            st.integers(-90, 90),
            st.decimals("0.000001", "100000", places=6),
        ),
        min_size=8,
        max_size=60,
        unique_by=lambda point: point[0],
    )
)
def test_points_near_the_hour_keep_their_order_and_are_never_made_up(
    points: list[tuple[int, int, Decimal]],
) -> None:
    origin = NOW - timedelta(days=30)
    given_rows = [
        [int((origin + timedelta(hours=hour, seconds=off)).timestamp() * 1000), price]
        for hour, off, price in sorted(points)
    ]

    bars = rows.bars(
        {"prices": given_rows}, coin_id="bitcoin", start=origin - timedelta(days=1), end=NOW
    )

    assert len(bars) <= len(points)
    assert {bar.open for bar in bars} <= {price for _, _, price in points}
    assert {bar.close for bar in bars} <= {price for _, _, price in points}


@unhurried
@given(
    st.integers(200, 599),
    st.sampled_from(["application/json", "text/html", "", "text/plain; charset=x"]),
    st.none() | st.text(max_size=40),
    st.binary(max_size=60) | anything.map(lambda body: json.dumps(body, default=str).encode()),
)
def test_any_answer_is_json_or_a_feed_error(
    status: int, content_type: str, wait: str | None, body: bytes
) -> None:
    answer = Answer(status=status, content_type=content_type, retry_after=wait, body=body)
    for plan in PLANS.values():
        is_good, sentence = True, "-"
        try:
            read(answer, plan=plan, now=NOW)
        except FeedError as error:
            is_good, sentence = False, str(error)
        assert 0 < len(sentence) <= 300
        assert not is_good or (status, content_type) == (200, "application/json")


@unhurried
@given(st.text(max_size=60) | st.integers().map(str))
def test_any_retry_after_is_a_wait_of_at_most_five_minutes_or_none(value: str) -> None:
    wait = retry_after(value, now=NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(minutes=5)


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["5", "4", "6", "1e5", "-3", "NaN", "2020-03-11", "1583884800", ""]),
)


@unhurried
@given(st.lists(st.lists(cells, max_size=7), max_size=6), st.binary(max_size=10))
def test_any_file_is_bars_or_a_feed_error(
    tmp_path: Path, table: list[list[str]], tail: bytes
) -> None:
    path = tmp_path / "any.csv"
    lines = ["timestamp,open,high,low,close,volume", *(",".join(row) for row in table)]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + b"\n" + tail)

    with suppress(FeedError):
        for bar in read_bars(path, coin_id="bitcoin"):
            assert 0 < bar.low <= bar.open <= bar.high


@unhurried
@given(
    st.decimals("0.00000001", "100000", places=8),
    st.lists(st.integers(1, 300), min_size=3, max_size=3),
    st.sampled_from([timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)]),
    st.decimals("0", "100000000", places=8),
)
def test_the_ticks_of_a_bar_rebuild_the_bar(
    low: Decimal, ups: list[int], step: timedelta, volume: Decimal
) -> None:
    opened, closed = low * (100 + ups[0]) / 100, low * (100 + ups[1]) / 100
    bar = Bar(
        coin_id="bitcoin",
        start=NOW,
        open=opened,
        high=max(opened, closed) * (100 + ups[2]) / 100,
        low=low,
        close=closed,
        volume=volume,
        step=step,
    )

    four = list(ticks([bar], source="replay"))

    prices = [tick.price for tick in four]
    assert (prices[0], prices[-1], max(prices), min(prices)) == (opened, closed, bar.high, low)
    assert sum(tick.volume or 0 for tick in four) == volume
    assert all(NOW <= tick.price_at < NOW + step for tick in four)
