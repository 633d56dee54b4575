"""A migration that is killed anywhere can be run again, and ends as if nothing had happened."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, migrations, models
from django.db.migrations.state import ProjectState

from cryptopulse.dynamodb.options import read_options
from cryptopulse.dynamodb.registry import Registry
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb.tables import Tables
from tests.dynamodb.faults import Killed, killed_at

pytestmark = pytest.mark.usefixtures("dynamodb")

OPERATIONS = [
    migrations.CreateModel(
        "Coin",
        [
            ("id", models.AutoField(primary_key=True)),
            ("name", models.CharField(max_length=20)),
            ("rank", models.IntegerField(null=True)),
        ],
    ),
    migrations.CreateModel(
        "Trade",
        [
            ("id", models.AutoField(primary_key=True)),
            ("coin", models.ForeignKey("tests.Coin", models.CASCADE)),
        ],
    ),
]
CHANGES = [
    migrations.AddField("coin", "symbol", models.CharField(max_length=5, default="BTC")),
    migrations.AddIndex("coin", models.Index(fields=["symbol", "rank"], name="by_symbol")),
    migrations.AddConstraint("coin", models.UniqueConstraint(fields=["rank"], name="one_rank")),
    migrations.AlterField("coin", "rank", models.IntegerField(default=0)),
    migrations.RenameField("coin", "name", "title"),
    migrations.AlterField("coin", "id", models.CharField(max_length=10, primary_key=True)),
    migrations.RenameModel("Coin", "Asset"),
    migrations.RemoveIndex("asset", "by_symbol"),
    migrations.RemoveField("asset", "symbol"),
]


def migrate(operations: list[Any], state: ProjectState) -> ProjectState:
    with connection.schema_editor() as editor:
        for operation in operations:
            before, state = state, state.clone()
            operation.state_forwards("tests", state)
            operation.database_forwards("tests", editor, before, state)
    return state


def registry() -> Registry:
    return Store.of(read_options(connection.settings_dict)).registry


def tables() -> dict[str, Any]:
    return {name: table.to_json() for name, table in registry().tables.items()}


def items() -> list[Any]:
    """Return what is stored of each row, without the version that wrote it."""
    known = registry()
    found = [
        item
        for table in known.tables.values()
        for item in known.ddl.ask("Scan", TableName=table.physical, ConsistentRead=True)["Items"]
    ]
    found = [{key: item[key] for key in sorted(item) if key != "@v"} for item in found]
    # Sentinels of constraints that are gone may be left over.
    return sorted((item for item in found if item["@k"] != {"S": "u"}), key=str)


def rows(state: ProjectState) -> list[Any]:
    return sorted(state.apps.get_model("tests", "asset").objects.values_list())


def start() -> ProjectState:
    state = migrate(OPERATIONS, ProjectState())
    model = state.apps.get_model("tests", "coin")
    for number in range(1, 6):
        coin = model.objects.create(name=f"coin {number}", rank=number if number > 1 else None)
    state.apps.get_model("tests", "trade").objects.create(coin=coin)
    return state


def wipe() -> None:
    registry().wipe()
    connection.close()


def undisturbed() -> tuple[dict[str, Any], list[Any], list[Any], int]:
    state = start()
    ask, count = Tables.ask, 0

    def counted(self: Tables, operation: str, **request: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        return ask(self, operation, **request)

    Tables.ask = counted  # type: ignore[method-assign]
    try:
        state = migrate(CHANGES, state)
    finally:
        Tables.ask = ask  # type: ignore[method-assign]
    return tables(), rows(state), items(), count


def test_a_migration_killed_at_any_request_can_be_run_again() -> None:
    expected, expected_rows, expected_items, requests = undisturbed()
    assert len(expected_rows) == 5
    assert requests > 40
    for number in range(1, requests + 1):
        wipe()
        state = start()
        with pytest.raises(Killed), killed_at(number):
            migrate(CHANGES, state)
        registry().forget()  # a new process
        again = migrate(CHANGES, state)
        assert rows(again) == expected_rows, number
        assert tables() == expected, number
        assert items() == expected_items, number
        assert not registry().read("journal", "-"), number


def test_a_change_that_rows_do_not_fit_is_taken_back_and_what_came_before_it_is_kept() -> None:
    state = start()
    model = state.apps.get_model("tests", "coin")
    model.objects.create(name="twice", rank=2)
    operations = [CHANGES[0], CHANGES[2]]
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: tests_coin\.rank"):
        migrate(operations, state)
    assert not registry().tables["tests_coin"].uniques
    model.objects.filter(name="twice").delete()
    after = migrate(operations, state)
    assert after.apps.get_model("tests", "coin").objects.get(rank=2).symbol == "BTC"
    with pytest.raises(IntegrityError):
        after.apps.get_model("tests", "coin").objects.create(name="again", rank=2)


def test_another_migration_than_the_interrupted_one_starts_from_what_is_there() -> None:
    state = start()
    with pytest.raises(Killed), killed_at(8):
        migrate(CHANGES, state)
    registry().forget()
    migrate([migrations.AddIndex("coin", models.Index(fields=["name"], name="by_name"))], state)
    assert "by_name" in {index.name for index in registry().tables["tests_coin"].indexes}
    assert not registry().read("journal", "-")
