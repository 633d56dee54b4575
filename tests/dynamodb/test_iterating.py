"""What a transaction iterates over: each row once, in the order promised, as it knows it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, models, transaction
from django.db.models import Count
from django.test.utils import isolate_apps

from cryptopulse.dynamodb.metering import assert_requests, capture_requests
from cryptopulse.dynamodb.scans import allow_scans
from cryptopulse.dynamodb.store import Store
from tests.dynamodb.conftest import create_tables, elsewhere
from tests.dynamodb.faults import Faults

ROWS = 400


@pytest.fixture
def database_options() -> dict[str, Any]:
    return {
        "scans": "forbid",
        "tables": {"ledger_ware": {"shards": 2, "ordered": {"ware_all": 2}}},
    }


@pytest.fixture
def shop(dynamodb: None) -> Iterator[Any]:
    """Make a table of wares, with an index by kind and price and one by price over shards."""
    with isolate_apps("tests.dynamodb.ledger"):

        class Ware(models.Model):  # noqa: DJ008
            kind = models.CharField(max_length=20, default="k")
            price = models.IntegerField()

            class Meta:
                app_label = "ledger"
                indexes = [
                    models.Index(fields=["kind", "price"], name="ware_kind"),
                    models.Index(fields=["price"], name="ware_all"),
                ]

        create_tables(Ware)
        yield Ware


@pytest.fixture
def wares(shop: Any) -> list[Any]:
    return [shop.objects.create(price=price) for price in (1, 1, 2, 3)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first page of a Query have five rows, the next twenty, and so on."""
    first = "cryptopulse.dynamodb.executor.Executor._first_page"
    monkeypatch.setattr(first, lambda executor, plan: 5)


def reprice(ware: Any, price: int) -> None:
    elsewhere(lambda: type(ware).objects.filter(pk=ware.pk).update(price=price))


def prices(queryset: Any) -> list[int]:
    return list(queryset.values_list("price", flat=True))


# --- rows that the transaction changes while it iterates ----------------------------------------


def test_rows_changed_during_an_iteration_come_as_they_are_by_then(shop: Any) -> None:
    shop.objects.bulk_create([shop(price=n) for n in range(ROWS)])
    with allow_scans("all are wanted"), transaction.atomic():
        rows = shop.objects.order_by("id").iterator(chunk_size=10)
        first = next(rows)
        shop.objects.filter(pk__in=[350, 351, 352]).update(price=-1)
        shop.objects.filter(pk=300).delete()
        found = {row.pk: row.price for row in [first, *rows]}
    assert found.keys() == set(range(1, ROWS + 1)) - {300}
    assert [found[pk] for pk in (349, 350, 351, 352, 353)] == [348, -1, -1, -1, 352]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("direction", ["", "-"])
def test_a_row_that_an_iteration_moves_comes_exactly_once(shop: Any, direction: str) -> None:
    shop.objects.bulk_create([shop(price=n) for n in range(100)])
    wanted = shop.objects.filter(kind="k").order_by(f"{direction}price")
    with transaction.atomic():
        rows = wanted.iterator(chunk_size=2)
        found = [next(rows)]
        shop.objects.filter(pk=found[0].pk).update(price=200)  # it has come
        shop.objects.filter(pk=50).update(price=150)
        shop.objects.filter(pk=60).update(price=-150)
        shop.objects.filter(pk=70).delete()
        found += rows
    assert sorted(row.pk for row in found) == [pk for pk in range(1, 101) if pk != 70]
    assert {row.price for row in found if row.pk in {50, 60}} == {150, -150}


def test_a_row_made_in_a_savepoint_that_is_undone_does_not_come(shop: Any, wares: Any) -> None:
    with transaction.atomic():
        mark = transaction.savepoint()
        shop.objects.filter(pk=wares[3].pk).update(price=30)
        shop.objects.create(price=40)
        transaction.savepoint_rollback(mark)
        assert prices(shop.objects.filter(kind="k").order_by("price")) == [1, 1, 2, 3]


# --- rows that others change after the transaction has read them --------------------------------


@pytest.mark.parametrize("price", [99, -99])
def test_a_row_that_was_read_before_keeps_its_place(shop: Any, wares: Any, price: int) -> None:
    of_kind = shop.objects.filter(kind="k")
    with transaction.atomic():
        shop.objects.get(pk=wares[0].pk)
        reprice(wares[0], price)
        assert prices(of_kind.order_by("price")) == [1, 1, 2, 3]
        assert prices(of_kind.order_by("-price")) == [3, 2, 1, 1]
        assert prices(of_kind.order_by("price").distinct()) == [1, 2, 3]
        grouped = of_kind.order_by("price").values_list("price").annotate(n=Count("id"))
        assert list(grouped) == [(1, 2), (2, 1), (3, 1)]
        assert of_kind.order_by("-price").first().price == 3
        assert of_kind.order_by("price").first().price == 1
        with allow_scans("shards"):
            assert prices(shop.objects.order_by("price")) == [1, 1, 2, 3]
            assert prices(shop.objects.order_by("-price")[:2]) == [3, 2]


