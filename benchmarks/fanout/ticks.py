"""The ticks that all servers send: a hundred coins, made before the clock starts."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from market.quotes import Quote

COINS = 100
IDS = [f"coin-{number}" for number in range(COINS)]
#: The coin whose price is the moment of the tick, in microseconds of CLOCK_MONOTONIC, and the
#: one whose price is the tick's number.
CLOCK, NUMBER = IDS[0], IDS[1]
SOURCE = "coinbase"
STALE_AFTER = 300.0


def microseconds() -> int:
    """Return what all processes of the machine agree on."""
    return time.monotonic_ns() // 1000


def prices(number: int) -> list[str]:
    """Return the price texts of one tick; the first two are stamped when it is sent."""
    chance = random.Random(number)
    return [f"{chance.uniform(1000, 90000):.2f}" for _ in IDS]


class Text:
    """A tick as JSON, as peers send it: the frame of `cryptopulse.live.board`."""

    def __init__(self, number: int, at: datetime) -> None:
        milliseconds = int(at.timestamp() * 1000)
        coins = [
            {
                "id": coin_id,
                "symbol": coin_id.replace("coin-", "c"),
                "price": price,
                "at": milliseconds,
                "change_24h": "2.31",
                "source": SOURCE,
            }
            for coin_id, price in zip(IDS, prices(number), strict=True)
        ]
        coins[1]["price"] = str(number)
        self._coins = coins
        self._tick = {
            "type": "tick",
            "at": milliseconds,
            "source": SOURCE,
            "simulated": False,
            "stale_after": STALE_AFTER,
            "coins": coins,
        }

    def stamped(self) -> dict[str, Any]:
        """Return the tick, made now."""
        self._coins[0]["price"] = str(microseconds())
        self._tick["at"] = time.time_ns() // 1_000_000
        return self._tick

    def json(self) -> str:
        """Return the same as the text of a frame."""
        return json.dumps(self.stamped(), separators=(",", ":"))


def texts(first: int, count: int, rate: float) -> list[Text]:
    """Return ticks with these numbers, at this rate from now on."""
    start = datetime.now(UTC)
    return [Text(first + index, start + timedelta(seconds=index / rate)) for index in range(count)]


def quotes(first: int, count: int, rate: float) -> list[list[Quote]]:
    """Return the same ticks as the market has them; `stamp` the first quote of each."""
    from market.quotes import Quote

    start = datetime.now(UTC)
    made = []
    for index in range(count):
        at = start + timedelta(seconds=index / rate)
        values = prices(first + index)
        values[1] = str(first + index)
        made.append(
            [
                Quote(
                    coin_id=coin_id,
                    price=Decimal(price),
                    price_at=at,
                    source=SOURCE,
                    change_24h=Decimal("2.31"),
                )
                for coin_id, price in zip(IDS, values, strict=True)
            ]
        )
    return made


def stamp(tick: list[Quote]) -> None:
    """Say in a tick of quotes that it is made now."""
    from dataclasses import replace

    tick[0] = replace(tick[0], price=Decimal(microseconds()))
