"""Bring tables that exist in line with OPTIONS["TABLES"]: shards, time to live, indexes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from cryptopulse.engine import DYNAMODB


class Command(BaseCommand):
    """Changes one table after another; killed anywhere, it goes on when it is run again."""

    help = (
        "Bring DynamoDB tables in line with TABLES. Another number of shards copies the table: "
        "stop whatever writes it until the command has ended. All else changes in place."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tables", nargs="*", metavar="table", help="db_table; all if none")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--noinput", action="store_false", dest="interactive")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Say what differs and, unless told otherwise, change it."""
        connection: Any = connections[options["database"]]
        if connection.settings_dict["ENGINE"] != DYNAMODB:
            raise CommandError("The database is not DynamoDB: there are no such options.")
        try:
            with connection.wrap_database_errors:
                done = self._run(connection, options)
        except OperationalError as error:
            raise CommandError(str(error)) from error
        if not any(done):
            self.stdout.write("All tables are as TABLES says.")

    def _run(self, connection: Any, options: dict[str, Any]) -> list[bool]:
        names = self._names(connection, options["tables"])
        with connection.schema_editor() as editor:
            unfinished = editor.unfinished()
        # First, because the next change would forget it.
        first = [unfinished] if unfinished else []
        return [
            self._apply(connection, name, is_unfinished=name == unfinished, **options)
            for name in dict.fromkeys([*first, *names])
        ]

    def _names(self, connection: Any, asked: list[str]) -> list[str]:
        connection.ensure_connection()
        connection.store.registry.refresh()
        known = connection.store.registry.tables
        if unknown := sorted(set(asked) - set(known)):
            raise CommandError(f"There is no table {unknown[0]!r} in this database.")
        return asked or sorted(known)

    def _apply(
        self,
        connection: Any,
        name: str,
        *,
        is_unfinished: bool,
        dry_run: bool,
        interactive: bool,
        **_: Any,
    ) -> bool:
        with connection.schema_editor() as editor:
            change = editor.difference(name)
        if change is None and not is_unfinished:
            return False
        if is_unfinished or change is None:
            self.stdout.write(f"{name}: finishing what was interrupted")
        else:
            self.stdout.write(f"{name}: {'; '.join(change.sentences()) or 'indexes'}")
            for request in change.requests():
                self.stdout.write(f"  {request}")
        if dry_run:
            return True
        if change is not None and change.must_copy and interactive and not is_unfinished:
            self._ask(name)
        with connection.schema_editor() as editor:
            editor.apply_options(name)
        self.stdout.write("  done")
        return True

    def _ask(self, name: str) -> None:
        question = f"  Does nothing write {name} until this has ended? Type 'yes' to copy it: "
        if input(question) != "yes":
            raise CommandError("Nothing was copied.")
