"""Changes of whole tables on a DynamoDB that takes its time and its limits seriously, as AWS does.

The local server does everything at once; what AWS would answer meanwhile is put in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from django.db import connection, migrations
from django.db.models import AutoField, CharField, Index, IntegerField, UniqueConstraint

from cryptopulse.dynamodb import catalogue, tables
from cryptopulse.dynamodb.options import read_options
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb.tables import Tables
from tests.dynamodb.faults import Faults, answer, body_of, forward
from tests.dynamodb.physical import client, is_sentinel, items
from tests.dynamodb.test_schema import COIN, Project

BY_RANK = catalogue.Index(name="by_rank", columns=("rank",), slot=1)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no time pass between two looks at a table; return the tables waited for."""
    waited: list[str] = []
    monkeypatch.setattr(tables, "_pause", lambda pauses, name: waited.append(name))
    return waited


@pytest.fixture
def faults(store: Store) -> Iterator[Faults]:
    with Faults(store.transport) as planned:
        yield planned


@pytest.fixture
def ddl(store: Store) -> Tables:
    return store.registry.ddl


def described(change: Callable[[dict[str, Any]], None]) -> Any:
    """Return an answer to DescribeTable that differs from the truth."""

    def tell(request: AWSPreparedRequest) -> AWSResponse:
        document = json.loads(forward(request, body_of(request)).content)
        change(document["Table"])
        return answer(request, 200, json.dumps(document).encode())

    return tell


def being(status: str) -> Any:
    return described(lambda table: table.update(TableStatus=status))


def index_being(status: str, *, backfilling: bool = False) -> Any:
    def change(table: dict[str, Any]) -> None:
        for index in table.get("GlobalSecondaryIndexes", []):
            index.update(IndexStatus=status, Backfilling=backfilling)

    return described(change)


def test_a_table_is_waited_for_until_it_is_active(
    ddl: Tables, faults: Faults, pauses: list[str]
) -> None:
    faults.refuse("DescribeTable", "ResourceNotFoundException")  # it is behind CreateTable
    faults.plan("DescribeTable", being("CREATING"), times=3)
    ddl.create("w-coin", [BY_RANK])
    assert pauses == ["w-coin"] * 4
    ddl.drop("w-coin")


def test_an_index_is_waited_for_until_it_is_filled(
    ddl: Tables, faults: Faults, pauses: list[str]
) -> None:
    ddl.create("w-coin")
    faults.refuse("UpdateTable", "ResourceInUseException", times=2)  # an earlier change goes on
    faults.pass_through("DescribeTable")
    faults.plan("DescribeTable", being("UPDATING"))
    faults.plan("DescribeTable", index_being("CREATING", backfilling=True), times=2)
    ddl.add_index("w-coin", BY_RANK)
    assert pauses == ["w-coin"] * 5
    assert faults.sent["UpdateTable"] == 3
    ddl.drop("w-coin")


def test_what_dynamodb_is_too_busy_for_is_asked_again_until_it_is_not(
    ddl: Tables, faults: Faults, pauses: list[str]
) -> None:
    attempts = ddl.options.attempts
    faults.refuse("CreateTable", "LimitExceededException", times=attempts * 3)
    faults.refuse("DescribeTable", "ThrottlingException", times=attempts * 2)
    ddl.create("w-coin")
    assert ddl.exists("w-coin")
    faults.refuse("DeleteTable", "LimitExceededException", times=attempts)
    ddl.drop("w-coin")
    assert not ddl.exists("w-coin")
    assert "w-coin" in pauses


def test_a_table_of_the_same_name_that_is_being_deleted_is_waited_for(
    ddl: Tables, faults: Faults, pauses: list[str]
) -> None:
    ddl.create("w-coin")
    faults.refuse("CreateTable", "ResourceInUseException")
    faults.plan("DescribeTable", being("DELETING"), times=3)

    def gone(request: AWSPreparedRequest) -> AWSResponse:
        client(str(ddl.options.endpoint)).delete_table(TableName="w-coin")
        return forward(request, body_of(request))

    faults.plan("DescribeTable", gone)
    ddl.create("w-coin")
    assert faults.sent["CreateTable"] == 3
    assert pauses == ["w-coin"] * 2
    ddl.drop("w-coin")


