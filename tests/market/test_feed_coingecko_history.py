"""CoinGecko's points become bars on a grid; the plan's reach is known before a call is spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from market.feeds import FeedError
from tests.conftest import NOW

from .coingecko_server import Answer, CoinGeckoServer
from .feed_support import MakeFeed, make_feed, pauses, server

__all__ = ["make_feed", "pauses", "server"]

pytestmark = pytest.mark.once

HOUR = timedelta(hours=1)
CHART = "/coins/bitcoin/market_chart"


def chart(*points: tuple[datetime, float | None]) -> Answer:
    prices = [[round(at.timestamp() * 1000), price] for at, price in points]
    return Answer.json({"prices": prices, "market_caps": [], "total_volumes": []})


def test_the_recorded_week_becomes_hours_without_a_gap(
    make_feed: MakeFeed, server: CoinGeckoServer, recorded_data: Path
) -> None:
    recording = recorded_data / "coingecko_market_chart_bitcoin_7d_2023-10.json"
    server.answer(CHART, Answer.file(recording))
    end = datetime(2023, 10, 10, 18, 41, 43, tzinfo=UTC)

    def clock() -> datetime:
        return end

    bars = make_feed(clock=clock).history("bitcoin", start=end - timedelta(days=7), end=end)

    assert server.calls[0].params == {"vs_currency": "usd", "precision": "full", "days": "7"}
    assert {bar.step for bar in bars} == {HOUR}
    assert {later.start - earlier.start for earlier, later in pairwise(bars)} == {HOUR}
    assert bars[0].start == datetime(2023, 10, 3, 19, tzinfo=UTC)
    assert bars[0].open == Decimal("27309.802923311734")
    assert all(later.open == earlier.close for earlier, later in pairwise(bars))
    assert len(bars) == 168  # of 169 points: "now" closes the last hour
    assert bars[-1].start == datetime(2023, 10, 10, 18, tzinfo=UTC)
    assert (bars[-1].open, bars[-1].close) == (
        Decimal("27382.816290914565"),
        Decimal("27339.363878680077"),
    )


def test_points_beside_the_grid_are_put_on_it(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    start = NOW - 3 * HOUR
    server.answer(
        CHART,
        chart(
            (start + timedelta(seconds=40), 100),
            (start + HOUR - timedelta(seconds=25), 110),
            (start + 2 * HOUR + timedelta(seconds=2), 90),
            (NOW - timedelta(minutes=11), 95),
        ),
    )

    bars = make_feed().history("bitcoin", start=start, end=NOW)

    assert [bar.start for bar in bars] == [start, start + HOUR, start + 2 * HOUR]
    assert [bar.open for bar in bars] == [100, 110, 90]
    assert [bar.close for bar in bars] == [110, 90, 95]  # the last point is "now"
    assert [bar.low for bar in bars] == [100, 90, 90]
    assert [bar.high for bar in bars] == [110, 110, 95]


def test_a_gap_stays_a_gap(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    start = NOW - 9 * HOUR
    hours = (0, 1, 2, 6, 7, 8)
    server.answer(CHART, chart(*((start + i * HOUR, 100 + i) for i in hours)))

    bars = make_feed().history("bitcoin", start=start, end=NOW)

    assert [(bar.start - start) / HOUR for bar in bars] == list(hours)
    assert [bars[2].open, bars[2].close] == [102, 102]


@pytest.mark.parametrize(
    ("step", "days"),
    [(timedelta(minutes=5), "1"), (HOUR, "30"), (timedelta(days=1), "365")],
)
def test_the_grain_follows_from_the_answer(
    make_feed: MakeFeed, server: CoinGeckoServer, step: timedelta, days: str
) -> None:
    first = NOW.replace(hour=0) - 10 * step
    server.answer(CHART, chart(*((first + i * step, 100 + i) for i in range(11))))

    bars = make_feed().history("bitcoin", start=NOW - timedelta(days=int(days)), end=NOW)

    assert server.calls[0].params["days"] == days
    assert {bar.step for bar in bars} == {step}
    assert len(bars) == 11


def test_an_older_span_is_asked_for_as_a_range(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    start, end = NOW - timedelta(days=20), NOW - timedelta(days=10)
    before, inside, after = start - HOUR, start + HOUR, end + HOUR
    server.answer(f"{CHART}/range", chart((before, 1), (inside, 2), (inside + HOUR, 3), (after, 4)))

    bars = make_feed().history("bitcoin", start=start, end=end)

    assert server.calls[0].params == {
        "vs_currency": "usd",
        "precision": "full",
        "from": str(int(start.timestamp())),
        "to": str(int(end.timestamp())),
    }
    assert [bar.open for bar in bars] == [2, 3]  # only what was asked for


@pytest.mark.parametrize("plan", ["keyless", "demo"])
def test_history_beyond_a_free_plan_is_refused_without_a_call(
    make_feed: MakeFeed, server: CoinGeckoServer, plan: str
) -> None:
    with pytest.raises(FeedError) as caught:
        make_feed(plan=plan, api_key="CG-x").history(
            "bitcoin", start=NOW - timedelta(days=3650), end=NOW
        )

    assert str(caught.value) == (
        f"CoinGecko's {plan} plan reaches 365 days back and no further. Ask for a later start, "
        "use a paid plan (COINGECKO_PLAN=pro), or load older prices from a CSV file."
    )
    assert caught.value.permanent
    assert server.calls == []


def test_a_year_that_was_a_year_a_moment_ago_is_still_granted(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer(CHART, chart((NOW - timedelta(days=3), 1)))

    make_feed().history("bitcoin", start=NOW - timedelta(days=365, minutes=5), end=NOW)

    assert server.calls[0].params["days"] == "365"


def test_a_paid_plan_reaches_to_the_beginning(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    server.answer(CHART, chart((datetime(2013, 4, 28, tzinfo=UTC), 135.3)))
    start = datetime(2013, 4, 28, tzinfo=UTC)

    bars = make_feed(plan="pro", api_key="CG-x").history("bitcoin", start=start, end=NOW)

    assert [bar.open for bar in bars] == [Decimal("135.3")]


def test_points_that_are_none_are_left_out(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    odd = [[None, 3], [1, 2, 3], "x", [1795175970000, "5"], [1795175970000, None], [True, 1]]
    server.answer(CHART, Answer.json({"prices": odd}))

    assert make_feed().history("bitcoin", start=NOW - HOUR, end=NOW) == []


@pytest.mark.parametrize("content", [[], {"coins": []}, None])
def test_an_answer_without_prices_is_an_error(
    make_feed: MakeFeed, server: CoinGeckoServer, content: object
) -> None:
    server.answer(CHART, Answer.json(content))

    with pytest.raises(FeedError, match="a form that it never had"):
        make_feed().history("bitcoin", start=NOW - HOUR, end=NOW)


def test_a_delisted_coin_is_an_error_of_this_question_only(make_feed: MakeFeed) -> None:
    with pytest.raises(FeedError, match="does not know this coin") as caught:
        make_feed().history("gone", start=NOW - HOUR, end=NOW)

    assert (caught.value.permanent, caught.value.misconfigured) == (True, False)


@pytest.mark.parametrize("coin_id", ["", "../ping", "a/b", "bit coin", "x?y=1", "é" * 200])
def test_what_can_be_no_id_never_becomes_an_address(
    make_feed: MakeFeed, server: CoinGeckoServer, coin_id: str
) -> None:
    with pytest.raises(FeedError, match="is no id of a coin"):
        make_feed().history(coin_id, start=NOW - HOUR, end=NOW)
    assert server.calls == []


def test_an_empty_span_costs_nothing(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    assert make_feed().history("bitcoin", start=NOW, end=NOW) == []
    assert make_feed().history("bitcoin", start=NOW + HOUR, end=NOW + 2 * HOUR) == []
    assert server.calls == []
