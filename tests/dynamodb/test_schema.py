"""Schema changes: what they do to the catalogue, to DynamoDB's tables and to the rows there."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

pytestmark = pytest.mark.usefixtures("dynamodb")


@isolate_apps("tests")
def test_a_model_gets_a_table_that_takes_rows() -> None:
    class Coin(models.Model):
        name = models.CharField(max_length=20, unique=True)
        rank = models.IntegerField(db_index=True)

        class Meta:
            app_label = "tests"

    with connection.schema_editor() as editor:
        editor.create_model(Coin)
    Coin.objects.create(name="Bitcoin", rank=1)
    assert Coin.objects.get(name="Bitcoin").rank == 1
    assert Coin.objects.filter(rank=1).count() == 1
    field = models.CharField(max_length=3, default="usd")
    field.set_attributes_from_name("currency")
    field.model = Coin
    with connection.schema_editor() as editor:
        editor.add_field(Coin, field)
    with connection.cursor() as cursor:
        cursor.execute("SELECT currency, name FROM tests_coin")
        assert cursor.fetchall() == [("usd", "Bitcoin")]
    with connection.schema_editor() as editor:
        editor.remove_field(Coin, field)
    with connection.schema_editor() as editor:
        editor.add_index(Coin, models.Index(fields=["name", "-rank"], name="by_name"))
    with connection.schema_editor() as editor:
        editor.add_constraint(Coin, models.UniqueConstraint(fields=["rank"], name="one_rank"))
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "tests_coin")
    print(found)
    with connection.schema_editor() as editor:
        editor.delete_model(Coin)
    assert "tests_coin" not in connection.introspection.table_names()
