"""Test databases: the same DynamoDB, another prefix."""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError
from django.db.backends.base.creation import TEST_DATABASE_PREFIX, BaseDatabaseCreation

from .options import read_options
from .store import Store


class DatabaseCreation(BaseDatabaseCreation):
    """Creates a test database by choosing its prefix, and destroys it table by table."""

    def _get_test_db_name(self) -> str:
        settings: dict[str, Any] = self.connection.settings_dict
        return str(settings["TEST"]["NAME"] or TEST_DATABASE_PREFIX + settings["NAME"])

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:  # noqa: ARG002 - Django's signature
        name = self._get_test_db_name()
        if not keepdb:
            self._wipe(name)
        return name

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:  # noqa: ARG002 - Django's signature
        self._wipe(test_database_name)

    def get_test_db_clone_settings(self, suffix: str) -> dict[str, Any]:
        """Refuse: nothing copies all tables of a prefix."""
        raise NotSupportedError(
            f"A test database on DynamoDB cannot be cloned (as {suffix!r}); run without --parallel."
        )

    def _wipe(self, name: str) -> None:
        Store.of(read_options({**self.connection.settings_dict, "NAME": name})).registry.wipe()
