"""A model's state in the catalogue's words."""

# ruff: noqa: DJ001, DJ008 - models that are only defined

from __future__ import annotations

import pytest
from django.db import connection, models
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from cryptopulse.dynamodb import definition
from cryptopulse.dynamodb.catalogue import TableDef
from cryptopulse.dynamodb.options import TableOptions

pytestmark = pytest.mark.usefixtures("dynamodb")


def table_of(model: type[models.Model], options: TableOptions | None = None) -> TableDef:
    with connection.schema_editor(collect_sql=True) as editor:
        return definition.table_of(editor, model, "p-table", options or TableOptions())


@isolate_apps("tests")
def test_columns_keys_and_checks_come_from_the_fields() -> None:
    class Trade(models.Model):
        amount = models.DecimalField(max_digits=20, decimal_places=8)
        fee = models.PositiveIntegerField(default=0, db_default=3)
        total = models.GeneratedField(
            expression=models.F("amount") + models.F("fee"),
            output_field=models.DecimalField(max_digits=20, decimal_places=8),
            db_persist=True,
        )
        note = models.JSONField(null=True)

        class Meta:
            app_label = "tests"

    table = table_of(Trade)
    assert (table.key, table.auto) == (("id",), "id")
    amount, fee, total, note = table.columns[1:]
    assert (amount.kind, amount.scale, amount.null) == ("decimal", 8, False)
    assert fee.db_default == "3"
    assert total.generated is not None
    assert '"amount"' in total.generated
    assert total.scale == 8
    assert note.is_json
    assert [check.column for check in table.checks] == ["fee", "note"]


@isolate_apps("tests")
def test_a_foreign_key_is_indexed_unless_a_declared_index_begins_with_it() -> None:
    class Coin(models.Model):
        class Meta:
            app_label = "tests"

    class Trade(models.Model):
        coin = models.ForeignKey(Coin, models.CASCADE)
        other = models.ForeignKey(Coin, models.CASCADE, related_name="+")
        at = models.DateTimeField()

        class Meta:
            app_label = "tests"
            indexes = [models.Index(fields=["coin", "-at"], name="by_coin")]

    table = table_of(Trade)
    assert [index.columns for index in table.built_indexes] == [
        ("other_id",),
        ("coin_id", "at"),
    ]
    assert table.columns[1].references == ("tests_coin", "id")
    assert len({index.slot for index in table.indexes}) == len(table.indexes)


@isolate_apps("tests")
def test_a_conditional_index_does_not_serve_in_place_of_a_foreign_keys() -> None:
    class Coin(models.Model):
        parent = models.ForeignKey("self", models.CASCADE)
        is_live = models.BooleanField()

        class Meta:
            app_label = "tests"
            indexes = [
                models.Index(fields=["parent"], name="live", condition=models.Q(is_live=True))
            ]

    assert len(table_of(Coin).built_indexes) == 2


@isolate_apps("tests")
def test_of_more_than_twenty_indexes_the_implied_ones_are_left_out_first() -> None:
    fields = {f"f{number}": models.IntegerField(db_index=True) for number in range(15)}
    declared = [models.Index(fields=[f"f{number}", "id"], name=f"i{number}") for number in range(9)]
    declared += [
        models.Index(fields=["id", f"f{number}"], name=f"j{number}") for number in range(9)
    ]
    meta = type("Meta", (), {"app_label": "tests", "indexes": declared})
    wide = type("Wide", (models.Model,), {**fields, "__module__": __name__, "Meta": meta})
    table = table_of(wide)
    assert len(table.built_indexes) == 20
    assert sum(not index.is_implied for index in table.built_indexes) == 18


@isolate_apps("tests")
def test_unique_constraints_of_every_kind() -> None:
    class Person(models.Model):
        email = models.EmailField(unique=True)
        name = models.CharField(max_length=20, null=True)
        is_main = models.BooleanField()

        class Meta:
            app_label = "tests"
            unique_together = [("name", "email")]
            constraints = [
                models.UniqueConstraint("is_main", Lower("name").desc(), name="lower"),
                models.UniqueConstraint(
                    fields=["name"], condition=models.Q(is_main=True), name="main"
                ),
                models.UniqueConstraint(fields=["name"], nulls_distinct=False, name="null"),
                models.UniqueConstraint(
                    fields=["name"], deferrable=models.Deferrable.DEFERRED, name="deferred"
                ),
            ]

    found = {unique.name: unique for unique in table_of(Person).uniques}
    assert found["lower"].expressions == ('"is_main"', '(LOWER("name"))')
    assert str(found["main"].condition).startswith('"is_main"')
    assert found["null"].nulls_distinct is False
    assert "deferred" not in found
    assert [unique.columns for unique in found.values() if unique.is_implied] == [
        ("email",),
        ("name", "email"),
    ]


@isolate_apps("tests")
def test_an_index_of_expressions_is_kept_and_not_built() -> None:
    class Person(models.Model):
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "tests"
            indexes = [models.Index(Lower("name").desc(), name="by_lower")]

    (index,) = table_of(Person).indexes
    assert not index.is_built
    assert index.expressions == ('(LOWER("name")) DESC',)


@isolate_apps("tests")
def test_a_composite_primary_key_is_the_tables_key() -> None:
    class Line(models.Model):
        pk = models.CompositePrimaryKey("order", "number")
        order = models.IntegerField()
        number = models.IntegerField()

        class Meta:
            app_label = "tests"

    table = table_of(Line)
    assert (table.key, table.auto) == (("order", "number"), None)


@isolate_apps("tests")
def test_options_give_shards_expiry_and_ordered_indexes() -> None:
    class Session(models.Model):
        until = models.DateTimeField()

        class Meta:
            app_label = "tests"
            indexes = [models.Index(fields=["until"], name="by_until")]

    table = table_of(Session, TableOptions(shards=16, ttl="until", ordered={"by_until": 4}))
    assert (table.shards, table.ttl, table.indexes[0].shards) == (16, "until", 4)


@isolate_apps("tests")
def test_what_only_sql_needs_is_not_built() -> None:
    class Session(models.Model):
        until = models.DateTimeField()
        since = models.DateTimeField(db_index=True)
        place = models.TextField(db_index=True)

        class Meta:
            app_label = "tests"
            indexes = [models.Index(fields=["until"], name="by_until")]

    table = table_of(Session, TableOptions(unbuilt=("by_until", "since")))
    assert [index.columns for index in table.built_indexes] == [("place",)]
    assert len(table.indexes) == 3  # known, so that a migration may remove them


def test_attribute_names_are_never_used_twice() -> None:
    assert definition.attribute_for("name", ()) == "name"
    assert definition.attribute_for("name", ("name", "name@2")) == "name@3"
    assert not definition.attribute_for("@s", ()).startswith("@")
