"""What somebody chooses to compare: read from the address, kept in every link."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.http import QueryDict

from market.chart_views import MOST_COINS, read_choice


@dataclass(frozen=True)
class NamedCoin:
    id: str
    symbol: str
    name: str


BITCOIN = NamedCoin("bitcoin", "btc", "Bitcoin")
CASH = NamedCoin("bitcoin-cash", "bch", "Bitcoin Cash")
SOLANA = NamedCoin("solana", "sol", "Solana")
OTHERS = [NamedCoin(f"coin-{n}", f"c{n}", f"Coin {n}") for n in range(1, 9)]
COINS = [BITCOIN, CASH, SOLANA, *OTHERS]


def chosen(query: str) -> list[str]:
    return [coin.id for coin in read_choice(QueryDict(query), COINS).coins]


def test_who_has_not_chosen_sees_the_largest() -> None:
    assert chosen("") == ["bitcoin", "bitcoin-cash", "solana"]
    assert chosen("range=1y") == ["bitcoin", "bitcoin-cash", "solana"]


def test_coins_come_in_the_order_they_were_chosen_in_each_once() -> None:
    assert chosen("coins=solana&coins=bitcoin&coins=solana&coins=nothing") == ["solana", "bitcoin"]


@pytest.mark.parametrize("typed", ["sol", "SOL", "Solana", "Solana (SOL)", "solana (sol)", " sol "])
def test_a_coin_is_added_by_name_symbol_or_what_the_list_offers(typed: str) -> None:
    assert chosen(f"coins=bitcoin&add={typed}") == ["bitcoin", "solana"]


def test_a_symbol_is_preferred_to_a_part_of_a_name() -> None:
    assert chosen("coins=solana&add=bch") == ["solana", "bitcoin-cash"]


@pytest.mark.parametrize("typed", ["zzz", "' or 1=1", "💥"])
def test_what_no_coin_is_called_is_refused_and_kept(typed: str) -> None:
    choice = read_choice(QueryDict(f"coins=bitcoin&add={typed}"), COINS)
    assert choice.coins == [BITCOIN]
    assert choice.added == typed
    assert "No coin matches" in choice.error


def test_more_coins_than_can_be_told_apart_are_cut_with_a_word() -> None:
    choice = read_choice(QueryDict("&".join(f"coins={coin.id}" for coin in COINS)), COINS)
    assert len(choice.coins) == MOST_COINS
    assert "more lines than that cannot be told apart" in choice.error
    full = "&".join(f"coins={coin.id}" for coin in COINS[:MOST_COINS])
    assert read_choice(QueryDict(full), COINS).is_full
    assert "cannot be told apart" in read_choice(QueryDict(f"{full}&add=Coin 8"), COINS).error


def test_links_leave_out_one_coin_or_change_the_range() -> None:
    choice = read_choice(QueryDict("coins=bitcoin&coins=solana&range=1y"), COINS)
    assert choice.address == "?coins=bitcoin&coins=solana&range=1y"
    assert choice.without(BITCOIN) == "?coins=solana&range=1y"
    assert choice.at("1h") == "?coins=bitcoin&coins=solana&range=1h"


def test_taking_the_last_coin_off_leaves_none_and_not_the_first_three() -> None:
    choice = read_choice(QueryDict("coins=bitcoin&range=7d"), COINS)
    assert chosen(choice.without(BITCOIN).removeprefix("?")) == []


@pytest.mark.parametrize("range_name", ["", "2w", "\0"])
def test_a_range_that_there_is_not_is_the_default(range_name: str) -> None:
    query = QueryDict(mutable=True)
    query["range"] = range_name
    assert read_choice(query, COINS).range_name == "7d"
