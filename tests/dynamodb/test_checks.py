"""What the engine cannot keep is said at start-up, with an id and a way out."""
# ruff: noqa: DJ008 (nobody looks at the rows of these models: there are none)

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.checks import CheckMessage
from django.db import models
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from cryptopulse.checks.dynamodb import check_dynamodb_options
from cryptopulse.dynamodb import checks
from cryptopulse.dynamodb.catalogue import Column, Index, TableDef
from cryptopulse.dynamodb.options import read_options
from cryptopulse.dynamodb_tables import TABLES


def found(
    *listed: type[models.Model],
    tables: dict[str, Any] | None = None,
    admins: dict[Any, Any] | None = None,
) -> list[CheckMessage]:
    options = read_options({"NAME": "t", "OPTIONS": {"TABLES": tables or {}}})
    return list(checks.find(listed, options, admins or {}))


def ids(messages: list[CheckMessage]) -> list[str]:
    assert all(message.hint for message in messages)
    return [str(message.id).removeprefix("cryptopulse.") for message in messages]


def test_the_product_itself_has_nothing_to_mend() -> None:
    listed = apps.get_models(include_auto_created=True)
    product = [model for model in listed if not model.__module__.startswith("tests.")]
    assert found(*product, tables=TABLES, admins=dict(admin.site._registry)) == []


@isolate_apps("tests.dynamodb")
def test_a_constraint_that_is_not_kept_is_an_error() -> None:
    class Booking(models.Model):
        room = models.IntegerField()

        class Meta:
            app_label = "dynamodb"
            constraints = (
                models.UniqueConstraint(
                    fields=["room"], name="later", deferrable=models.Deferrable.DEFERRED
                ),
                models.UniqueConstraint(fields=["room"], name="kept"),
                models.UniqueConstraint(Lower("room"), name="kept_as_well"),
            )

    (message,) = found(Booking)
    assert message.id == "cryptopulse.E101"
    assert "later" in message.msg


@isolate_apps("tests.dynamodb")
def test_more_than_twenty_indexes_are_too_many() -> None:
    def make(name: str, count: int) -> type[models.Model]:
        fields = {f"f{number}": models.IntegerField(db_index=True) for number in range(count)}
        meta = type("Meta", (), {"app_label": "dynamodb"})
        return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    assert ids(found(make("Enough", 20))) == []
    assert ids(found(make("TooMany", 21))) == ["W102"]


@isolate_apps("tests.dynamodb")
def test_an_order_that_no_index_has_is_a_warning_for_a_large_table() -> None:
    class Event(models.Model):
        at = models.DateTimeField()
        place = models.IntegerField()

        class Meta:
            app_label = "dynamodb"
            ordering = ("-at", "-id")
            indexes = (models.Index(fields=["at"], name="event_at"),)

    table = Event._meta.db_table
    assert ids(found(Event)) == ["W103"]
    assert ids(found(Event, tables={table: {"ordered": {"event_at": 2}}})) == []
    assert ids(found(Event, tables={table: {"small": True}})) == []

    Event._meta.ordering = ("at", "-id")  # an index is read one way or the other
    assert ids(found(Event, tables={table: {"ordered": {"event_at": 2}}})) == ["W103"]

    Event._meta.ordering = ("-pk",)
    assert ids(found(Event)) == []
    (message,) = found(Event, admins={Event: SimpleNamespace(ordering=("place",))})
    assert "Its admin's ordering" in message.msg


@isolate_apps("tests.dynamodb")
def test_an_index_of_expressions_is_named_because_it_is_not_built() -> None:
    class Word(models.Model):
        text = models.CharField(max_length=9)

        class Meta:
            app_label = "dynamodb"
            indexes = (models.Index(Lower("text"), name="word_lower"),)

    (message,) = found(Word)
    assert message.id == "cryptopulse.W104"
    assert "word_lower" in message.msg


@isolate_apps("tests.dynamodb")
def test_a_column_may_not_look_like_the_engines_own() -> None:
    class Odd(models.Model):
        key = models.IntegerField(db_column="@k")

        class Meta:
            app_label = "dynamodb"

    assert ids(found(Odd)) == ["E105"]


@isolate_apps("tests.dynamodb")
def test_options_that_name_nothing_are_errors() -> None:
    class Row(models.Model):
        at = models.DateTimeField(db_index=True)

        class Meta:
            app_label = "dynamodb"

    table = Row._meta.db_table
    assert ids(found(Row, tables={"nothing": {"small": True}})) == ["E106"]
    assert ids(found(Row, tables={table: {"ttl": "then"}})) == ["E107"]
    assert ids(found(Row, tables={table: {"check_references": ["then"]}})) == ["E107"]
    assert ids(found(Row, tables={table: {"ordered": {"then": 1}}})) == ["E107"]
    assert ids(found(Row, tables={table: {"unbuilt": ["then", "at"]}})) == ["E107"]
    assert ids(found(Row, tables={table: {"ttl": "at"}})) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"shards": 4}, ["E108"]),
        ({"ttl": "at"}, ["W109"]),
        ({"ordered": {"by_at": 2}}, ["W109"]),
        ({"unbuilt": ["by_at"]}, ["W109"]),
        ({"small": True, "ttl": "nothing"}, []),
    ],
)
def test_options_that_a_table_was_not_made_with_are_named_with_the_command(
    wanted: dict[str, Any], expected: list[str]
) -> None:
    columns = (
        Column(name="id", type="integer", attribute="id", null=False),
        Column(name="at", type="datetime", attribute="at", null=False),
    )
    indexes = (Index(name="by_at", columns=("at",), slot=1),)
    table = TableDef(
        name="rows", physical="t-rows", columns=columns, key=("id",), indexes=indexes, next_slot=2
    )
    options = read_options({"NAME": "t", "OPTIONS": {"TABLES": {"rows": wanted}}})
    messages = list(checks.changed_options(table, options))
    assert ids(messages) == expected
    assert all("manage.py dynamodb_apply_options rows" in str(m.hint) for m in messages)


def test_options_that_cannot_be_read_are_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"ENGINE": "cryptopulse.dynamodb", "NAME": "t", "OPTIONS": {"scans": "never"}}
    monkeypatch.setattr("django.conf.settings.DATABASES", {"default": broken})
    (message,) = check_dynamodb_options()
    assert message.id == "cryptopulse.E100"
    assert "scans" in message.msg


def test_another_database_loads_nothing_of_the_engine() -> None:
    script = (
        "import django, sys; django.setup(); from django.core.checks import run_checks;"
        "run_checks(databases=['default']);"
        "print(*{'apsw', 'boto3', 'botocore', 'cryptopulse.dynamodb.checks'} & set(sys.modules))"
    )
    settings = {
        "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
        "DATABASE_URL": "sqlite:///:memory:",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | settings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == ""