def test_a_row_that_left_a_range_is_still_in_it_for_who_read_it(shop: Any, wares: Any) -> None:
    cheap = shop.objects.filter(kind="k", price__lt=3).order_by("price")
    with transaction.atomic():
        assert prices(cheap) == [1, 1, 2]
        reprice(wares[2], 50)
        elsewhere(wares[1].delete)
        assert prices(cheap) == [1, 1, 2]
        assert prices(shop.objects.filter(kind="k", price__gt=2).order_by("price")) == [3]
        assert prices(shop.objects.filter(kind__in=["k", "l"], price__gt=2)) == [3]
        assert prices(shop.objects.filter(kind__in=["k", "l"], price=2)) == [2]
    assert prices(cheap) == [1]


def test_a_row_that_moved_to_another_partition_comes_from_its_own(shop: Any, wares: Any) -> None:
    with transaction.atomic():
        shop.objects.get(pk=wares[1].pk)
        elsewhere(lambda: shop.objects.filter(pk=wares[1].pk).update(kind="l"))
        assert prices(shop.objects.filter(kind="l").order_by("price")) == []
        assert prices(shop.objects.filter(kind="k").order_by("price")) == [1, 1, 2, 3]


@pytest.mark.usefixtures("small_pages")
def test_a_row_that_others_move_ahead_of_an_iteration_comes_once(shop: Any) -> None:
    shop.objects.bulk_create([shop(price=n) for n in range(60)])
    with transaction.atomic():
        shop.objects.get(pk=31)
        reprice(shop(pk=31), 55)
        rows = shop.objects.filter(kind="k").order_by("price").iterator(chunk_size=2)
        found = [next(rows)]
        reprice(found[0], 57)
        found += rows
    assert [row.price for row in found] == list(range(60))


@pytest.mark.parametrize(("first", "expected"), [(None, [0, 1, 2, 99]), (2, [1, 2, 3, 99])])
def test_the_order_holds_while_an_index_is_doubted(  # noqa: PLR0917 (fixtures)
    shop: Any,
    wares: list[Any],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    first: int | None,
    expected: list[int],
) -> None:
    paged = "cryptopulse.dynamodb.executor.Executor._first_page"
    monkeypatch.setattr(paged, lambda executor, plan: first)
    in_order = shop.objects.filter(kind="k").order_by("price")
    with Faults(store.transport) as faults:
        faults.freeze_indexes()
        assert prices(in_order) == [1, 1, 2, 3]
        reprice(wares[0], 99)
        reprice(wares[3], 0)
        connection.connection.session._wary_until = float("inf")
        with transaction.atomic():
            assert prices(in_order) == expected
            assert prices(in_order) == expected
    connection.connection.session._wary_until = 0.0


# --- what counts as a scan -----------------------------------------------------------------------


@pytest.fixture
def referring(dynamodb: None) -> Iterator[SimpleNamespace]:
    with isolate_apps("tests.dynamodb.ledger"):

        class Code(models.Model):  # noqa: DJ008
            code = models.CharField(max_length=20, unique=True)

            class Meta:
                app_label = "ledger"

        class Use(models.Model):  # noqa: DJ008
            code = models.ForeignKey(Code, models.CASCADE, to_field="code", null=True)

            class Meta:
                app_label = "ledger"

        create_tables(Code, Use)
        yield SimpleNamespace(Code=Code, Use=Use)


def test_a_join_on_a_unique_column_asks_nothing_for_null(referring: SimpleNamespace) -> None:
    referring.Code.objects.create(code="a")
    use = referring.Use.objects.create(code=None)
    with assert_requests(GetItem=1):
        (found,) = referring.Use.objects.filter(pk=use.pk).select_related("code")
    assert found.code is None


OPEN_RANGES: list[dict[str, Any]] = [
    {"id__gt": 0},
    {"id__lt": 10**9},
    {"price__gte": 0},
    {"price__lt": 10**9},
]


@pytest.mark.parametrize("bounds", OPEN_RANGES)
def test_a_range_open_on_one_side_is_a_scan_once_it_goes_on(
    shop: Any, bounds: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.objects.bulk_create([shop(price=n) for n in range(60)])
    unfound = shop.objects.filter(**bounds, kind__contains="zz")
    with assert_requests(Query=2):
        assert list(unfound.all()) == []
    monkeypatch.setattr("cryptopulse.dynamodb.executor.FREE_ROWS", 50)
    with pytest.raises(OperationalError, match="would read all of ledger_ware"):
        list(unfound.all())
    with allow_scans("counted all the same"), capture_requests() as captured:
        assert list(unfound.all()) == []
    assert [scan.rows for scan in captured.scans] == [60]


def test_a_range_with_two_ends_and_a_page_are_no_scans(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.objects.bulk_create([shop(price=n) for n in range(60)])
    monkeypatch.setattr("cryptopulse.dynamodb.executor.FREE_ROWS", 20)
    assert len(shop.objects.filter(id__gt=0, id__lt=100)) == 60
    assert len(shop.objects.filter(id__gt=5).order_by("id")[:20]) == 20
