"""Django's SQLite backend, to compare with."""

from .common import *  # noqa: F403

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3"},
    "other": {"ENGINE": "django.db.backends.sqlite3"},
}
