"""A recorded answer of CoinGecko, from the wire to the first frame that a browser gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.market.coingecko_server import Answer, CoinGeckoServer

from .conftest import StartPulse
from .product import Person, listen, receive_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

RECORDED = "coingecko_coins_markets_usd_250_2024-11-21.json"


@pytest.fixture
def coingecko(recorded_data: Path) -> Iterator[CoinGeckoServer]:
    """A CoinGecko on loopback that answers what the real one answered on that day."""
    with CoinGeckoServer().running() as server:
        server.answer("/coins/markets", Answer.file(recorded_data / RECORDED))
        yield server


def test_a_recorded_answer_ends_as_250_coins_in_the_first_frame(
    coingecko: CoinGeckoServer, pulse: StartPulse, recorded_data: Path
) -> None:
    product = pulse(MARKET_FEEDS="", COINGECKO_URL=coingecko.url)
    product.wait_until_it_serves()

    with listen(product.port, "/ws/ticker/") as ticker:
        frame = receive_until(ticker, lambda frame: True)

    assert frame["type"] == "snapshot"
    assert frame["simulated"] is False
    shown = {coin["id"]: coin for coin in frame["coins"]}
    recorded = json.loads((recorded_data / RECORDED).read_text(), parse_float=Decimal)
    assert len(shown) == len(recorded) == 250
    for row in recorded:
        assert Decimal(shown[row["id"]]["price"]) == Decimal(row["current_price"]), row["id"]
    assert min(Decimal(coin["price"]) for coin in shown.values()) == Decimal("2.264e-9")


def test_prices_of_another_day_are_shown_and_not_traded(
    coingecko: CoinGeckoServer, pulse: StartPulse
) -> None:
    product = pulse(MARKET_FEEDS="", COINGECKO_URL=coingecko.url)
    product.wait_until_it_serves()
    alice = Person(product.port, "alicia")
    alice.sign_up()

    answer = alice.buy("bitcoin", amount="100.00", order="first")

    assert "98,109" in alice.get("/markets/").text
    assert answer.status_code == 422
    assert answer.json()["code"] == "stale_price"
