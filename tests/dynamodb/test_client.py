"""`manage.py dbshell` on the engine."""

from __future__ import annotations

import io
from types import ModuleType

import pytest
from django.core.management import call_command

NOT_POSSIBLE = "is not possible on DynamoDB; schema changes go through Django migrations."


def test_statements_on_the_command_line_run_and_print_rows(
    ledger: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.Owner.objects.create(name="alice")
    call_command("dbshell", "--", "SELECT name, born FROM ledger_owner", "DROP TABLE ledger_owner")
    assert capsys.readouterr().out.splitlines() == [
        "name | born",
        "alice | NULL",
        f"NotSupportedError: DROP TABLE {NOT_POSSIBLE}",
    ]


def test_statements_from_a_pipe_end_with_a_semicolon(
    ledger: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.Owner.objects.create(name="alice")
    sql = "UPDATE ledger_owner SET name = 'a;b'\n WHERE id = 1;\nSELECT name FROM ledger_owner"
    monkeypatch.setattr("sys.stdin", io.StringIO(sql))
    call_command("dbshell")
    assert capsys.readouterr().out.splitlines() == ["1 rows changed.", "name", "a;b"]
