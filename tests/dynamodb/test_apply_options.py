"""`manage.py dynamodb_apply_options`: tables that exist follow TABLES, and lose nothing by it."""
# ruff: noqa: DJ008 (nobody looks at the rows of this model)

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from cryptopulse.dynamodb.catalogue import TableDef
from cryptopulse.dynamodb.options import read_options
from cryptopulse.dynamodb.registry import Registry
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb.transition import Transition
from tests.dynamodb.conftest import create_tables
from tests.dynamodb.faults import Killed, killed_at
from tests.dynamodb.physical import client, disorder, items

pytestmark = pytest.mark.usefixtures("dynamodb")

ROWS = 12
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
def coin() -> Iterator[Any]:
    """Yield a model with a dozen rows, made before TABLES says anything."""
    with isolate_apps("tests.dynamodb"):

        class Coin(models.Model):
            name = models.CharField(max_length=9, unique=True)
            rank = models.IntegerField()
            until = models.DateTimeField(null=True)

            class Meta:
                app_label = "dynamodb"
                db_table = "coin"
                indexes = (models.Index(fields=["rank"], name="by_rank"),)

        create_tables(Coin)
        objects: Any = Coin._default_manager
        for number in range(ROWS):
            until = SOON if number % 2 else None
            objects.create(name=f"coin {number}", rank=number, until=until)
        yield Coin


def want(**options: Any) -> None:
    """Let TABLES say this of the table."""
    known = connection.settings_dict["OPTIONS"]
    connection.close()
    known["TABLES"] = {"coin": options}


def registry() -> Registry:
    return Store.of(read_options(connection.settings_dict)).registry


def table() -> TableDef:
    registry().ensure()
    return registry().tables["coin"]


def apply(*arguments: str, **options: Any) -> str:
    written = StringIO()
    call_command("dynamodb_apply_options", *arguments, interactive=False, stdout=written, **options)
    return written.getvalue()


def stored() -> list[Any]:
    return list(items(client(connection.settings_dict["OPTIONS"]["endpoint"]), table().physical))


def expiries() -> int:
    return sum("@x" in item for item in stored())


def test_until_it_is_applied_statements_go_by_what_is_stored(coin: Any) -> None:
    want(shards=4, ttl="until", ordered={"by_rank": 2})
    coin.objects.create(name="new", rank=100, until=SOON - timedelta(days=9))
    assert coin.objects.count() == ROWS + 1
    assert coin.objects.order_by("-rank").first().name == "new"
    assert coin.objects.get(name="coin 3").rank == 3
    assert (table().shards, table().ttl) == (1, None)
    assert "1 shard -> 4" in apply(dry_run=True)
    assert table().shards == 1


def test_another_number_of_shards_copies_the_rows_and_goes_on_counting(coin: Any) -> None:
    coin.objects.get(name="coin 11").delete()
    want(shards=4)
    before = list(coin.objects.order_by("pk").values_list())
    physical = table().physical
    said = apply()
    assert "1 shard -> 4" in said
    assert "nobody else may write meanwhile" in said
    assert table().shards == 4
    assert table().physical == f"{physical}-2"
    assert not registry().ddl.exists(physical)
    assert list(coin.objects.order_by("pk").values_list()) == before
    assert len({item["@s"]["S"] for item in stored() if item["@k"]["S"] != "u"}) > 1
    assert coin.objects.create(name="coin 11", rank=1).pk == ROWS + 1
    assert disorder() == []
    assert apply() == "All tables are as TABLES says.\n"
    want()
    apply("coin")
    assert table().shards == 1
    assert coin.objects.count() == ROWS


def test_time_to_live_comes_and_goes_without_a_copy(coin: Any) -> None:
    physical = table().physical
    want(ttl="until")
    apply()
    assert expiries() == ROWS  # half of the rows, each with the item of its name
    described = registry().ddl.ask("DescribeTimeToLive", TableName=physical)
    assert described["TimeToLiveDescription"]["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}
    want()
    apply()
    assert expiries() == 0
    described = registry().ddl.ask("DescribeTimeToLive", TableName=physical)
    assert described["TimeToLiveDescription"]["TimeToLiveStatus"] in {"DISABLED", "DISABLING"}
    assert table().physical == physical
    assert coin.objects.count() == ROWS
    assert disorder() == []


def test_an_index_is_ordered_left_out_and_built_again_without_a_copy(coin: Any) -> None:
    physical = table().physical
    steps: list[tuple[dict[str, Any], list[int]]] = [
        ({"ordered": {"by_rank": 2}}, [2]),
        ({"unbuilt": ["by_rank"]}, []),
        ({}, [0]),
    ]
    for options, index_shards in steps:
        want(**options)
        apply()
        built = [index.shards for index in table().built_indexes]
        assert (built, table().physical) == (index_shards, physical)
        assert [row.rank for row in coin.objects.order_by("rank")] == list(range(ROWS))
        assert coin.objects.get(rank=7).name == "coin 7"


def test_a_row_written_during_the_copy_is_found_and_the_copy_refused(
    coin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(shards=4)
    copy = Transition._copy_rows

    def disturbed(self: Transition, old: TableDef, new: TableDef) -> Any:
        versions = copy(self, old, new)
        item = next(item for item in items_of(old) if item["@k"]["S"] != "u")
        changed = item | {"@v": {"S": "another"}}
        self.ddl.ask("PutItem", TableName=old.physical, Item=changed)
        return versions

    monkeypatch.setattr(Transition, "_copy_rows", disturbed)
    with pytest.raises(CommandError, match=r"1 rows of coin were written while it was copied"):
        apply()
    monkeypatch.undo()
    assert table().shards == 1
    assert coin.objects.count() == ROWS
    apply()
    assert table().shards == 4
    assert coin.objects.count() == ROWS


def items_of(known: TableDef) -> Iterator[Any]:
    return items(client(connection.settings_dict["OPTIONS"]["endpoint"]), known.physical)


@pytest.mark.parametrize(
    "wanted", [{"shards": 3}, {"ttl": "until", "ordered": {"by_rank": 2}}], ids=["copy", "in place"]
)
def test_killed_at_any_request_it_goes_on_when_it_is_run_again(
    coin: Any, wanted: dict[str, Any]
) -> None:
    number = 1
    while True:
        number += 1
        try:
            with killed_at(number):
                want(**wanted)
                apply()
        except Killed:
            registry().forget()  # a new process
        else:
            break
        apply()
        assert apply() == "All tables are as TABLES says.\n", number
        assert [row.rank for row in coin.objects.order_by("rank")] == list(range(ROWS)), number
        assert disorder() == [], number
        assert not registry().read("journal", "-")
        left = list(registry().ddl.names(f"{connection.settings_dict['NAME']}-coin"))
        assert left == [table().physical], number
        want()
        apply()
    assert number > 15


def test_what_is_not_there_is_a_sentence(coin: Any) -> None:
    with pytest.raises(CommandError, match="no table 'nothing'"):
        apply("nothing")
