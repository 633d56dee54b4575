"""Feeds that tests script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from market.signals import prices_updated

from .scripted import ScriptedFeed

_BACKEND = "tests.market.scripted.ScriptedFeed"


@pytest.fixture
def feeds(settings: Settings) -> Iterator[type[ScriptedFeed]]:
    """Real feeds `coingecko` and `kraken`, and a `simulated` one, all as the test scripts them."""
    settings.FEEDS = {
        "coingecko": {"BACKEND": _BACKEND, "OPTIONS": {"is_real": True, "interval": 60.0}},
        "kraken": {"BACKEND": _BACKEND, "OPTIONS": {"is_real": True, "interval": 5.0}},
        "simulated": {"BACKEND": _BACKEND, "OPTIONS": {"is_real": False, "interval": 2.0}},
    }
    settings.MARKET_FEEDS = []
    tables = (ScriptedFeed.answers, ScriptedFeed.bars, ScriptedFeed.rates)
    for table in tables:
        table.clear()
    ScriptedFeed.asked.clear()
    yield ScriptedFeed
    for table in tables:
        table.clear()


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The apps above evaluate and broadcast every price; these tests are about the market."""
    monkeypatch.setattr(prices_updated, "receivers", [])
