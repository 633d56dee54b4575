"""Streams for real: an exchange on loopback, the processes of the product, a browser."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.market.exchange_frames import coinbase, kraken
from tests.market.exchange_server import ExchangeServer, exchange_in_thread

from .conftest import StartPulse
from .parts import WEB, Redis, eventually, is_alive
from .product import ROOT, Process, environment, free_port, listen, receive_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

#: Nobody listens there: the feed that is asked is away all the time.
NOBODY = "http://127.0.0.1:9"
BITCOIN = (
    "from market.models import Coin; "
    "Coin.objects.create(id='bitcoin', symbol='btc', name='Bitcoin')"
)


def settings_of(first: ExchangeServer, second: ExchangeServer) -> dict[str, str]:
    return {
        "MARKET_FEEDS": "coinbase,kraken,coingecko",
        "COINBASE_URL": first.url,
        "KRAKEN_URL": second.url,
        "COINGECKO_URL": NOBODY,
    }


def run(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, check=True, timeout=60)


def stored(folder: Path, column: str) -> Any:
    """Read a column of bitcoin from the product's database file."""
    with closing(sqlite3.connect(folder / "cryptopulse.sqlite3")) as database:
        query = f"SELECT {column} FROM market_coin WHERE id = 'bitcoin'"  # noqa: S608 (ours)
        return database.execute(query).fetchone()[0]


def shows(price: str, source: str) -> Any:
    """Return a condition: a frame has bitcoin at this price of this exchange."""

    def condition(frame: dict[str, Any]) -> bool:
        return any(
            coin["id"] == "bitcoin"
            and coin["source"] == source
            and Decimal(coin["price"]) == Decimal(price)
            for coin in frame.get("coins", [])
        )

    return condition


def test_ticks_reach_the_browser_and_the_database_from_one_exchange_and_the_next(
    tmp_path: Path, processes: list[Process]
) -> None:
    redis = Redis(tmp_path)
    with ExitStack() as until_the_end, ExitStack() as until_it_dies:
        redis.start()
        until_the_end.callback(redis.stop)
        second = until_the_end.enter_context(exchange_in_thread(kraken({"BTC/USD": [99900.5]})))
        prices = {"BTC-USD": ["100000", "90000", "120000", "101000.25"]}
        first = until_it_dies.enter_context(exchange_in_thread(coinbase(prices, pause=0.05)))
        env = environment(tmp_path, REDIS_URL=redis.url, **settings_of(first, second))
        run(env, "manage.py", "migrate", "--verbosity", "0")
        run(env, "manage.py", "shell", "--no-imports", "-c", BITCOIN)
        port = free_port()
        processes.append(Process([*WEB, str(port)], env))
        eventually(lambda: is_alive(port))

        with listen(port, "/ws/ticker/") as browser:
            stream = Process(["manage.py", "stream"], env)
            processes.append(stream)
            receive_until(browser, shows("101000.25", "coinbase"))
            eventually(lambda: Decimal(str(stored(tmp_path, "last_price"))) == Decimal("101000.25"))
            assert float(stored(tmp_path, "tick_low")) == 90000
            assert float(stored(tmp_path, "tick_high")) == 120000

            until_it_dies.close()
            receive_until(browser, shows("99900.5", "kraken"))
        eventually(lambda: stored(tmp_path, "source") == "kraken")

        stream.send(signal.SIGTERM)
        assert stream.end() == 0
        assert stream.output.count("prices stream from coinbase") == 1
        assert stream.output.count("prices stream from kraken") == 1
        assert stream.output.count("\n") <= 6, stream.output
        assert "Traceback" not in stream.output


def test_one_command_runs_streams_as_well(pulse: StartPulse) -> None:
    with (
        exchange_in_thread(coinbase({"BTC-USD": ["100000", "101000.25"]})) as first,
        exchange_in_thread(kraken({"BTC/USD": [99900.5]})) as second,
    ):
        product = pulse(**settings_of(first, second))
        product.wait_until_it_serves()
        with listen(product.port, "/ws/ticker/") as browser:
            frame = receive_until(browser, shows("101000.25", "coinbase"), seconds=30)
        assert frame["simulated"] is False
        assert product.stop() == 0
    assert "Traceback" not in product.output, json.dumps(product.lines)


def test_a_wrong_setting_ends_the_command_with_a_sentence(
    tmp_path: Path, processes: list[Process]
) -> None:
    stream = Process(["manage.py", "stream"], environment(tmp_path, MARKET_FEEDS="coingecko"))
    processes.append(stream)
    assert stream.end(seconds=30) == 1
    assert stream.output.startswith("CommandError: MARKET_FEEDS names no stream.")
    assert stream.output.count("\n") == 1
