"""Random queries and writes leave and return the same on DynamoDB as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Case, Sum, Value, When
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cryptopulse.dynamodb.catalogue import TableDef
from cryptopulse.dynamodb.codec import Item, codec_of
from tests.dynamodb.conftest import create_tables, installed
from tests.dynamodb.zoo.data import contents
from tests.dynamodb.zoo.models import Animal, Keeper, Visit
from tests.dynamodb.zoo.queries import Query, queries
from tests.dynamodb.zoo.writes import Failure, Step, steps

DYNAMODB, SQLITE = "default", "zoo_sqlite"
MODELS = (Keeper, Animal, Visit)

same_each_time = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shrink an example takes minutes: add Phase.shrink when one fails
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def database_options() -> dict[str, Any]:
    return {
        "scans": "allow",
        "tables": {
            "zoo_visit": {"shards": 4, "ordered": {"zoo_paid": 3}},
            "zoo_animal": {"ordered": {"zoo_story": 2, "zoo_price": 1}},
        },
    }


@pytest.fixture
def zoo(dynamodb: None) -> Iterator[None]:
    """Make the zoo's tables on both databases."""
    handler: Any = connections
    handler.settings[SQLITE] = handler.settings["default"] | {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {},
    }
    try:
        with installed("tests.dynamodb.zoo"):
            create_tables(*MODELS)
            with connections[SQLITE].schema_editor() as editor:
                for model in MODELS:
                    editor.create_model(model)
            yield
    finally:
        connections[SQLITE].inc_thread_sharing()
        del connections[SQLITE]
        del handler.settings[SQLITE]


