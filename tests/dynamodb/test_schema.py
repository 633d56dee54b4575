"""Schema changes: what they do to the catalogue, to DynamoDB's tables and to the rows there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, OperationalError, connection, transaction
from django.db import migrations as m
from django.db.migrations.state import ProjectState
from django.db.models import (
    CASCADE,
    AutoField,
    BooleanField,
    CharField,
    CheckConstraint,
    DateTimeField,
    DecimalField,
    F,
    ForeignKey,
    GeneratedField,
    Index,
    IntegerField,
    ManyToManyField,
    Q,
    UniqueConstraint,
    Value,
)
from django.db.models.functions import Lower, Upper
from django.db.transaction import TransactionManagementError

from cryptopulse.dynamodb import filling
from cryptopulse.dynamodb.catalogue import TableDef
from cryptopulse.dynamodb.metering import assert_requests
from cryptopulse.dynamodb.options import read_options
from cryptopulse.dynamodb.registry import Registry
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb.transition import Transition

pytestmark = pytest.mark.usefixtures("dynamodb")

COIN = m.CreateModel(
    "Coin",
    [
        ("id", AutoField(primary_key=True)),
        ("name", CharField(max_length=20)),
        ("rank", IntegerField(null=True)),
    ],
)


class Project:
    """The state of a project's models, moved forward by operations."""

    def __init__(self) -> None:
        self.state = ProjectState()

    def run(self, *operations: Any) -> None:
        with connection.schema_editor() as editor:
            for operation in operations:
                before, after = self.state, self.state.clone()
                operation.state_forwards("tests", after)
                operation.database_forwards("tests", editor, before, after)
                self.state = after

    def __getitem__(self, name: str) -> Any:
        return self.state.apps.get_model("tests", name).objects

    def values(self, *columns: str, of: str = "coin") -> list[Any]:
        return list(self[of].order_by("pk").values_list(*columns, flat=len(columns) == 1))


@pytest.fixture
def project() -> Project:
    """Return a project with three coins, one of them without a rank."""
    project = Project()
    project.run(COIN)
    for name, rank in [("Bitcoin", 1), ("Ether", 2), ("Doge", None)]:
        project["coin"].create(name=name, rank=rank)
    return project


def registry() -> Registry:
    return Store.of(read_options(connection.settings_dict)).registry


def table(name: str = "tests_coin") -> TableDef:
    return registry().tables[name]


def physical_indexes(name: str = "tests_coin") -> set[str]:
    described = registry().ddl.ask("DescribeTable", TableName=table(name).physical)["Table"]
    return {index["IndexName"] for index in described.get("GlobalSecondaryIndexes") or []}


def items() -> list[dict[str, Any]]:
    answer = registry().ddl.ask("Scan", TableName=table().physical, ConsistentRead=True)
    return list(answer["Items"])


# --- columns --------------------------------------------------------------------------------


def test_a_new_column_reads_its_default_without_a_row_being_written(project: Project) -> None:
    before = items()
    project.run(m.AddField("coin", "currency", CharField(max_length=3, default="usd")))
    assert project.values("currency") == ["usd"] * 3
    assert items() == before
    project["coin"].filter(name="Ether").update(currency="eur")
    assert project.values("currency") == ["usd", "eur", "usd"]


def test_a_new_columns_database_default_is_evaluated_once(project: Project) -> None:
    project.run(
        m.AddField("coin", "label", CharField(max_length=9, db_default=Upper(Value("100%"))))
    )
    assert project.values("label") == ["100%"] * 3


def test_a_new_column_without_a_default_is_refused_while_there_are_rows(project: Project) -> None:
    with pytest.raises(IntegrityError, match=r"NOT NULL constraint failed: tests_coin\.size"):
        project.run(m.AddField("coin", "size", IntegerField()))
    assert "size" not in table().position


def test_a_column_added_again_does_not_show_the_values_of_the_one_removed(
    project: Project,
) -> None:
    project.run(m.RemoveField("coin", "rank"))
    project.run(m.AddField("coin", "rank", IntegerField(null=True)))
    assert project.values("rank") == [None] * 3


def test_renaming_a_column_leaves_the_items_alone(project: Project) -> None:
    project.run(m.AddIndex("coin", Index(fields=["rank"], name="by_rank")))
    project.run(
        m.AddConstraint("coin", CheckConstraint(condition=Q(rank__lt=100), name="small_rank"))
    )
    before = items()
    project.run(m.RenameField("coin", "rank", "place"))
    assert items() == before
    assert project.values("place") == [1, 2, None]
    assert table().checks[0].sql == '"place" < 100'
    with assert_requests(Query=1):
        assert project["coin"].get(place=2).name == "Ether"


