"""What the tests of the feeds share: a CoinGecko on loopback and feeds that ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from market.feeds.coingecko import CoinGeckoFeed
from tests.conftest import NOW

from .coingecko_server import CoinGeckoServer

#: For properties on a machine that others load: how long an example takes says nothing then.
unhurried = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

MakeFeed = Callable[..., CoinGeckoFeed]


@pytest.fixture
def server() -> Iterator[CoinGeckoServer]:
    with CoinGeckoServer().running() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the feed would have slept between attempts."""
    return []


@pytest.fixture
def make_feed(server: CoinGeckoServer, pauses: list[float], db: None) -> MakeFeed:
    """Make a CoinGecko feed that asks the loopback server and sleeps in `pauses` only."""

    def make(**options: Any) -> CoinGeckoFeed:
        def clock() -> datetime:
            return NOW

        defaults: dict[str, Any] = {"base_url": server.url, "clock": clock, "sleep": pauses.append}
        return CoinGeckoFeed(**(defaults | options))

    return make
