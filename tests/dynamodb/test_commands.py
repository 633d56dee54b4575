"""Django's management commands, run on the engine with the product's own models."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from cryptopulse.dynamodb import chunks
from cryptopulse.dynamodb_tables import TABLES

pytestmark = pytest.mark.usefixtures("dynamodb")


@pytest.fixture
def database_options() -> dict[str, Any]:
    return {"TABLES": TABLES}


@pytest.fixture(autouse=True)
def _with_migrations(settings: Any) -> None:
    """Let there be migrations, which the suite does without (--nomigrations)."""
    settings.MIGRATION_MODULES = {}


def said(command: str, *arguments: str, **options: Any) -> str:
    """Return what a command writes."""
    written = StringIO()
    call_command(command, *arguments, stdout=written, no_color=True, **options)
    return written.getvalue()


def test_sqlmigrate_shows_the_requests_behind_each_change() -> None:
    before = said("sqlmigrate", "alerts", "0002")
    assert 'CREATE INDEX "notification_newest" ON "alerts_notification" ("created_at");' in before
    assert "UpdateTable" in before
    assert "Every row gets the attributes of index-" in before
    assert "CHECK (\"cash\" >= '0')" in said("sqlmigrate", "portfolio", "0001")


def test_what_is_applied_is_taken_back_and_applied_again() -> None:
    call_command("migrate", verbosity=0)
    assert "UpdateTable" in said("sqlmigrate", "alerts", "0002")
    assert "DROP INDEX" in said("sqlmigrate", "alerts", "0002", backwards=True)
    call_command("migrate", "portfolio", "zero", verbosity=0)
    assert "[ ] 0001_initial" in said("showmigrations", "portfolio")
    assert "Create model Portfolio" in said("migrate", plan=True)
    call_command("migrate", verbosity=0)
    assert "No planned migration operations" in said("migrate", plan=True)
    assert "[X] 0001_initial" in said("showmigrations", "portfolio")
    assert "'AccountsUser', models.DO_NOTHING" in said("inspectdb", "alerts_notification")
    with pytest.raises(CommandError, match="CREATE TABLE is not possible on DynamoDB"):
        call_command("createcachetable", "cached", verbosity=0)


def test_a_dump_is_loaded_into_an_empty_database_and_over_itself(tmp_path: Path) -> None:
    call_command("migrate", verbosity=0)
    for number in range(chunks.MAX_ACTIONS + 20):
        Group.objects.create(name=f"group {number}")
    dump = str(tmp_path / "all.json")
    call_command("dumpdata", "auth.group", output=dump)
    # Nothing changes, but each row is held until the commit: more than one transaction takes.
    call_command("loaddata", dump, verbosity=0)
    call_command("flush", interactive=False)
    assert not Group.objects.exists()
    call_command("loaddata", dump, verbosity=0)
    assert len(Group.objects.all()) == chunks.MAX_ACTIONS + 20
    assert Group.objects.create(name="next").pk > chunks.MAX_ACTIONS + 20