def test_a_column_that_takes_null_no_more_fills_in_its_default_and_its_index(
    project: Project,
) -> None:
    project.run(m.AddIndex("coin", Index(fields=["rank"], name="by_rank")))
    project.run(m.AlterField("coin", "rank", IntegerField(default=9)))
    with assert_requests(Query=1):
        assert [coin.name for coin in project["coin"].filter(rank=9)] == ["Doge"]


def test_null_means_null_again_in_a_column_that_went_without_for_a_while(project: Project) -> None:
    project.run(m.AddField("coin", "size", IntegerField(null=True, default=5)))
    project["coin"].filter(name="Ether").update(size=None)
    project.run(m.AlterField("coin", "size", IntegerField(default=7)))
    assert project.values("size") == [5, 7, 5]
    project.run(m.AlterField("coin", "size", IntegerField(null=True)))
    project["coin"].filter(name="Doge").update(size=None)
    assert project.values("size") == [5, 7, None]


def test_a_column_with_nulls_and_no_default_cannot_refuse_null(project: Project) -> None:
    with pytest.raises(IntegrityError, match=r"NOT NULL constraint failed: tests_coin\.rank"):
        project.run(m.AlterField("coin", "rank", IntegerField()))
    assert project.values("rank") == [1, 2, None]


def test_an_index_is_built_anew_when_its_column_changes_its_kind(project: Project) -> None:
    project.run(m.AddIndex("coin", Index(fields=["rank"], name="by_rank")))
    project.run(m.AlterField("coin", "rank", CharField(max_length=9, null=True)))
    with assert_requests(Query=1):
        assert project["coin"].get(rank="2").name == "Ether"
    assert physical_indexes() == {table().indexes[0].physical}


def test_a_generated_column_has_its_value_in_rows_older_than_itself(project: Project) -> None:
    generated = GeneratedField(
        expression=F("rank") * 2, output_field=IntegerField(), db_persist=True
    )
    project.run(m.AddField("coin", "double", generated))
    assert project.values("double") == [2, 4, None]


def test_a_generated_column_is_computed_by_readers_until_the_migration_has_stored_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated = GeneratedField(
        expression=F("rank") * 2, output_field=IntegerField(), db_persist=True
    )
    monkeypatch.setattr(Transition, "_fill", lambda *_: None)  # it has not got there yet
    project.run(m.AddField("coin", "double", generated))
    assert not any("double" in item for item in items())
    assert project.values("double") == [2, 4, None]
    assert project["coin"].get(pk=2).double == 4
    project["coin"].filter(double=4).update(rank=3)
    assert project["coin"].get(double=6).name == "Ether"


# --- the primary key ------------------------------------------------------------------------


def test_a_primary_key_of_another_type_takes_its_foreign_keys_along(project: Project) -> None:
    project.run(
        m.CreateModel(
            "Trade",
            [
                ("id", AutoField(primary_key=True)),
                ("coin", ForeignKey("tests.Coin", CASCADE)),
            ],
        )
    )
    project["trade"].create(coin_id=2)
    old = table().physical
    project.run(m.AlterField("coin", "id", CharField(max_length=9, primary_key=True)))
    assert table().physical != old
    assert not registry().ddl.exists(old)
    assert project.values("pk") == ["1", "2", "3"]
    with assert_requests(at_most=2):
        assert project["trade"].get(coin__pk="2").coin_id == "2"


def test_a_new_primary_key_numbers_the_rows_and_goes_on_counting(project: Project) -> None:
    project.run(m.RemoveField("coin", "id"))
    project.run(m.AddField("coin", "number", AutoField(primary_key=True)))
    assert sorted(project.values("number")) == [1, 2, 3]
    assert project["coin"].create(name="Tether").pk == 4
    assert [column.name for column in table().columns] == ["name", "rank", "number"]


def test_a_primary_key_that_rows_share_is_refused(project: Project) -> None:
    project["coin"].create(name="Bitcoin")
    old = table()
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: tests_coin\.name"):
        project.run(
            m.AlterField("coin", "name", CharField(max_length=20, primary_key=True)),
        )
    assert table() == old
    assert len(items()) == 4


