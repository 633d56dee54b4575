"""Exact decimals, values that come back from an INSERT, upserts, hints and explain()."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    NotSupportedError,
    OperationalError,
    connection,
    models,
    transaction,
)
from django.db.models import (
    Avg,
    Case,
    Count,
    DecimalField,
    ExpressionWrapper,
    F,
    FloatField,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    StdDev,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import (
    Abs,
    Cast,
    Ceil,
    Coalesce,
    FirstValue,
    Floor,
    Greatest,
    JSONObject,
    Lag,
    Least,
    Mod,
    NullIf,
    Power,
    Round,
    RowNumber,
)
from django.test.utils import CaptureQueriesContext, isolate_apps

from cryptopulse.dynamodb.compiler import is_plain_count
from cryptopulse.dynamodb.hints import hints_of
from cryptopulse.dynamodb.metering import capture_requests
from cryptopulse.dynamodb.operations import hint
from tests.dynamodb.conftest import create_tables

#: 28 digits, of which a double keeps 15 to 17. Python itself calculates with 28 in the tests.
LONG = Decimal("12345678901234567890.12345678")
STEP = Decimal("0.00000001")


@pytest.fixture
def entries(ledger: ModuleType) -> ModuleType:
    """Three amounts that a double could not tell apart, the last one negative."""
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner, balance=LONG)
    for number, amount in enumerate([LONG, LONG + STEP, -LONG]):
        ledger.Entry.objects.create(
            account=account,
            amount=amount,
            at=dt.datetime(2026, 5, 4, number, tzinfo=dt.UTC),
            note=str(number),
            weight=number + 0.5,
        )
    return ledger


def only(entries: ModuleType, expression: Any, note: str = "1") -> Any:
    """Return what an expression is for one entry, the one of LONG + STEP unless told."""
    return entries.Entry.objects.annotate(x=expression).values_list("x", flat=True).get(note=note)


# --- arithmetic --------------------------------------------------------------------------------

AMOUNT = F("amount")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (AMOUNT + STEP, LONG + 2 * STEP),
        (AMOUNT - LONG, STEP),
        (AMOUNT * 2, 2 * LONG + 2 * STEP),
        (Value(3) * AMOUNT, 3 * (LONG + STEP)),
        (-AMOUNT, -LONG - STEP),
        (AMOUNT / 4, Decimal("3086419725308641972.5308641975")),
        (AMOUNT % 2, Decimal("0.12345679")),
        (AMOUNT + F("id") * 0, LONG + STEP),
        ((AMOUNT - LONG) * (AMOUNT + LONG), STEP * (2 * LONG + STEP)),
        (Abs(-AMOUNT), LONG + STEP),
        (Round(AMOUNT, 7), Decimal("12345678901234567890.1234568")),
        (Round(AMOUNT), Decimal(12345678901234567890)),
        (Round(AMOUNT, -10), Decimal(12345678900000000000)),
        (Ceil(AMOUNT), Decimal(12345678901234567891)),
        (Floor(-AMOUNT), Decimal(-12345678901234567891)),
        (Mod(AMOUNT, Value(Decimal("0.1"))), Decimal("0.02345679")),
        (Coalesce(NullIf(AMOUNT, AMOUNT), AMOUNT), LONG + STEP),
        (Coalesce(Value(None, DecimalField()), AMOUNT, Decimal(0)), LONG + STEP),
        (Greatest(AMOUNT, Value(LONG)), LONG + STEP),
        (Least(AMOUNT, Value(LONG)), LONG),
        (Greatest(Value(9), AMOUNT, output_field=DecimalField()), LONG + STEP),
        (Case(When(amount__gt=LONG, then=AMOUNT), default=Value(Decimal(0))), LONG + STEP),
        (
            Case(When(amount=LONG, then=AMOUNT), default=Value(7), output_field=DecimalField()),
            Decimal(7),
        ),
        (ExpressionWrapper(AMOUNT + 1, output_field=DecimalField()), LONG + STEP + 1),
        (Cast("note", DecimalField(max_digits=30, decimal_places=8)), Decimal(1)),
        (Cast(Value("1.005"), DecimalField(max_digits=9, decimal_places=2)), Decimal("1.01")),
        (Cast(Value(str(LONG)), DecimalField()), LONG),
        (Cast("amount", models.TextField()), str(LONG + STEP)),
    ],
    ids=str,
)
def test_decimals_stay_exact_through(
    entries: ModuleType, expression: Any, expected: Decimal
) -> None:
    assert only(entries, expression) == expected


def test_a_division_by_zero_is_null(entries: ModuleType) -> None:
    assert only(entries, AMOUNT / (AMOUNT - AMOUNT)) is None


def test_a_function_that_is_not_exact_still_gives_a_decimal(entries: ModuleType) -> None:
    value = only(entries, Power(AMOUNT, 2))
    assert isinstance(value, Decimal)
    assert abs(value / LONG**2 - 1) < Decimal("1e-14")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (ExpressionWrapper(F("weight") * 2 + 1, output_field=FloatField()), 4.0),
        (Cast(AMOUNT - LONG + 1, IntegerField()), 1),
        (ExpressionWrapper(AMOUNT - LONG, output_field=FloatField()), 1e-08),
        (Coalesce(AMOUNT - LONG, 0.0, output_field=FloatField()), 1e-08),
    ],
    ids=str,
)
def test_a_decimal_becomes_a_number_where_another_kind_is_declared(
    entries: ModuleType, expression: Any, expected: float
) -> None:
    assert only(entries, expression) == expected


def test_numbers_of_every_kind_round_to_tens(entries: ModuleType) -> None:
    assert only(entries, Round(F("weight") + 24, -1)) == 30.0
    assert only(entries, Round(F("pk") + 100, -2)) == 100


def test_a_cast_to_text_of_a_length_cuts(entries: ModuleType) -> None:
    assert only(entries, Cast(Value("alice"), models.CharField(max_length=2))) == "al"


def test_a_decimal_is_a_number_in_json(entries: ModuleType) -> None:
    assert only(entries, JSONObject(x=AMOUNT - LONG + 2)) == {"x": 2.00000001}


# --- comparisons -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "notes"),
    [
        (Q(amount__gt=LONG), "1"),
        (Q(amount__gt=AMOUNT - STEP), "012"),
        (Q(amount=F("account__balance")), "0"),
        (Q(amount__lt=F("account__balance")), "2"),
        (Q(amount__lt=F("weight")), "2"),
        (Q(weight__lt=AMOUNT), "01"),
        (Q(amount__gt=F("account__owner")), "01"),
        (Q(amount__in=[LONG, -LONG]), "02"),
        (Q(amount__range=(LONG, LONG + STEP)), "01"),
        (Q(amount__lt=9), "2"),
    ],
    ids=str,
)
def test_decimals_compare_as_numbers(entries: ModuleType, condition: Q, notes: str) -> None:
    found = entries.Entry.objects.filter(condition).order_by("note").values_list("note", flat=True)
    assert "".join(found) == notes


def test_expressions_of_decimals_compare_and_sort_as_numbers(entries: ModuleType) -> None:
    rows = entries.Entry.objects.annotate(x=AMOUNT / LONG * 10)
    assert [row.note for row in rows.order_by("-x")] == ["1", "0", "2"]
    assert rows.filter(x__gt=9).count() == 2
    assert rows.filter(x__lt=AMOUNT).count() == 2


def test_a_subquery_of_decimals_is_exact(entries: ModuleType) -> None:
    greatest = (
        entries.Entry.objects.filter(account=OuterRef("account")).order_by("-amount")
    ).values("amount")[:1]
    rows = entries.Entry.objects.annotate(top=Subquery(greatest), rest=F("top") - F("amount"))
    assert list(rows.order_by("rest").values_list("rest", flat=True)) == [
        0,
        STEP,
        2 * LONG + STEP,
    ]
    assert rows.filter(amount=F("top")).get().note == "1"
    assert entries.Entry.objects.filter(amount__in=Subquery(greatest_of(entries))).count() == 1


@pytest.fixture
def measured(dynamodb: None) -> Iterator[Any]:
    """A model of decimals beside integers, the two of which are its key."""
    with isolate_apps("tests.dynamodb"):

        class Measure(models.Model):
            pk = models.CompositePrimaryKey("d", "n")
            d = models.DecimalField(max_digits=38, decimal_places=4)
            n = models.IntegerField()
            other = models.DecimalField(max_digits=38, decimal_places=4, null=True)

            class Meta:
                app_label = "tests"

            def __str__(self) -> str:
                return str(self.d)

        create_tables(Measure)
        rows = [
            ("0", 10, "9"),
            ("1", 9, "0.00"),
            ("9", 0, "1.00"),
            ("10", 1, "7"),
            ("1.5", 77, None),
        ]
        for d, n, other in rows:
            Measure._default_manager.create(d=Decimal(d), n=n, other=other and Decimal(other))
        yield Measure._default_manager


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (lambda all_: Q(d__in=all_.values("n")), "0 1 9 10"),
        (lambda all_: Q(d__in=Subquery(all_.values("n"))), "0 1 9 10"),
        (lambda all_: ~Q(d__in=all_.values("n")), "1.5"),
        (lambda all_: Q(d__in=all_.filter(n__gt=0).values("n")), "1 9 10"),
        (lambda all_: Q(d__in=all_.order_by("-n").values("n")[1:3]), "9 10"),
        (lambda all_: Q(d__in=all_.order_by("n").values_list("n")[:2]), "0 1"),
        (lambda all_: Q(d__in=all_.values("n").annotate(x=Count("d")).values("x")), "1"),
        (lambda all_: Q(d__in=all_.filter(n__gt=OuterRef("n")).values("n")), "9 10"),
        (lambda all_: Q(d__in=all_.values("n").union(all_.values("other"))), "0 1 9 10"),
        (lambda all_: Q(d__in=all_.values("other").union(all_.values("n"))), "0 1 9 10"),
        (lambda all_: Q(d__in=all_.values("other")), "0 1 9"),
        (lambda all_: Q(d__in=all_.none().values("n")), ""),
        (lambda all_: Q(d__in=Subquery(all_.none().values("n"))), ""),
        (lambda all_: Q(n__in=all_.values("d")), "0 1 9 10"),
        (lambda all_: Q(n__in=Subquery(all_.values("other"))), "1 9 10"),
        (lambda all_: ~Q(n__in=all_.filter(other__gt=0).values("other")), "0 1.5 9"),
        (lambda all_: Q(pk__in=all_.values("n", "d")), ""),
        (lambda all_: Q(pk__in=all_.values("n", "other")), "9"),
        (lambda all_: Q(pk__in=all_.order_by("-n").values("n", "other")[:4]), "9"),
        (lambda all_: Q(pk__in=[(Decimal("1.50"), 77), (9, 0), (9, 1)]), "1.5 9"),
    ],
)
def test_decimals_are_found_among_the_rows_of_a_subquery(
    measured: Any, condition: Any, found: str
) -> None:
    rows = measured.filter(condition(measured.all()))
    assert {row.d for row in rows} == {Decimal(text) for text in found.split()}


def greatest_of(entries: ModuleType) -> Any:
    return entries.Entry.objects.order_by("-amount").values("amount")[:1]


# --- aggregates and windows --------------------------------------------------------------------


def test_aggregates_of_decimals_are_exact(entries: ModuleType) -> None:
    assert entries.Entry.objects.aggregate(
        sum=Sum("amount"),
        mean=Avg("amount"),
        top=Max("amount"),
        low=Min("amount"),
        twice=Sum(AMOUNT * 2),
        positive=Sum("amount", filter=Q(amount__gt=0)),
        distinct=Count("amount", distinct=True),
        none=Sum("amount", filter=Q(amount=0), default=Decimal("0.5")),
        spread=Max("amount") - Min("amount"),
    ) == {
        "sum": LONG + STEP,
        "mean": Decimal("4115226300411522630.0411522633333333333"),
        "top": LONG + STEP,
        "low": -LONG,
        "twice": 2 * LONG + 2 * STEP,
        "positive": 2 * LONG + STEP,
        "distinct": 3,
        "none": Decimal("0.5"),
        "spread": 2 * LONG + STEP,
    }


def test_aggregates_over_no_rows_are_null(entries: ModuleType) -> None:
    found = entries.Entry.objects.filter(note="none").aggregate(Sum("amount"), Avg("amount"))
    assert found == {"amount__sum": None, "amount__avg": None}


def test_a_deviation_is_a_double_and_comes_as_a_decimal(entries: ModuleType) -> None:
    value = entries.Entry.objects.aggregate(x=StdDev("amount"))["x"]
    assert isinstance(value, Decimal)
    assert value > 10**19


def test_groups_have_exact_sums_and_conditions_on_them(entries: ModuleType) -> None:
    rows = entries.Account.objects.annotate(x=Sum("entries__amount"))
    assert [row.x for row in rows.filter(x__gt=LONG)] == [LONG + STEP]
    assert not rows.filter(x__lte=LONG).exists()
    assert rows.aggregate(Max("x")) == {"x__max": LONG + STEP}


def test_windows_over_decimals_are_exact(entries: ModuleType) -> None:
    def over(function: Any) -> Window:
        return Window(function, order_by="note")

    rows = entries.Entry.objects.annotate(
        running=over(Sum("amount")),
        mean=over(Avg("amount")),
        top=over(Max("amount")),
        before=over(Lag("amount")),
        first=over(FirstValue("amount")),
        number=over(RowNumber()),
    ).order_by("note")
    values = list(rows.values_list("running", "mean", "top", "before", "first", "number"))
    assert values == [
        (LONG, LONG, LONG, None, LONG, 1),
        (2 * LONG + STEP, Decimal("12345678901234567890.123456785"), LONG + STEP, LONG, LONG, 2),
        (
            LONG + STEP,
            Decimal("4115226300411522630.0411522633333333333"),
            LONG + STEP,
            LONG + STEP,
            LONG,
            3,
        ),
    ]
    assert rows.filter(running__gt=LONG).count() == 2


def test_an_update_of_decimals_is_exact(entries: ModuleType) -> None:
    entries.Entry.objects.update(
        amount=F("amount") * 2 + Case(When(note="0", then=STEP), default=Decimal(0))
    )
    assert {row.note: row.amount for row in entries.Entry.objects.all()} == {
        "0": 2 * LONG + STEP,
        "1": 2 * LONG + 2 * STEP,
        "2": -2 * LONG,
    }


# --- INSERT ------------------------------------------------------------------------------------


@isolate_apps("tests.dynamodb")
def test_defaults_and_generated_values_of_the_database_come_back(dynamodb: None) -> None:
    class Parcel(models.Model):
        side = models.IntegerField()
        area = models.GeneratedField(
            expression=F("side") * F("side"), output_field=IntegerField(), db_persist=True
        )
        double = models.GeneratedField(
            expression=F("side") * 2, output_field=IntegerField(), db_persist=False
        )
        price = models.DecimalField(max_digits=8, decimal_places=2, db_default=Decimal("9.99"))

        class Meta:
            app_label = "tests"

        def __str__(self) -> str:
            return str(self.side)

    create_tables(Parcel)
    parcels: Any = Parcel._default_manager
    parcel = parcels.create(side=3)
    assert (parcel.area, parcel.double, parcel.price) == (9, 6, Decimal("9.99"))
    many = parcels.bulk_create([Parcel(side=4), Parcel(side=5, price=1)])
    assert [(one.pk, one.area, one.price) for one in many] == [
        (2, 16, Decimal("9.99")),
        (3, 25, Decimal("1.00")),
    ]
    assert parcels.filter(area__gt=9).count() == 2


def test_the_log_shows_which_columns_come_back(ledger: ModuleType) -> None:
    with CaptureQueriesContext(connection) as queries:
        ledger.Owner.objects.create(name="alice")
    assert 'RETURNING "ledger_owner"."id"' in queries[0]["sql"]


def test_all_rows_of_an_insert_take_their_keys_at_once(ledger: ModuleType) -> None:
    with capture_requests() as requests:
        ledger.Owner.objects.bulk_create([ledger.Owner(name=str(n)) for n in range(5)])
    assert requests.count("UpdateItem") == 1
    assert requests.count("BatchGetItem") == 0
    assert requests.count("TransactWriteItems") == 1


def test_inside_a_savepoint_one_batch_tells_whether_keys_are_taken(ledger: ModuleType) -> None:
    with transaction.atomic(), transaction.atomic(), capture_requests() as requests:
        ledger.Owner.objects.bulk_create([ledger.Owner(name=str(n)) for n in range(5)])
    assert requests.count("BatchGetItem") == 1


def upsert(ledger: ModuleType, *owners: Any, target: tuple[str, ...] = ("name",)) -> Any:
    return ledger.Owner.objects.bulk_create(
        owners, update_conflicts=True, update_fields=["born"], unique_fields=target
    )


DAY, LATER = dt.date(2001, 2, 3), dt.date(2004, 5, 6)


def test_an_upsert_changes_the_row_that_has_the_unique_value(ledger: ModuleType) -> None:
    alice = ledger.Owner.objects.create(name="alice", born=DAY)
    rows = upsert(ledger, ledger.Owner(name="bob"), ledger.Owner(name="alice", born=LATER))
    assert rows[1].pk == alice.pk
    assert dict(ledger.Owner.objects.values_list("name", "born")) == {"alice": LATER, "bob": None}


def test_an_upsert_may_name_the_primary_key(ledger: ModuleType) -> None:
    alice = ledger.Owner.objects.create(name="alice", born=DAY)
    upsert(ledger, ledger.Owner(pk=alice.pk, name="alice", born=LATER), target=("pk",))
    assert ledger.Owner.objects.get().born == LATER


def test_an_upsert_finds_the_row_that_its_own_transaction_inserted(ledger: ModuleType) -> None:
    with transaction.atomic():
        for day in (DAY, LATER):
            upsert(ledger, ledger.Owner(pk=7, name="alice", born=day), target=("pk",))
    assert ledger.Owner.objects.get().born == LATER


def test_an_upsert_may_name_several_columns(ledger: ModuleType) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    first = ledger.Account.objects.create(owner=owner, balance=1)
    ledger.Account.objects.bulk_create(
        [ledger.Account(owner=owner, balance=2), ledger.Account(owner=owner, currency="EUR")],
        update_conflicts=True,
        update_fields=["balance"],
        unique_fields=["owner", "currency"],
    )
    first.refresh_from_db()
    assert first.balance == 2
    assert ledger.Account.objects.count() == 2


def test_an_upsert_that_collides_elsewhere_is_refused(ledger: ModuleType) -> None:
    alice = ledger.Owner.objects.create(name="alice")
    bob = ledger.Owner.objects.create(name="bob")
    with pytest.raises(IntegrityError):
        upsert(ledger, ledger.Owner(pk=bob.pk + 1, name="alice"), target=("pk",))
    assert set(ledger.Owner.objects.values_list("pk", "name")) == {
        (alice.pk, "alice"),
        (bob.pk, "bob"),
    }


def test_an_upsert_must_name_a_constraint(ledger: ModuleType) -> None:
    with pytest.raises(OperationalError, match="ON CONFLICT"):
        upsert(ledger, ledger.Owner(name="alice"), target=("born",))


def test_an_update_that_changes_nothing_leaves_nothing_behind_a_rollback(
    ledger: ModuleType,
) -> None:
    with transaction.atomic():
        for _ in range(2):
            before = transaction.savepoint()
            ledger.Owner.objects.create(pk=1, name="alice")
            ledger.Owner.objects.filter(pk=1).update(name="alice")
            transaction.savepoint_rollback(before)
    assert not ledger.Owner.objects.exists()


def test_rows_in_the_way_are_passed_over_when_conflicts_are_ignored(ledger: ModuleType) -> None:
    ledger.Owner.objects.create(name="alice", born=DAY)
    ledger.Owner.objects.bulk_create(
        [ledger.Owner(name="alice", born=LATER), ledger.Owner(name="bob")], ignore_conflicts=True
    )
    assert dict(ledger.Owner.objects.values_list("name", "born")) == {"alice": DAY, "bob": None}


# --- hints -------------------------------------------------------------------------------------


def counts(queryset: Any) -> bool:
    """Tell whether counting this asks DynamoDB for a number instead of rows."""
    with CaptureQueriesContext(connection) as queries:
        queryset.count()
    return hints_of(queries[-1]["sql"]).count


def test_a_count_on_columns_alone_says_so(entries: ModuleType) -> None:
    rows = entries.Entry.objects
    moment = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
    assert counts(rows.all())
    assert counts(rows.filter(account=entries.Account.objects.get()))
    assert counts(rows.filter(pk__in=[1, 2], at__gte=moment).filter(weight__isnull=False))
    assert counts(rows.filter(at__range=(moment, moment), amount__lt=5))


def test_any_other_count_says_nothing(entries: ModuleType) -> None:
    rows = entries.Entry.objects
    assert not counts(rows.filter(Q(pk=1) | Q(pk=2)))
    assert not counts(rows.exclude(pk=1))
    assert not counts(rows.filter(~Q(note="x")))
    assert not counts(rows.filter(account__owner__name="alice"))
    assert not counts(rows.filter(account__in=entries.Account.objects.all()))
    assert not counts(rows.filter(account=entries.Account.objects.values("pk")[:1]))
    assert not counts(rows.values("note").distinct())
    assert not counts(rows.values("note").annotate(n=Count("pk")))
    assert not counts(rows.all()[:2])
    assert not counts(rows.filter(note__contains="1"))
    assert not counts(rows.filter(at__year__gt=2020, weight=F("amount")))
    assert not counts(rows.filter(amount=F("amount")))
    assert not counts(rows.filter(extra__a=1))
    assert not counts(rows.filter(at__date=dt.date(2026, 5, 4)))
    assert not counts(rows.annotate(x=AMOUNT + 1).filter(x=1))
    assert not counts(rows.extra(where=["note = '1' OR 1"]))


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT COUNT(*) AS "n" FROM "a", "b"',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE "a"."flag"',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE NOT "a"."flag"',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE ("a"."b" = %s OR "a"."c" = %s)',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE "a"."b" IN (SELECT 1)',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE "a"."b" = %s LIMIT 1',
        'SELECT COUNT(*) AS "n" FROM "a" WHERE "a"."b" = "a"."c"',
        'SELECT COUNT(*) AS "n", 1 FROM "a"',
        'SELECT COUNT(*) AS "n" FROM "a" GROUP BY "a"."b"',
    ],
)
def test_only_a_conjunction_of_plain_conditions_is_a_plain_count(sql: str) -> None:
    assert not is_plain_count(sql)


def test_a_hint_passes_through_the_formatting_of_parameters() -> None:
    comment = hint(upsert={"update": ["100%"], "target": ["a*/b"]})
    text = comment % ()
    assert text.count("*/") == 1
    assert json.loads(text.removeprefix("/*dynamodb:").removesuffix("*/")) == {
        "upsert": {"update": ["100%"], "target": ["a*/b"]}
    }


@pytest.mark.parametrize("how", [{}, {"of": ("self",)}, {"no_key": True}], ids=str)
def test_rows_read_for_update_are_watched(ledger: ModuleType, how: dict[str, Any]) -> None:
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ledger.Owner.objects.select_for_update(**how).first()
    assert any(hints_of(query["sql"]).for_update for query in queries)


@pytest.mark.parametrize("how", ["nowait", "skip_locked"])
def test_there_is_no_lock_to_wait_for_or_to_skip(ledger: ModuleType, how: str) -> None:
    owners = ledger.Owner.objects.select_for_update(**{how: True})
    with transaction.atomic(), pytest.raises(NotSupportedError):
        owners.first()


# --- explain -----------------------------------------------------------------------------------


def test_explain_names_the_access_path_of_each_table(entries: ModuleType) -> None:
    plan = entries.Entry.objects.filter(pk=1).select_related("account").explain()
    assert len(plan.splitlines()) == 2
    assert "ledger_entry" in plan
    assert "VIRTUAL TABLE" not in plan
    assert plan != entries.Entry.objects.filter(note="1").explain()
