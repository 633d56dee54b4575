"""The people and the coins that the tests are about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from cryptopulse import late
from market.models import Coin
from market.quotes import quantity_step_for

#: The moment at which tests happen, unless they say otherwise.
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

PASSWORD = "correct horse battery staple"

late.read_all()  # tests go through every model of the admin, and name them as they are collected


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Let connections end with their request, and a DynamoDB differ in two ways from the product's.

    A connection that a thread of pages keeps would keep the test database from being dropped.
    DynamoDB's time to live goes by the clock, and the moments of the tests are fixed: so rows are
    purged as on SQL, by the indexes that are there for it. And where a test reads all of a table,
    each of its shards is a request: two are as many as any number.
    """
    connection.settings_dict["CONN_MAX_AGE"] = 0
    options = connection.settings_dict.get("OPTIONS", {})
    if "TABLES" in options:
        options["TABLES"] = {
            name: _as_tests_need_it(table) for name, table in options["TABLES"].items()
        }


def _as_tests_need_it(table: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in table.items() if name not in {"ttl", "unbuilt"}}
    return kept | {"shards": min(table.get("shards", 1), 2)}


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches a database: only that is worth repeating on another one.

    What is about addresses and roles rather than rows says `once`.
    """
    for item in items:
        if item.get_closest_marker("once"):
            continue
        fixtures = getattr(item, "fixturenames", ())
        if (
            "db" in fixtures
            or "transactional_db" in fixtures
            or item.get_closest_marker("django_db")
        ):
            item.add_marker("database")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits live in the cache; one test's attempts are not another's."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Any) -> None:
    """Let pages name static files without a collectstatic before the tests."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def _quick_passwords(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Hash passwords quickly; a test that is about hashing asks for `real_passwords`."""
    if "real_passwords" not in request.fixturenames:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def real_passwords() -> None:
    """Hash passwords as the product does."""


def make_person(username: str, role: Role = Role.USER, **extra: Any) -> User:
    """Create a person who can log in with PASSWORD."""
    return User.objects.create_user(
        username=username, email=f"{username}@example.com", password=PASSWORD, role=role, **extra
    )


def confirm(user: User) -> User:
    """Let a person have proven that the e-mail address is theirs."""
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


@pytest.fixture
def alice(db: None) -> User:
    return make_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_person("bob")


@pytest.fixture
def ana(db: None) -> User:
    return make_person("ana", Role.ANALYST)


@pytest.fixture
def mo(db: None) -> User:
    return make_person("mo", Role.MODERATOR)


@pytest.fixture
def root(db: None) -> User:
    return make_person("root", Role.ADMIN)


def make_coin(
    coin_id: str = "bitcoin",
    *,
    price: str | None = "100000",
    at: datetime = NOW,
    symbol: str = "",
    name: str = "",
    **extra: Any,
) -> Coin:
    """Create a coin as `ingest` would have left it after its first quote."""
    quote: dict[str, Any] = {}
    if price is not None:
        value = Decimal(price)
        quote = {
            "last_price": value,
            "price_at": at,
            "source": "simulated",
            "quantity_step": quantity_step_for(value),
            "tick_low": value,
            "tick_high": value,
            "tick_since": at,
        }
    return Coin.objects.create(
        id=coin_id,
        symbol=symbol or coin_id[:3],
        name=name or coin_id.capitalize(),
        **(quote | extra),
    )


@pytest.fixture
def bitcoin(db: None) -> Coin:
    return make_coin(rank=1, symbol="btc", change_24h=Decimal("2.5"))


@pytest.fixture
def ethereum(db: None) -> Coin:
    return make_coin("ethereum", price="3400", rank=2, symbol="eth", change_24h=Decimal("-1.5"))


@pytest.fixture
def coin(db: None) -> Callable[..., Coin]:
    return make_coin


@pytest.fixture
def shared_database(
    transactional_db: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A database that threads can fight over as in production.

    SQLite's in-memory test database locks tables at once, whatever the timeout; a file waits.
    """
    if connection.settings_dict["ENGINE"] != "django.db.backends.sqlite3":
        yield
        return
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection = None
    prepared = tmp_path_factory.getbasetemp() / "prepared.sqlite3"
    if not prepared.exists():  # once in each process of the tests
        connection.settings_dict["NAME"] = str(prepared)
        call_command("migrate", run_syncdb=True, verbosity=0)
        connection.close()
        connection.connection = None
    connection.settings_dict["NAME"] = str(shutil.copy(prepared, tmp_path / "shared.sqlite3"))
    yield
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.connection = in_memory


@pytest.fixture
def recorded_data() -> Path:
    """The folder with recorded real responses, where there is one (RECORDED_DATA)."""
    folder = os.environ.get("RECORDED_DATA")
    if not folder:
        pytest.skip("RECORDED_DATA does not name the folder with recorded real data")
    return Path(folder)
