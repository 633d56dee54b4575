"""Migrations that change rows: they may change more than one transaction of DynamoDB takes."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest
from django.db import connection, migrations, transaction
from django.db.migrations.state import ProjectState

from cryptopulse.dynamodb.chunks import MAX_ACTIONS

pytestmark = pytest.mark.django_db
MANY = MAX_ACTIONS + 50


def test_a_data_migration_of_many_rows_goes_in_chunks_and_says_so(
    ledger: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    def fill(_apps: Any, _editor: Any) -> None:
        for number in range(MANY):
            ledger.Label.objects.create(word=f"word {number}")

    class Fill(migrations.Migration):
        operations = [migrations.RunPython(fill)]

    with caplog.at_level("INFO", "cryptopulse.dynamodb"), connection.schema_editor() as editor:
        Fill("fill", "ledger").apply(ProjectState(), editor)

    assert ledger.Label.objects.count() == MANY
    assert "Writing in chunks, not atomic: 90 actions ahead of the COMMIT" in caplog.messages
    assert not connection.connection.session.chunked


def test_no_savepoint_is_torn_apart_by_a_chunk(ledger: ModuleType) -> None:
    with connection.schema_editor(), transaction.atomic():
        ledger.Label.objects.create(word="before")
        with suppress(LookupError), transaction.atomic():
            for number in range(MANY):
                ledger.Label.objects.create(word=f"word {number}")
            raise LookupError
    assert [label.word for label in ledger.Label.objects.all()] == ["before"]


def test_a_schema_change_within_work_in_chunks_leaves_it_in_chunks(ledger: ModuleType) -> None:
    connection.disable_constraint_checking()
    with connection.schema_editor():
        pass
    assert connection.connection.session.chunked
    connection.enable_constraint_checking()
