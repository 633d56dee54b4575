"""One command: from nothing to live prices, a trade, a fired alert, and a clean end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection

from .conftest import StartPulse
from .product import Person, listen, receive_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]

#: What the product promises on an idle machine, in seconds; tests share theirs with other tests.
FIRST_PRICE, SECOND_START, CLEAN_STOP = 10, 3, 5
SLACK = 3


def test_from_nothing_to_a_trade_and_a_fired_alert(pulse: StartPulse) -> None:
    product = pulse()
    product.wait_until_it_serves()
    alice = Person(product.port, "alicia")
    alice.sign_up()

    with alice.listen("/ws/ticker/") as ticker, alice.listen("/ws/me/") as me:
        snapshot = receive_until(ticker, lambda frame: frame["type"] == "snapshot")
        assert snapshot["simulated"] is True
        assert "bitcoin" in {coin["id"] for coin in snapshot["coins"]}
        tick = receive_until(ticker, lambda frame: frame["type"] == "tick")
        assert tick["at"] == pytest.approx(time.time() * 1000, abs=5000)

        trade = alice.buy("bitcoin", amount="100.00", order="first")
        assert trade.status_code == 200, trade.text
        receive_until(me, lambda event: event["type"] == "trade")

        event = wait_for_an_alert(alice, me)

    assert "Bitcoin" in event["title"] + event["body"]
    assert "Bitcoin" in alice.get("/portfolio/").text
    assert product.stop() == 0


def wait_for_an_alert(person: Person, me: ClientConnection) -> dict[str, Any]:
    """Set alerts closely around the price until one fires: a walk soon reaches one of them."""
    for _ in range(10):
        with person.listen("/ws/ticker/") as ticker:
            snapshot = receive_until(ticker, lambda frame: frame["type"] == "snapshot")
        price = next(coin["price"] for coin in snapshot["coins"] if coin["id"] == "bitcoin")
        for condition, factor in (("above", 1.00001), ("below", 0.99999)):
            answer = person.post_form(
                "/alerts/create/",
                "/alerts/",
                coin_id="bitcoin",
                condition=condition,
                target=f"{float(price) * factor:.4f}",
                channels=["in_app"],
            )
            # 422 where the price has just moved past it: an alert that is met is refused.
            assert answer.status_code in {200, 422}, answer.text
        try:
            return receive_until(me, lambda event: event["type"] == "alert", seconds=10)
        except TimeoutError:
            continue
    pytest.fail("no alert fired")


def test_a_first_price_comes_soon_without_the_internet(pulse: StartPulse) -> None:
    """A new database that may choose: CoinGecko does not answer, so prices are simulated."""
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # never listens: connecting is refused
    product = pulse(MARKET_FEEDS="", COINGECKO_URL=f"http://127.0.0.1:{closed.getsockname()[1]}")
    product.wait_until_it_serves()
    with listen(product.port, "/ws/ticker/") as browser:
        frame = receive_until(
            browser, lambda frame: any(coin["price"] for coin in frame.get("coins", []))
        )
    seconds = time.monotonic() - product.started_at
    closed.close()

    print(f"first price after {seconds:.1f} s")
    assert frame["simulated"] is True
    assert "SIMULATED" in product.output
    assert seconds < FIRST_PRICE * SLACK
    assert product.stop() == 0


def test_a_second_start_is_quick_and_has_lost_nothing(pulse: StartPulse) -> None:
    first = pulse()
    first.wait_until_it_serves()
    bob = Person(first.port, "bobby")
    bob.sign_up()
    assert bob.buy("bitcoin", amount="50", order="kept").ok
    assert first.stop() == 0

    second = pulse(PORT=str(first.port))
    seconds = second.wait_until_it_serves()

    print(f"second start in {seconds:.1f} s")
    assert seconds < SECOND_START * SLACK
    assert "Demo log-ins" in first.output
    assert "Demo log-ins" not in second.output
    assert "Bitcoin" in bob.get("/portfolio/").text  # still logged in, still there
    assert second.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_with_open_pages(pulse: StartPulse, number: int) -> None:
    product = pulse()
    product.wait_until_it_serves()
    with listen(product.port, "/ws/ticker/") as browser, requests.Session() as idle:
        idle.get(f"http://127.0.0.1:{product.port}/healthz", timeout=10)  # kept alive
        receive_until(browser, lambda frame: frame["type"] == "tick")
        started = time.monotonic()
        product.send(number)
        code = product.end()
        seconds = time.monotonic() - started

    print(f"ended in {seconds:.1f} s")
    assert code == 0, product.output
    assert seconds < CLEAN_STOP + 1
    assert "Traceback" not in product.output


def test_asking_twice_is_asking_once(pulse: StartPulse) -> None:
    product = pulse()
    product.wait_until_it_serves()
    for _ in range(3):
        product.send(signal.SIGINT)
        time.sleep(0.05)

    assert product.end() == 0, product.output
    assert "Traceback" not in product.output


ASKED_IN_A_FINALIZER = """
import signal, time, weakref
from cryptopulse.embedded import Stop

class Passing: pass

Stop().install()
passing = Passing()
weakref.finalize(passing, signal.raise_signal, signal.SIGTERM)
del passing
time.sleep(30)
"""


def test_it_ends_cleanly_when_the_signal_falls_into_a_finalizer() -> None:
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", ASKED_IN_A_FINALIZER],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "cryptopulse.settings", "DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert time.monotonic() - started < 2 * SLACK


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says when Python handles signals")
@pytest.mark.parametrize(
    ("number", "delay"),
    [
        (signal.SIGTERM, 0.0),
        (signal.SIGINT, 0.3),
        (signal.SIGTERM, 0.7),
        (signal.SIGINT, 1.2),
        (signal.SIGTERM, 2.0),
    ],
)
def test_it_ends_cleanly_while_it_starts(
    pulse: StartPulse, number: int, delay: float, tmp_path: Path
) -> None:
    product = pulse()
    product.wait_until_signals_are_handled()
    time.sleep(delay)
    started = time.monotonic()
    product.send(number)
    product.send(number)

    assert product.end() == 0, product.output
    assert time.monotonic() - started < CLEAN_STOP + 1
    assert "Traceback" not in product.output

    again = pulse()
    again.wait_until_it_serves()
    assert again.stop() == 0


# --- What is wrong is one sentence ------------------------------------------------------------


def refusal(product: Any) -> str:
    """Return what a product that cannot start says: exit code 1 and one line."""
    assert product.end(seconds=60) == 1
    lines = [line for line in product.output.splitlines() if line.strip()]
    assert len(lines) == 1, product.output
    return str(lines[0])


def test_a_port_in_use_is_one_sentence(pulse: StartPulse, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        product = pulse(PORT=str(port))

        assert f"Port {port} is in use" in refusal(product)
    assert f"PORT={port + 1}" in product.output
    assert not (tmp_path / "cryptopulse.sqlite3").exists()  # nothing was begun


def test_a_folder_that_cannot_be_written_is_one_sentence(pulse: StartPulse, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot write there" in refusal(pulse(LOCAL_DIR=str(tmp_path / "file" / "local")))


def test_a_wrong_setting_is_one_sentence(pulse: StartPulse) -> None:
    sentence = refusal(pulse(MARKET_FEEDS="coinbse"))

    assert "there is no such feed" in sentence
    assert "cryptopulse.E007" in sentence


def test_a_wrong_number_is_one_sentence(pulse: StartPulse) -> None:
    assert "PORT cannot be read" in refusal(pulse(PORT="eighty"))
