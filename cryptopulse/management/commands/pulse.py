"""Run the whole product in one process: pages, websockets, worker, beat and feed."""

from __future__ import annotations

import errno
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Tags
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import services as accounts
from cryptopulse import engine
from cryptopulse.checks.storage import COLLECT, are_static_files_missing
from cryptopulse.embedded import Stop, listen, serve
from cryptopulse.environment import env, make_private
from market import services as market

#: Checks of the code, which are the same at every start: the tests and `manage.py check` run
#: them. They read all there is of it, the parts that nobody has asked for yet included.
ABOUT_CODE = frozenset({Tags.admin, Tags.commands, Tags.models, Tags.urls})


def refuse(sentence: str) -> NoReturn:
    """End with exit code 1 and a sentence instead of a traceback."""
    sys.exit(f"CryptoPulse cannot start: {sentence}")


class Command(BaseCommand):
    """Brings the database up to date, gives a new one its first prices, and serves."""

    help = "Run everything in one process. HOST and PORT say where."
    requires_system_checks: list[str] = []  # see _check_settings

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=env.str("HOST", default="127.0.0.1"))
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Start, serve, and end with exit code 0 when asked to."""
        stop = Stop()
        stop.install()
        host, port = options["host"], options["port"]
        listener = self._listen(host, port)
        self._check_settings()
        try:
            is_new = self._prepare_database()
            with ThreadPoolExecutor(1) as aside:  # hashing passwords takes as long as asking a feed
                people = aside.submit(self._demo_people) if is_new and settings.DEBUG else None
                self._first_prices()
            if people is not None:
                self._say_people(people.result())
        except DatabaseError as error:
            refuse(f"The database cannot be used: {error}")
        finally:
            connections.close_all()
        serve(listener=listener, stop=stop, on_started=lambda: self._say_where(host, port))

    def _listen(self, host: str, port: int) -> Any:
        try:
            return listen(host=host, port=port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sentence = f"Port {port} is in use. Choose another one: PORT={port + 1}"
            elif error.errno == errno.EACCES:
                sentence = (
                    f"Port {port} is reserved on this machine. Choose one above 1023: PORT=8000"
                )
            else:
                sentence = f"{host}:{port} cannot be listened on ({error}). Set HOST and PORT."
            refuse(sentence)

    def _check_settings(self) -> None:
        """Refuse to start with wrong settings; mention what is merely less than it could be."""
        if are_static_files_missing():
            refuse(f"The static files have not been collected. {COLLECT}")
        findings = list(self._findings())
        if wrong := [finding for finding in findings if finding.is_serious()]:
            refuse(
                "\n".join(f"{finding.msg} {finding.hint or ''} ({finding.id})" for finding in wrong)
            )
        for finding in findings:
            if finding.level >= WARNING:
                self._say(f"Note: {finding.msg} ({finding.id})")

    def _findings(self) -> Iterator[CheckMessage]:
        """Yield what checks of the settings find."""
        for check in registry.get_checks():
            if ABOUT_CODE.isdisjoint(check.tags):
                for finding in check(app_configs=None, databases=None):
                    if not finding.is_silenced():
                        yield finding

    def _prepare_database(self) -> bool:
        """Migrate if something is missing; tell whether nobody has an account here yet."""
        make_private(settings.LOCAL_DIR)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self._say("Preparing the database ...")
            call_command("migrate", verbosity=0, interactive=False)
        return not any(accounts.user_counts().values())

    def _demo_people(self) -> list[accounts.DemoPerson]:
        try:
            return accounts.make_demo_people()
        finally:
            connections.close_all()

    def _say_people(self, people: list[accounts.DemoPerson]) -> None:
        self._say("Demo log-ins (to read them again: make demo-logins)")
        for person in people:
            self._say(f"  {person.role.label:<10} {person.username:<8} {person.password}")

    def _first_prices(self) -> None:
        """Let a new database choose its kind of prices, and say so."""
        held = market.origin()
        if held is None:
            if not settings.MARKET_FEEDS:
                self._say("Asking CoinGecko for prices ...")
            held = market.choose_origin(now=timezone.now())
        if held == "simulated":
            self._say(
                "Prices are SIMULATED in this database. For real ones start with another: "
                f"LOCAL_DIR=.local-real make {'run-dynamodb' if engine.is_dynamodb() else 'run'}"
            )

    def _say_where(self, host: str, port: int) -> None:
        name = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104 (printed)
        self._say(f"CryptoPulse runs at http://{name}:{port}   (Ctrl-C ends it)")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        sys.stdout.flush()
