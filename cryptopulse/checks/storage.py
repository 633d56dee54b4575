"""Where things are kept, and whether every process reaches it: database, Redis, AWS, files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import Tags
from django.core.files.storage import FileSystemStorage

from .findings import Findings, checked, error, warning

COLLECT = "Run: manage.py collectstatic --noinput"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@checked()
def check_addresses() -> Findings:
    """Redis, AWS and S3 are named as they are reached."""
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        url = getattr(settings, name)
        if (name == "REDIS_URL" or url.startswith("redis")) and (sentence := _bad_redis_url(url)):
            yield error(16, f"{name} {sentence}", "It looks like redis://:password@host:6379/0")
    endpoint = settings.AWS_ENDPOINT_URL
    if endpoint and (
        urlsplit(endpoint).scheme not in {"http", "https"} or not urlsplit(endpoint).hostname
    ):
        yield error(
            17,
            f"AWS_ENDPOINT_URL is {endpoint!r}, which is not an address.",
            "Leave it out for AWS itself; a local server is http://127.0.0.1:5000",
        )
    for name in ("AWS_STORAGE_BUCKET_NAME", "AWS_MEDIA_BUCKET_NAME"):
        bucket = getattr(settings, name)
        if bucket and not _BUCKET.fullmatch(bucket):
            yield error(
                18,
                f"{name} is {bucket!r}, which S3 does not allow.",
                "Give the bucket's plain name: lower-case letters, digits, dots and hyphens.",
            )


def _bad_redis_url(url: str) -> str | None:
    """Say what is wrong, without the password that may be in it."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        return f"cannot be read: {problem}."
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or port == 0:
        return "does not name a Redis server."
    if not re.fullmatch(r"/?\d*/?", parts.path):
        return "ends in something that is not the number of a database."
    return None


def database_settings() -> dict[str, Any]:
    """Return the settings of the one database."""
    return dict(settings.DATABASES["default"])


def _is_sqlite(database: dict[str, Any]) -> bool:
    return bool(database["ENGINE"] == "django.db.backends.sqlite3")


@checked()
def check_files() -> Findings:
    """SQLite needs a folder that it may write in, not only a file."""
    database = database_settings()
    if not _is_sqlite(database) or ":memory:" in str(database["NAME"]):
        return
    file = Path(database["NAME"])
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    blocked = next((path for path in (folder, file) if path.exists() and not _writable(path)), None)
    if blocked is not None:
        yield error(
            19,
            f"CryptoPulse keeps its database in {file.parent} and cannot write to {blocked}.",
            "Set LOCAL_DIR (or DATABASE_URL) to a folder of your own.",
        )


@checked(Tags.staticfiles, deploy=True)
def check_static_files() -> Findings:
    """Pages name their style sheets by a list that collectstatic writes."""
    if are_static_files_missing():
        yield warning(
            10,
            f"The static files have not been collected into {settings.STATIC_ROOT}: every page "
            "would fail.",
            COLLECT,
        )


def are_static_files_missing() -> bool:
    """Tell whether pages need a list of static files on this machine that is not there."""
    return (
        isinstance(staticfiles_storage, ManifestFilesMixin)
        and isinstance(staticfiles_storage, FileSystemStorage)
        and not Path(staticfiles_storage.path(staticfiles_storage.manifest_name)).is_file()
    )


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


@checked(deploy=True)
def check_processes() -> Findings:
    """More than one process needs a database and a Redis that all of them reach."""
    if not settings.REDIS_URL:
        yield warning(
            7,
            "REDIS_URL is not set: prices, personal events, limits and tasks stay within one "
            "process, and a worker of its own would reach no browser.",
            "Set REDIS_URL=redis://host:6379/0, or run manage.py pulse alone.",
        )
    elif settings.CELERY_BROKER_URL.startswith("memory"):
        yield error(
            20,
            "CELERY_BROKER_URL is memory://: a task would never leave the web process.",
            "Leave it out to use REDIS_URL.",
        )
    elif urlsplit(settings.REDIS_URL).hostname in LOOPBACK_NAMES and _database_is_elsewhere():
        yield warning(
            8,
            "REDIS_URL is this machine and the database another: other machines would not share "
            "ticks with this one.",
            "Name a Redis that every machine reaches.",
        )
    if _is_sqlite(database_settings()):
        yield warning(
            9,
            "The database is SQLite, which is for one machine.",
            "Set DATABASE_URL to PostgreSQL or DynamoDB.",
        )


def _database_is_elsewhere() -> bool:
    host = database_settings().get("HOST", "")
    return bool(host) and not host.startswith("/") and host not in LOOPBACK_NAMES
