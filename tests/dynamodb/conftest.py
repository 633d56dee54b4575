"""A DynamoDB for the tests of the engine, whatever database the rest of the suite runs on.

    dynoxide          the address of one server, in memory, per process (xdist worker)
    database_options  what OPTIONS hold beyond the endpoint; a module or a test overrides it
    options, store    the engine's Options and Store under a prefix that no other test has
    dynamodb          `default` is that database for the length of the test, in every thread
    ledger            the same, with the app tests.dynamodb.ledger installed and its tables made

`default` is swapped, not a second alias added, so that a test reads as ordinary Django code:
`Owner.objects.create(...)`, `transaction.atomic()`, `connection.schema_editor()`. The other
database returns when the test ends, untouched. So a test with `dynamodb` asks neither for `db`
nor for the mark django_db: nothing is wrapped in a transaction, every write is really stored, and
nothing needs to be cleaned up because the prefix is the test's own.

For other models than the ledger's, decorate the test with `django.test.utils.isolate_apps`,
define them inside (with `app_label`), and make their tables with `create_tables(Model, ...)`.
Without a program for this machine these tests skip with that reason (REQUIRE=dynoxide: fail).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import AppConfig, apps
from django.db import connection, connections, models
from pytest_django import DjangoDbBlocker

from cryptopulse.dynamodb import local
from cryptopulse.dynamodb.options import Options, read_options
from tests.requirements import require_or_skip

if TYPE_CHECKING:
    from cryptopulse.dynamodb.store import Store

_prefixes = (f"t{number}" for number in count(1))


@pytest.fixture(scope="session")
def dynoxide() -> Iterator[str]:
    """Yield the address of a DynamoDB server in memory."""
    if local.find_server() is None:
        require_or_skip("dynoxide", local.MISSING)
    with local.running() as server:
        yield server.url


@pytest.fixture
def database_options() -> dict[str, Any]:
    """Return what a test wants in OPTIONS; to be overridden."""
    return {}


@pytest.fixture
def database_settings(dynoxide: str, database_options: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of DATABASES that is this test's alone."""
    return {
        "ENGINE": "cryptopulse.dynamodb",
        "NAME": next(_prefixes),
        "HOST": "us-east-1",
        "OPTIONS": {"endpoint": dynoxide, "catalogue_ttl": 0} | database_options,
    }


@pytest.fixture
def options(database_settings: dict[str, Any]) -> Options:
    return read_options(database_settings)


@pytest.fixture
def store(options: Options) -> Store:
    from cryptopulse.dynamodb.store import Store

    return Store.of(options)


@pytest.fixture
def dynamodb(
    database_settings: dict[str, Any], django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    with django_db_blocker.unblock(), default_database(database_settings):
        yield


@pytest.fixture
def ledger(dynamodb: None) -> Iterator[ModuleType]:
    """Yield the module with the ledger's models, whose tables are there."""
    with installed("tests.dynamodb.ledger") as app:
        create_tables(*app.get_models())
        assert app.models_module is not None
        yield app.models_module


@contextmanager
def default_database(config: dict[str, Any]) -> Iterator[None]:
    """Let `default` be another database, for every thread that connects meanwhile."""
    handler: Any = connections
    settings, kept = handler.settings["default"], connections["default"]
    before = settings.copy()
    settings.update(config)
    settings["CONN_MAX_AGE"] = 0  # as the product's settings have it: the engine has a pool
    connections["default"] = handler.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        settings.clear()
        settings.update(before)
        connections["default"] = kept


@contextmanager
def installed(name: str) -> Iterator[AppConfig]:
    """Install one more app, so that relations and cascades know its models."""
    app = AppConfig.create(name)
    app.apps = apps
    apps.app_configs[app.label] = app
    app.import_models()
    apps.clear_cache()
    try:
        yield app
    finally:
        del apps.app_configs[app.label]
        apps.clear_cache()


def create_tables(*new: type[models.Model]) -> None:
    """Make the tables of these models, those of their many-to-many relations included."""
    with connection.schema_editor() as editor:
        for model in new:
            editor.create_model(model)


def elsewhere(work: Callable[[], Any]) -> None:
    """Do it in another thread, on another connection, and wait; its error is raised here."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
