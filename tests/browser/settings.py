"""The product's settings on a database that needs no migrations."""

from __future__ import annotations

from cryptopulse.settings import *  # noqa: F403

#: Tables are made straight from the models, as `pytest --nomigrations` does.
MIGRATION_MODULES = dict.fromkeys(("accounts", "market", "portfolio", "alerts"))
