"""Feeds that tests script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
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


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A database that threads can fight over as in production.

    SQLite's in-memory test database locks tables at once, whatever the timeout; a file waits.
    """
    if connection.vendor != "sqlite":
        yield
        return
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection = None
    connection.settings_dict["NAME"] = str(tmp_path / "market.sqlite3")
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.connection = in_memory
