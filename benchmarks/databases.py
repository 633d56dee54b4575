"""The product on a database that lives as long as a block: SQLite, PostgreSQL or DynamoDB."""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

KINDS = ("sqlite", "postgresql", "dynamodb")
#: The server that `make test-postgres` uses; databases are made there and dropped again.
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"


class NotHere(Exception):  # noqa: N818 (it is what is the case, not a fault)
    """There is no such database on this machine; the message says what is missing."""


@contextmanager
def product_on(kind: str) -> Iterator[None]:
    """Set Django up on a new database with the product's tables. Once per process.

    Raises NotHere.
    """
    servers = {"postgresql": _postgres, "dynamodb": _dynamodb}
    opened = servers[kind]() if kind in servers else nullcontext()
    with tempfile.TemporaryDirectory() as folder, opened as url:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="cryptopulse.settings",
            READ_DOTENV="0",
            DEBUG="0",  # Django's debug cursor would be measured too
            HTTPS="0",
            SECRET_KEY="only-for-measuring-" + "x" * 50,
            ALLOWED_HOSTS="testserver",
            LOCAL_DIR=folder,
            MARKET_FEEDS="simulated",
            LOG_LEVEL="ERROR",
            STATIC_URL="/static/",
            DATABASE_URL=url or f"sqlite:///{folder}/bench.sqlite3",
        )
        os.environ.pop("REDIS_URL", None)
        _set_up()
        try:
            yield
        finally:
            from django.db import connections

            connections.close_all()


def _set_up() -> None:
    """Start Django and make the tables, without going through each migration."""
    import django

    warnings.filterwarnings("ignore", "No directory at")  # servestatic: no collectstatic
    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)


@contextmanager
def _postgres() -> Iterator[str]:
    import psycopg
    from psycopg import sql

    given = os.environ.get("DATABASE_URL", "")
    server = given if given.startswith(("postgres:", "postgresql:")) else POSTGRES
    name = f"bench_{uuid.uuid4().hex[:12]}"
    try:
        connection = psycopg.connect(server, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        raise NotHere(f"no PostgreSQL answers: {str(error).splitlines()[0]}") from error
    with connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def _dynamodb() -> Iterator[str]:
    from cryptopulse.dynamodb import local

    if local.find_server() is None:
        raise NotHere("the local DynamoDB is not installed (npm brings it for Linux on x86-64)")
    with local.running() as server:
        yield f"dynamodb://us-east-1/bench?endpoint={server.url}&catalogue_ttl=3600"