# --- indexes --------------------------------------------------------------------------------


def test_an_index_on_a_table_with_rows_finds_them(project: Project) -> None:
    project.run(m.AddIndex("coin", Index(fields=["name", "-rank"], name="by_name")))
    with assert_requests(Query=1):
        assert project["coin"].get(name="Ether").rank == 2
    project.run(m.RemoveIndex("coin", "by_name"))
    assert physical_indexes() == set()


def test_a_conditional_index_holds_the_rows_of_its_condition_only(project: Project) -> None:
    index = Index(fields=["name"], name="ranked", condition=Q(rank__isnull=False))
    project.run(m.AddIndex("coin", index))
    attribute = table().indexes[0].partition_attribute
    assert sum(attribute in item for item in items()) == 2


def test_an_index_of_expressions_is_accepted_and_not_built(project: Project) -> None:
    project.run(m.AddIndex("coin", Index(Lower("name"), name="by_lower")))
    assert physical_indexes() == set()
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "tests_coin")
    assert found["by_lower"]["index"]
    project.run(m.RemoveIndex("coin", "by_lower"))


def test_a_foreign_keys_own_index_comes_back_when_the_declared_one_goes(project: Project) -> None:
    project.run(m.AddField("coin", "parent", ForeignKey("tests.Coin", CASCADE, null=True)))
    project["coin"].filter(name="Ether").update(parent_id=1)
    project.run(m.AddIndex("coin", Index(fields=["parent", "name"], name="by_parent")))
    assert len(physical_indexes()) == 1
    project.run(m.RemoveIndex("coin", "by_parent"))
    assert len(physical_indexes()) == 1
    with assert_requests(Query=1):
        assert project["coin"].get(parent_id=1).name == "Ether"


def test_rows_written_while_an_index_is_filled_are_in_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = filling.Filling.requests
    written: list[str] = []

    def interrupted(self: Any, item: Any) -> Any:
        if not written:
            written.append("once")
            project["coin"].filter(name="Ether").update(rank=7)
            project["coin"].create(name="Tether", rank=8)
        return fill(self, item)

    monkeypatch.setattr(filling.Filling, "requests", interrupted)
    project.run(m.AddIndex("coin", Index(fields=["rank"], name="by_rank")))
    with assert_requests(Query=2):
        assert project["coin"].get(rank=7).name == "Ether"
        assert project["coin"].get(rank=8).name == "Tether"


# --- constraints ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "constraint",
    [
        UniqueConstraint(fields=["name"], name="one"),
        UniqueConstraint(fields=["name"], condition=Q(rank__isnull=False), name="one"),
        UniqueConstraint(Lower("name"), name="one"),
        UniqueConstraint(fields=["rank"], nulls_distinct=False, name="one"),
    ],
    ids=["plain", "conditional", "expression", "nulls"],
)
def test_a_unique_constraint_claims_the_values_that_are_there(
    project: Project, constraint: UniqueConstraint
) -> None:
    project.run(m.AddConstraint("coin", constraint))
    with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
        project["coin"].create(name="Ether", rank=2)
    project["coin"].create(name="Tether", rank=4)
    project.run(m.RemoveConstraint("coin", "one"))
    project["coin"].create(name="Ether", rank=2)


def test_a_unique_constraint_that_rows_break_changes_nothing(project: Project) -> None:
    project["coin"].create(name="Ether")
    before, old = items(), table()
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: tests_coin\.name"):
        project.run(m.AddConstraint("coin", UniqueConstraint(fields=["name"], name="one")))
    assert (items(), table()) == (before, old)


def test_a_check_that_rows_break_changes_nothing(project: Project) -> None:
    check = CheckConstraint(condition=Q(rank__gt=1), name="second")
    with pytest.raises(IntegrityError, match="CHECK constraint failed: second"):
        project.run(m.AddConstraint("coin", check))
    assert table().checks == ()
    project["coin"].filter(rank=1).delete()
    project.run(m.AddConstraint("coin", check))
    with pytest.raises(IntegrityError):
        project["coin"].create(name="First", rank=1)


def test_unique_together_is_added_and_dropped(project: Project) -> None:
    project.run(m.AlterUniqueTogether("coin", {("name", "rank")}))
    with pytest.raises(IntegrityError, match=r"tests_coin\.name, tests_coin\.rank"):
        project["coin"].create(name="Ether", rank=2)
    project.run(m.AlterUniqueTogether("coin", set()))
    project["coin"].create(name="Ether", rank=2)