def test_a_table_that_was_gone_by_the_time_it_was_looked_at_is_made(
    ddl: Tables, faults: Faults
) -> None:
    faults.refuse("CreateTable", "ResourceInUseException")
    ddl.create("w-coin")
    assert faults.sent["CreateTable"] == 2
    ddl.drop("w-coin")


def test_a_table_still_being_made_is_dropped_once_it_can_be(
    ddl: Tables, faults: Faults, pauses: list[str]
) -> None:
    ddl.create("w-coin")
    faults.refuse("DeleteTable", "ResourceInUseException", times=2)
    faults.plan("DescribeTable", being("ACTIVE"), times=0)
    ddl.drop("w-coin")
    assert pauses == ["w-coin"] * 2
    assert not ddl.exists("w-coin")


@pytest.mark.usefixtures("dynamodb")
class TestMigrations:
    """The same beneath a schema editor."""

    def test_a_migration_ends_right_however_long_dynamodb_takes(self) -> None:
        project = Project()
        with Faults(store_of().transport) as faults:
            faults.refuse("CreateTable", "LimitExceededException")
            faults.plan("DescribeTable", being("CREATING"), times=2)
            project.run(COIN)
            project["coin"].create(name="Bitcoin", rank=1)
            faults.refuse("UpdateTable", "ResourceInUseException")
            faults.refuse("UpdateTable", "LimitExceededException")
            faults.plan("DescribeTable", index_being("ACTIVE"))
            faults.plan("DescribeTable", index_being("CREATING", backfilling=True), times=2)
            project.run(migrations.AddIndex("coin", Index(fields=["rank"], name="by_rank")))
        assert project["coin"].get(rank=1).name == "Bitcoin"

    def test_an_index_of_an_empty_table_is_one_wait_and_a_dropped_one_is_none(self) -> None:
        project = Project()
        project.run(COIN)
        index = Index(fields=["rank"], name="by_rank")
        with Faults(store_of().transport) as faults:
            project.run(migrations.AddIndex("coin", index))
            assert faults.sent["UpdateTable"] == 1
            assert faults.sent["DescribeTable"] == 2  # is it there already, is it active
            project.run(migrations.RemoveIndex("coin", "by_rank"))
            assert faults.sent["UpdateTable"] == 2
            assert faults.sent["DescribeTable"] == 3

    def test_a_dropped_unique_constraint_takes_its_items_along(self) -> None:
        project = Project()
        project.run(
            migrations.CreateModel(
                "Coin",
                [
                    ("id", AutoField(primary_key=True)),
                    ("name", CharField(max_length=20, unique=True)),
                    ("rank", IntegerField()),
                ],
            ),
            migrations.AddConstraint(
                "coin", UniqueConstraint(fields=["rank"], name="one_of_a_rank")
            ),
        )
        for number in range(60):
            project["coin"].create(name=f"coin {number}", rank=number)
        assert sentinels() == 120
        project.run(migrations.RemoveConstraint("coin", "one_of_a_rank"))
        assert sentinels() == 60
        project["coin"].create(name="again", rank=1)

    def test_items_that_cannot_be_deleted_do_not_stop_a_migration(self) -> None:
        project = Project()
        project.run(
            COIN,
            migrations.AddConstraint("coin", UniqueConstraint(fields=["rank"], name="one")),
        )
        project["coin"].create(name="Bitcoin", rank=1)
        with Faults(store_of().transport) as faults:
            faults.refuse("Scan", "AccessDeniedException")
            project.run(migrations.RemoveConstraint("coin", "one"))
        assert sentinels() == 1
        project["coin"].create(name="Ether", rank=1)


def store_of() -> Store:
    return Store.of(read_options(connection.settings_dict))


def sentinels() -> int:
    store = store_of()
    table = store.registry.tables["tests_coin"]
    stored = items(client(str(store.options.endpoint)), table.physical)
    return sum(map(is_sentinel, stored))
