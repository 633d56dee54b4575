"""What the tests of alerts share: quotes, ticks, and databases that threads can share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from alerts import services
from alerts.models import Notification, PriceAlert
from market import services as market
from market.models import Coin
from market.quotes import Quote
from tests.conftest import NOW

POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}


def after(seconds: float) -> datetime:
    """Return a moment after NOW."""
    return NOW + timedelta(seconds=seconds)


def quote(price: str, seconds: float, coin_id: str = "bitcoin") -> Quote:
    return Quote(coin_id=coin_id, price=Decimal(price), price_at=after(seconds), source="simulated")


def tick(price: str, seconds: float, coin_id: str = "bitcoin") -> None:
    """Let a price arrive as feeds do: stored, and evaluated by whoever listens."""
    market.ingest(quotes=[quote(price, seconds, coin_id)], now=after(seconds))


@contextmanager
def unevaluated() -> Iterator[None]:
    """Let prices be stored while nobody evaluates them, as when a worker is busy or gone."""
    from alerts.receivers import evaluate_new_prices
    from market.signals import prices_updated

    prices_updated.disconnect(evaluate_new_prices)
    try:
        yield
    finally:
        prices_updated.connect(evaluate_new_prices)


@pytest.fixture
def arm(alice: Any, bitcoin: Coin) -> Callable[..., PriceAlert]:
    """Arm an alert of alice's on bitcoin, which stands at 100,000."""

    def arm(condition: str = "above", target: str = "101000", **extra: Any) -> PriceAlert:
        return services.create_alert(
            **{
                "user": alice,
                "coin_id": "bitcoin",
                "condition": condition,
                "target": Decimal(target),
                "channels": ["in_app"],
                "now": NOW,
            }
            | extra
        )

    return arm


def fired_events(alert: PriceAlert) -> list[uuid.UUID]:
    """Return the events that this alert has told, whatever the channel."""
    times = range(1, 100)
    possible = {uuid.uuid5(alert.pk, str(number)): number for number in times}
    found = Notification.objects.filter(event_id__in=possible).values_list("event_id", flat=True)
    return sorted(set(found), key=possible.__getitem__)


# --- Databases that several threads can share --------------------------------------------------


@contextmanager
def database(config: dict[str, Any], blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let `default` be another database, for every thread that connects meanwhile."""
    handler: Any = connections
    before = handler.databases["default"].copy()
    kept = connections["default"]
    handler.databases["default"].update(config)
    with blocker.unblock():
        connections["default"] = handler.create_connection("default")
        try:
            call_command("migrate", run_syncdb=True, verbosity=0)
            yield
        finally:
            connections["default"].close()
            handler.databases["default"].clear()
            handler.databases["default"].update(before)
            connections["default"] = kept


@contextmanager
def sqlite_file(path: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    config = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path / "shared.sqlite3"),
        "OPTIONS": settings.SQLITE_OPTIONS,
    }
    with database(config, blocker):
        yield


@contextmanager
def postgres(blocker: DjangoDbBlocker) -> Iterator[None]:
    """A new database on the PostgreSQL of this machine, where one answers."""
    name = f"test_alerts_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True, connect_timeout=2)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        if "postgres" in os.environ.get("REQUIRE", ""):
            raise
        pytest.skip(f"no PostgreSQL answers at {POSTGRES['host']}:{POSTGRES['port']}: {error}")
    with server:
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            config = {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "HOST": POSTGRES["host"],
                "PORT": POSTGRES["port"],
                "USER": POSTGRES["user"],
                "OPTIONS": {},
            }
            with database(config, blocker):
                yield
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgres"])
def shared_database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """A database of its own that threads share: SQLite in a file, PostgreSQL where it answers."""
    own = (
        sqlite_file(tmp_path, django_db_blocker)
        if request.param == "sqlite"
        else postgres(django_db_blocker)
    )
    with own:
        yield request.param
