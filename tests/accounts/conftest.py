"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection


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
    connection.settings_dict["NAME"] = str(tmp_path / "accounts.sqlite3")
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.connection = in_memory
