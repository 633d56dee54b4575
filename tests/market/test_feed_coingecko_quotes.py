"""What CoinGecko says becomes quotes: recorded real answers, and odd ones by hand."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from market.models import FeedState
from tests.conftest import NOW

from .coingecko_server import Answer, Call, CoinGeckoServer, market_row
from .feed_support import MakeFeed, make_feed, pauses, server

__all__ = ["make_feed", "pauses", "server"]

pytestmark = pytest.mark.once


def test_the_250_recorded_coins_arrive_in_one_call(
    make_feed: MakeFeed, server: CoinGeckoServer, recorded_data: Path
) -> None:
    recording = recorded_data / "coingecko_coins_markets_usd_250_2024-11-21.json"
    server.answer("/coins/markets", Answer.file(recording))

    quotes = make_feed().quotes([], now=NOW)

    assert len(server.calls) == 1
    assert len(quotes) == len({quote.coin_id for quote in quotes}) == 250
    by_id = {quote.coin_id: quote for quote in quotes}
    assert by_id["bitcoin"].price == 98109
    assert by_id["bitcoin"].price_at == datetime(2024, 11, 21, 22, 24, 18, 609000, tzinfo=UTC)
    assert by_id["bitcoin"].change_24h == Decimal("3.9120")
    assert by_id["bitcoin"].market_cap == 1942082111924
    assert by_id["ethereum"].price == Decimal("3372.54")
    assert min(quote.price for quote in quotes) == Decimal("2.264E-9")
    assert {quote.source for quote in quotes} == {"coingecko"}
    symbols = [quote.symbol for quote in quotes]
    assert {s for s in symbols if symbols.count(s) > 1} == {"doge", "weth", "wbtc"}


def test_the_recorded_answer_that_is_wrapped_in_data_is_read_too(
    make_feed: MakeFeed, server: CoinGeckoServer, recorded_data: Path
) -> None:
    recording = recorded_data / "coingecko_coins_markets_usd_100_2023-10-08.json"
    server.answer("/coins/markets", Answer.file(recording))

    quotes = make_feed().quotes([], now=NOW)

    assert len(quotes) == 100
    assert quotes[0].coin_id == "bitcoin"
    assert quotes[0].price == 27887
    assert quotes[0].change_24h == Decimal("-0.0710")


def test_a_quote_keeps_every_digit_of_the_price(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    body = b'[{"id": "tiny", "symbol": "t", "name": "Tiny", "current_price": 0.1234567890123456789,'
    body += b' "last_updated": "2026-11-20T11:59:30.123Z"}]'
    server.answer("/coins/markets", Answer(body=body))

    [quote] = make_feed().quotes(["tiny"], now=NOW)

    assert quote.price == Decimal("0.1234567890123456789")


def test_the_call_asks_for_what_the_market_shows(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json([market_row("bitcoin", 97000)]))

    make_feed().quotes(["bitcoin", "ethereum", "bitcoin"], now=NOW)

    [call] = server.calls
    assert call.params == {
        "vs_currency": "usd",
        "ids": "bitcoin,ethereum",
        "order": "market_cap_desc",
        "per_page": "250",
        "page": "1",
        "sparkline": "true",
        "price_change_percentage": "24h,7d",
        "include_rehypothecated": "true",
        "precision": "full",
    }
    assert call.headers["user-agent"].startswith("CryptoPulse/")


def test_six_hundred_coins_are_three_calls_and_all_of_them_arrive(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    def some(call: Call) -> Answer:
        return Answer.json([market_row(i, 5) for i in call.params["ids"].split(",")])

    server.answer("/coins/markets", some)
    wanted = [f"coin-{i}" for i in range(600)]

    quotes = make_feed().quotes(wanted, now=NOW)

    assert [quote.coin_id for quote in quotes] == wanted
    assert len(server.calls) == 3
    assert FeedState.objects.get(name="coingecko").calls_this_month == 3


def test_long_ids_never_make_an_address_that_servers_refuse(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json([]))

    make_feed().quotes([f"{i:03}" + "x" * 120 for i in range(250)], now=NOW)

    assert sum(len(call.params["ids"].split(",")) for call in server.calls) == 250
    assert max(len(call.params["ids"]) for call in server.calls) < 6001


def test_a_coin_that_coingecko_does_not_know_is_left_out(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json([market_row("bitcoin", 97000)]))

    quotes = make_feed().quotes(["bitcoin", "no-such-coin"], now=NOW)

    assert [quote.coin_id for quote in quotes] == ["bitcoin"]


def test_what_can_be_no_id_is_not_asked_for(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    assert make_feed().quotes(["", "a,b", "../key", "x" * 129, "a b"], now=NOW) == []
    assert server.calls == []


@pytest.mark.parametrize(
    "odd",
    [
        {"current_price": None},
        {"current_price": 0},
        {"current_price": -3},
        {"current_price": "97000"},
        {"current_price": True},
        {"current_price": 10**400},
        {"current_price": 1e-300},
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"id": "x" * 129},
        {"last_updated": None},
        {"last_updated": "yesterday"},
        {"last_updated": ""},
        {"last_updated": {}},
        {"last_updated": "0001-01-01T00:00:00Z"},
        {"last_updated": 10**30},
    ],
    ids=lambda odd: f"{next(iter(odd))}={str(next(iter(odd.values())))[:12]}",
)
def test_a_row_without_a_usable_price_is_left_out_and_harms_no_other(
    make_feed: MakeFeed, server: CoinGeckoServer, odd: dict[str, object]
) -> None:
    rows = [market_row("strange", 1, **odd), market_row("bitcoin", 97000)]
    server.answer("/coins/markets", Answer.json(rows))

    quotes = make_feed().quotes([], now=NOW)

    assert [quote.coin_id for quote in quotes] == ["bitcoin"]


def test_rows_that_are_no_objects_are_left_out(
    make_feed: MakeFeed, server: CoinGeckoServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer("/coins/markets", Answer.json([None, 3, "x", [], market_row("bitcoin", 1)]))

    with caplog.at_level(logging.INFO, "market"):
        assert len(make_feed().quotes([], now=NOW)) == 1
    assert "4 rows without a usable price were left out" in caplog.text


def test_a_row_of_nulls_is_a_quote_as_long_as_it_has_a_price(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    bare = dict.fromkeys(market_row("x", 1), None) | {
        "id": "bare",
        "current_price": 2,
        "last_updated": "2026-11-20T11:59:30Z",
        "sparkline_in_7d": None,
    }
    server.answer("/coins/markets", Answer.json([bare]))

    [quote] = make_feed().quotes([], now=NOW)

    assert quote.price == 2
    assert (quote.symbol, quote.name, quote.rank, quote.market_cap) == (None, None, None, None)
    assert (quote.change_24h, quote.change_7d, quote.volume_24h) == (None, None, None)
    assert quote.sparkline == []


def test_a_wrapped_token_takes_its_rank_from_the_other_field(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    wrapped = market_row(
        "wrapped-steth", 4000, market_cap_rank=None, market_cap_rank_with_rehypothecated=9
    )
    server.answer("/coins/markets", Answer.json([wrapped]))

    assert make_feed().quotes([], now=NOW)[0].rank == 9


def test_figures_that_no_column_takes_are_none(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    absurd = market_row(
        "scam",
        1,
        market_cap=10**30,
        total_volume=1e25,
        price_change_percentage_24h=1e20,
        market_cap_rank=-4,
        symbol="s" * 500,
        name="Free\x00 money\n" + "!" * 500,
    )
    server.answer("/coins/markets", Answer.json([absurd]))

    [quote] = make_feed().quotes([], now=NOW)

    assert (quote.market_cap, quote.volume_24h, quote.change_24h) == (None, None, None)
    assert quote.rank is None
    assert quote.symbol == "s" * 32
    assert quote.name is not None
    assert quote.name.startswith("Free money!")
    assert len(quote.name) == 128


def test_changes_and_the_sparkline_are_read(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    points: list[float | None] = [*(100.0 + i for i in range(167)), None, 999.123456789]
    row = market_row(
        "bitcoin",
        97000,
        price_change_percentage_24h_in_currency=1.23456789,
        price_change_percentage_7d_in_currency=-7,
        sparkline_in_7d={"price": points},
    )
    server.answer("/coins/markets", Answer.json([row]))

    [quote] = make_feed().quotes([], now=NOW)

    assert quote.change_24h == Decimal("1.2346")
    assert quote.change_7d == Decimal("-7.0000")
    assert len(quote.sparkline) == 56
    assert (quote.sparkline[0], quote.sparkline[-1]) == (100.0, 999.123)
    assert quote.sparkline == sorted(quote.sparkline)


def test_the_same_coin_twice_in_an_answer_is_one_quote(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    rows = [market_row("bitcoin", 1), market_row("bitcoin", 2)]
    server.answer("/coins/markets", Answer.json(rows))

    assert [quote.price for quote in make_feed().quotes([], now=NOW)] == [1]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T11:59:30+02:00", datetime(2026, 11, 20, 9, 59, 30, tzinfo=UTC)),
        ("2026-11-20T11:59:30", datetime(2026, 11, 20, 11, 59, 30, tzinfo=UTC)),
        (1795175970, datetime(2026, 11, 20, 11, 59, 30, tzinfo=UTC)),
        (1795175970123, datetime(2026, 11, 20, 11, 59, 30, 123000, tzinfo=UTC)),
    ],
)
def test_other_ways_to_write_a_time_are_understood(
    make_feed: MakeFeed, server: CoinGeckoServer, text: object, moment: datetime
) -> None:
    server.answer("/coins/markets", Answer.json([market_row("bitcoin", 1, last_updated=text)]))

    assert make_feed().quotes([], now=NOW)[0].price_at == moment


def test_what_arrived_before_a_later_call_failed_is_kept(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    first = [market_row(f"coin-{i}", 5) for i in range(250)]
    server.answer("/coins/markets", Answer.json(first), Answer(status=500, body=b"{}"))

    quotes = make_feed().quotes([f"coin-{i}" for i in range(300)], now=NOW)

    assert len(quotes) == 250