# --- tables ---------------------------------------------------------------------------------


def test_a_renamed_table_keeps_its_items_where_they_are(project: Project) -> None:
    physical = table().physical
    project.run(m.RenameModel("Coin", "Asset"))
    assert table("tests_asset").physical == physical
    assert project.values("name", of="asset") == ["Bitcoin", "Ether", "Doge"]
    project.run(COIN)
    assert table().physical != physical
    assert project.values("name") == []


def test_a_table_made_again_is_empty_and_counts_from_one(project: Project) -> None:
    project.run(m.DeleteModel("Coin"))
    assert "tests_coin" not in connection.introspection.table_names()
    project.run(COIN)
    assert project.values("name") == []
    assert project["coin"].create(name="Bitcoin").pk == 1


def test_a_many_to_many_field_has_a_table_of_its_own(project: Project) -> None:
    project.run(m.AddField("coin", "peers", ManyToManyField("tests.Coin")))
    one, other, _ = project["coin"].order_by("pk")
    one.peers.add(other)
    project.run(m.RenameField("coin", "peers", "rivals"))
    assert [coin.name for coin in project["coin"].get(name="Bitcoin").rivals.all()] == ["Ether"]
    project.run(m.RemoveField("coin", "rivals"))
    assert set(registry().tables) == {"tests_coin"}


@pytest.mark.parametrize("database_options", [{"tables": {"tests_coin": {"ttl": "until"}}}])
def test_a_column_by_which_rows_expire_may_be_added_later(project: Project) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    project.run(m.AddField("coin", "until", DateTimeField(null=True)))
    assert table().ttl == "until"
    described = registry().ddl.ask("DescribeTimeToLive", TableName=table().physical)
    assert described["TimeToLiveDescription"]["TimeToLiveStatus"] in {"ENABLING", "ENABLED"}
    project["coin"].filter(name="Doge").update(until=past)
    assert project.values("name") == ["Bitcoin", "Ether"]


# --- what is refused, and what is shown -----------------------------------------------------


def test_a_schema_change_inside_a_transaction_is_refused(project: Project) -> None:
    with pytest.raises(TransactionManagementError), transaction.atomic():
        project.run(m.DeleteModel("Coin"))
    assert "tests_coin" in registry().tables


def test_raw_ddl_is_refused(project: Project) -> None:
    with pytest.raises(NotSupportedError):
        project.run(m.RunSQL("CREATE TABLE pony (id integer)"))


def test_the_ddl_that_django_composes_itself_is_carried_out(project: Project) -> None:
    project.run(m.RunSQL('CREATE INDEX "by_rank" ON "tests_coin" ("rank", "name")'))
    with assert_requests(Query=1):
        assert project["coin"].get(rank=2).name == "Ether"
    project.run(m.RunSQL('DROP TABLE "tests_coin"'))
    assert "tests_coin" not in registry().tables


def test_the_same_table_is_not_made_twice(project: Project) -> None:
    with pytest.raises(OperationalError, match='table "tests_coin" already exists'):
        project.run(COIN)


def test_sqlmigrate_shows_the_change_and_the_requests_and_makes_none(project: Project) -> None:
    operations = [
        COIN,
        m.AddField("coin", "size", DecimalField(max_digits=9, decimal_places=2, default=0)),
        m.AddField("coin", "is_live", BooleanField(default=True)),
        m.AddIndex("coin", Index(fields=["size"], name="by_size")),
        m.RemoveField("coin", "size"),
        m.DeleteModel("Coin"),
    ]
    state, before = ProjectState(), registry().tables
    with connection.schema_editor(collect_sql=True) as editor:
        for operation in operations:
            old, state = state, state.clone()
            operation.state_forwards("tests", state)
            operation.database_forwards("tests", editor, old, state)
    shown = "\n".join(editor.collected_sql)
    assert 'CREATE TABLE "tests_coin" ("id" integer NOT NULL PRIMARY KEY' in shown
    assert "-- CreateTable " in shown
    assert 'ALTER TABLE "tests_coin" ADD COLUMN "size" decimal NOT NULL' in shown
    assert 'CREATE INDEX "by_size" ON "tests_coin" ("size");\n-- UpdateTable ' in shown
    assert 'DROP TABLE "tests_coin";\n-- DeleteTable ' in shown
    assert registry().tables == before
