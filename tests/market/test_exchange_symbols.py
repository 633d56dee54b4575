"""The map from coins to symbols."""

from __future__ import annotations

import pytest

from market.catalogue import COINS
from market.feeds.exchanges import symbols
from market.quotes import is_coin_id

MAPS = {"coinbase": symbols.COINBASE, "kraken": symbols.KRAKEN, "binance": symbols.BINANCE}


@pytest.mark.parametrize("name", MAPS)
def test_no_two_coins_share_a_symbol(name: str) -> None:
    assert len(set(MAPS[name].values())) == len(MAPS[name])


@pytest.mark.parametrize("name", MAPS)
def test_all_keys_are_coin_ids(name: str) -> None:
    assert all(is_coin_id(coin_id) for coin_id in MAPS[name])


def test_the_symbols_of_well_known_coins_are_theirs() -> None:
    """Ids are unique and symbols are not: the map must not mistake one coin for another."""
    known = {coin.id: coin.symbol.upper() for coin in COINS}
    for coin_id in set(known) & set(symbols.COINBASE):
        assert symbols.COINBASE[coin_id] == f"{known[coin_id]}-USD"
    for coin_id in set(known) & set(symbols.KRAKEN):
        assert symbols.KRAKEN[coin_id] == f"{known[coin_id]}/USD"
    for coin_id in set(known) & set(symbols.BINANCE):
        assert symbols.BINANCE[coin_id] == f"{known[coin_id]}USDT"


def test_tether_is_never_priced_in_itself() -> None:
    assert "tether" not in symbols.BINANCE
    assert "tether" in symbols.COINBASE
    assert "tether" in symbols.KRAKEN
