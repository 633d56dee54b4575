"""`manage.py dbshell`: SQL through the engine, because DynamoDB has no shell of its own."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Iterator

from django.db import Error
from django.db.backends.sqlite3 import client as sqlite3_client

from .scans import allow_scans

PROMPT, CONTINUED = "dynamodb> ", "     ...> "


class DatabaseClient(sqlite3_client.DatabaseClient):
    """A prompt for SQL statements; those given after `--` run without one."""

    executable_name = "dynamodb"

    def runshell(self, parameters: Iterable[str]) -> None:
        """Run the statements given, else those typed, and print their rows."""
        with allow_scans("dbshell"):
            for sql in list(parameters) or _statements(_typed()):
                try:
                    self._run(sql)
                except Error as error:
                    _print(f"{type(error).__name__}: {error}")

    def _run(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.description is None:
                _print(f"{max(cursor.rowcount, 0)} rows changed.")
                return
            _print(" | ".join(column[0] for column in cursor.description))
            for row in cursor:
                _print(" | ".join("NULL" if value is None else str(value) for value in row))


def _typed() -> Iterator[str]:
    """Yield lines until the end of the input; with a prompt when a person types them."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    prompt = PROMPT
    while True:
        try:
            line = input(prompt)
        except EOFError:
            return
        yield line + "\n"
        prompt = PROMPT if line.rstrip().endswith(";") or not line.strip() else CONTINUED


def _statements(lines: Iterable[str]) -> Iterator[str]:
    """Put lines together to statements, which end with a semicolon or with the input."""
    sql = ""
    for line in lines:
        sql += line
        if sqlite3.complete_statement(sql):
            yield sql.strip()
            sql = ""
    if sql.strip():
        yield sql.strip()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
