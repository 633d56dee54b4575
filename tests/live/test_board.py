"""The board merges ticks and the database; the newer price wins."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptopulse.live.board import Board, decimal_text, encode_quotes
from market.quotes import Quote

from .conftest import entry, tick


@pytest.fixture
def board() -> Board:
    board = Board(stale_after=300)
    board.load([entry(), entry("ethereum", price="10", rank=2)])
    return board


def test_a_snapshot_holds_every_coin_by_rank(board: Board) -> None:
    board.load([entry("nameless", rank=None), entry("ethereum", rank=2), entry()])

    snapshot = json.loads(board.snapshot(now=5000))

    assert [coin["id"] for coin in snapshot["coins"]] == ["bitcoin", "ethereum", "nameless"]
    assert snapshot["coins"][0] == {
        "id": "bitcoin",
        "symbol": "bit",
        "name": "Bitcoin",
        "rank": 1,
        "price": "100",
        "at": 1000,
        "change_24h": "1.5",
        "source": "simulated",
    }
    assert {key: snapshot[key] for key in ("type", "at", "source", "simulated", "stale_after")} == {
        "type": "snapshot",
        "at": 5000,
        "source": "simulated",
        "simulated": True,
        "stale_after": 300,
    }


def test_a_tick_says_where_the_moved_coins_stand(board: Board) -> None:
    moved, strangers = board.merge(tick("101.5", at=2000, change="2.31"))

    assert (moved, strangers) == ({"bitcoin"}, False)
    frame = json.loads(board.tick(moved, now=2001))
    assert frame["type"] == "tick"
    assert [(coin["id"], coin["price"], coin["change_24h"]) for coin in frame["coins"]] == [
        ("bitcoin", "101.5", "2.31")
    ]


def test_a_change_that_the_source_does_not_say_stays(board: Board) -> None:
    board.merge(tick("101.5", at=2000, change=None))

    assert board.entries["bitcoin"].change_24h == "1.5"


@pytest.mark.parametrize("at", [999, 1000])
def test_an_older_or_equal_quote_moves_nothing(board: Board, at: int) -> None:
    moved, _ = board.merge(tick("1", at=at))

    assert moved == set()
    assert board.entries["bitcoin"].price == "100"


def test_a_coin_that_is_not_on_the_board_is_reported_and_not_shown(board: Board) -> None:
    moved, strangers = board.merge(tick("1", at=2000, coin_id="dogecoin"))

    assert (moved, strangers) == (set(), True)
    assert "dogecoin" not in board.entries


def test_the_database_says_which_coins_there_are_but_an_old_price_does_not_win(
    board: Board,
) -> None:
    board.merge(tick("105", at=3000))

    assert board.load([entry(price="101", at=2000, name="Bitcoin Core")])
    assert set(board.entries) == {"bitcoin"}
    assert board.entries["bitcoin"].price == "105"
    assert board.entries["bitcoin"].name == "Bitcoin Core"


def test_loading_what_is_known_is_no_news(board: Board) -> None:
    board.merge(tick("105", at=3000))

    assert not board.load([entry(), entry("ethereum", price="10", rank=2)])


@pytest.mark.parametrize(
    "payload",
    ["", "nonsense", "1", "null", '["x"]', '[{"id": "bitcoin"}]', "[[]]", '{"id": 1}',
     '[{"id": "bitcoin", "at": "noon", "price": "1", "source": "", "change_24h": null}]'],
)  # fmt: skip
def test_what_is_not_a_tick_is_a_value_error(board: Board, payload: str) -> None:
    with pytest.raises(ValueError, match=r"tick|Expecting"):
        board.merge(payload)


def test_an_empty_board_has_an_empty_snapshot() -> None:
    snapshot = json.loads(Board(stale_after=300).snapshot(now=1))

    assert snapshot["coins"] == []
    assert snapshot["source"] == ""
    assert snapshot["simulated"] is False


@given(st.decimals(min_value=Decimal("1e-18"), max_value=10**12, places=18))
def test_prices_travel_exactly(price: Decimal) -> None:
    text = decimal_text(price)

    assert text is not None
    assert Decimal(text) == price
    assert "E" not in text


def test_quotes_are_encoded_for_the_way() -> None:
    quote = Quote(
        coin_id="bitcoin",
        price=Decimal("97412.200"),
        price_at=datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC),
        source="coingecko",
    )

    sent: list[dict[str, Any]] = json.loads(encode_quotes([quote]))

    assert sent == [
        {
            "id": "bitcoin",
            "price": "97412.2",
            "at": 1795176000250,
            "change_24h": None,
            "source": "coingecko",
        }
    ]