def fill(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Let both databases hold these rows and no others."""
    tables = [model._meta.db_table for model in MODELS]
    for using in (DYNAMODB, SQLITE):
        operations = connections[using].ops
        operations.execute_sql_flush(operations.sql_flush(no_style(), tables))
        for model in MODELS:
            model.objects.using(using).bulk_create([model(**row) for row in rows[model.__name__]])


def stored(using: str) -> list[list[tuple[Any, ...]]]:
    """Return every row of every model."""
    return [sorted(model.objects.using(using).values_list(), key=repr) for model in MODELS]


def items_of(table: TableDef) -> list[Item]:
    """Return what DynamoDB stores of a table, its sentinels included."""
    store = connection.store  # type: ignore[attr-defined]
    items = store.call(store.housekeeping, "Scan", TableName=table.physical, ConsistentRead=True)
    assert "LastEvaluatedKey" not in items
    return list(items["Items"])


def loose_ends() -> list[str]:
    """Return what is wrong with the items: sentinels that no row claims, indexes that are off."""
    connection.ensure_connection()
    session: Any = connection.connection.session
    found = []
    for name, table in connection.store.registry.tables.items():  # type: ignore[attr-defined]
        rules, table_codec = session.rules(table), codec_of(table)
        owners: dict[str, str] = {}
        claimed: dict[str, str] = {}
        for item in items_of(table):
            if item["@k"]["S"] == "u":
                owners[item["@s"]["S"]] = item["@o"]["S"]
                continue
            row = table_codec.decode(item)
            claimed |= dict.fromkeys(rules.sentinels(row.values), row.key)
            wanted = table_codec.encode(
                row.key, row.values, item["@v"]["S"], rules.conditions(row.values)
            )
            if _keys(item) != _keys(wanted):
                found.append(f"{name} {row.values}: {_keys(item)} instead of {_keys(wanted)}")
        if owners != claimed:
            found.append(f"{name}: sentinels {owners} instead of {claimed}")
    return found


def _keys(item: Item) -> Item:
    return {name: value for name, value in item.items() if name.startswith("@")}


def in_transaction(
    using: str, done: Sequence[Step], asked: Sequence[Query], *, fails: bool
) -> tuple[list[Any], list[Any]]:
    """Write and ask inside one transaction; return what was said to either."""
    said: list[Any] = []
    answers: list[Any] = []
    try:
        with transaction.atomic(using=using):
            said += [step.run(using) for step in done]
            answers += [query.answer(using) for query in asked]
            if fails:
                raise Failure  # noqa: TRY301 - what rolls the block back
    except Failure:
        pass
    return said, answers


# --- properties -------------------------------------------------------------------------------


@pytest.mark.usefixtures("zoo")
def test_random_queries_are_answered_as_sqlite_answers_them() -> None:
    @settings(same_each_time, max_examples=70)
    @given(contents, st.lists(queries, min_size=5, max_size=12))
    def compare(rows: dict[str, Any], asked: list[Query]) -> None:
        fill(rows)
        for query in asked:
            assert query.answer(DYNAMODB) == query.answer(SQLITE)

    compare()


@pytest.mark.usefixtures("zoo")
def test_a_transaction_sees_and_leaves_what_it_does_on_sqlite() -> None:
    @settings(same_each_time, max_examples=40)
    @given(
        contents,
        st.lists(steps, min_size=1, max_size=4),
        st.lists(queries, min_size=3, max_size=6),
        st.booleans(),
    )
    def compare(rows: dict[str, Any], done: list[Step], asked: list[Query], fails: bool) -> None:
        fill(rows)
        inside = [in_transaction(using, done, asked, fails=fails) for using in (DYNAMODB, SQLITE)]
        assert inside[0] == inside[1]
        assert stored(DYNAMODB) == stored(SQLITE)
        assert loose_ends() == []

    compare()


@pytest.mark.usefixtures("zoo")
def test_random_writes_leave_the_rows_and_errors_of_sqlite() -> None:
    @settings(same_each_time, max_examples=60)
    @given(contents, st.lists(steps, min_size=1, max_size=5))
    def compare(rows: dict[str, Any], done: list[Step]) -> None:
        fill(rows)
        for step in done:
            assert step.run(DYNAMODB) == step.run(SQLITE)
        assert stored(DYNAMODB) == stored(SQLITE)
        assert loose_ends() == []

    compare()


@pytest.mark.usefixtures("zoo")
def test_decimals_beyond_doubles_compare_and_add_up_exactly() -> None:
    exact = st.integers(-(10**29), 10**29).map(lambda number: Decimal(f"{number}e-8"))
    close = st.integers(0, 3).map(lambda n: Decimal("12345678901234567890.12345678") + n)

    @settings(same_each_time, max_examples=20)
    @given(st.lists(exact | close, min_size=1, max_size=10), exact | close)
    def compare(amounts: list[Decimal], bound: Decimal) -> None:
        fill({"Keeper": [], "Animal": [], "Visit": []})
        visits = Visit.objects.all()
        visits.bulk_create([Visit(guest="al", day=n, paid=one) for n, one in enumerate(amounts)])
        in_order = visits.order_by("paid", "day").values_list("paid", flat=True)
        assert list(in_order) == sorted(amounts)
        assert list(in_order.filter(paid__gt=bound)) == sorted(n for n in amounts if n > bound)
        assert list(in_order.filter(paid__lte=bound)) == sorted(n for n in amounts if n <= bound)
        assert visits.filter(paid=amounts[0]).count() == amounts.count(amounts[0])
        assert visits.aggregate(total=Sum("paid"))["total"] == _total(amounts)

    compare()


def _total(amounts: list[Decimal]) -> Decimal:
    """Return the exact sum, whatever the context's precision."""
    with localcontext() as context:
        context.prec = 60
        return sum(amounts, Decimal())


# --- what they have found ---------------------------------------------------------------------


@pytest.mark.usefixtures("zoo")
def test_a_range_whose_end_lies_before_its_beginning_is_empty() -> None:
    Animal.objects.create(pk=1, kind="cat")
    assert not Animal.objects.filter(pk__range=(2, 1)).exists()
    assert not Animal.objects.filter(kind="cat", legs__gt=5, legs__lt=3).exists()


@pytest.mark.usefixtures("zoo")
def test_rows_without_a_unique_value_come_in_order() -> None:
    Animal.objects.bulk_create([Animal(pk=pk, kind="cat", legs=9 - pk) for pk in range(1, 5)])
    uncoded = Animal.objects.filter(code=None).values_list("legs", flat=True)
    assert list(uncoded.order_by("legs")) == [5, 6, 7, 8]
    assert list(uncoded.order_by("-legs")) == [8, 7, 6, 5]


@pytest.mark.usefixtures("zoo")
def test_a_row_that_is_ignored_claims_none_of_its_unique_values() -> None:
    Animal.objects.bulk_create(
        [
            Animal(pk=1, kind="cat", code="a", cage=1, spot=1),
            Animal(pk=2, kind="cat", code="b", cage=1, spot=1),
        ],
        ignore_conflicts=True,
    )
    assert loose_ends() == []
    Animal.objects.create(pk=3, kind="cat", code="b")


@pytest.mark.usefixtures("zoo")
def test_two_unique_values_cannot_be_swapped_in_one_update() -> None:
    for pk, code in ((1, "a"), (2, "b")):
        Animal.objects.create(pk=pk, kind="cat", code=code)
    swapped = Case(When(code="a", then=Value("b")), default=Value("a"))
    with pytest.raises(IntegrityError):
        Animal.objects.update(code=swapped)
    assert dict(Animal.objects.values_list("pk", "code")) == {1: "a", 2: "b"}
    assert loose_ends() == []


@pytest.mark.usefixtures("zoo")
def test_a_key_that_is_taken_twice_is_a_duplicate_and_no_conflict() -> None:
    Animal.objects.create(pk=1, kind="cat")
    with pytest.raises(IntegrityError):
        Animal.objects.bulk_create([Animal(pk=1, kind="ant"), Animal(pk=1, kind="ant")])


@pytest.mark.usefixtures("zoo")
def test_a_taken_key_is_an_error_even_when_its_row_is_deleted_again() -> None:
    Animal.objects.create(pk=1, kind="cat")
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012 - at the commit
        Animal.objects.create(pk=1, kind="ant")
        Animal.objects.filter(pk=1).delete()
    assert Animal.objects.get().kind == "cat"
