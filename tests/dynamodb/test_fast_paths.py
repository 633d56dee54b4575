"""Operations that take fewer requests than their SQL suggests, and bulk work in chunks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal, localcontext
from threading import Thread
from types import ModuleType
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext, isolate_apps

from cryptopulse.dynamodb import chunks, commit, errors
from cryptopulse.dynamodb.metering import Capture, assert_requests, capture_requests
from tests.dynamodb.conftest import create_tables

NOW = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)


@pytest.fixture
def account(ledger: ModuleType) -> Any:
    owner = ledger.Owner.objects.create(name="alice")
    return ledger.Account.objects.create(owner=owner, balance=Decimal("10.5"))


@pytest.fixture
def requests() -> Iterator[Capture]:
    with capture_requests() as captured:
        yield captured


def operations(captured: Capture) -> list[str]:
    return [request.operation for request in captured.requests]


def withdraw(account: Any, amount: Any, **conditions: Any) -> int:
    rows: int = (
        type(account)
        .objects.filter(pk=account.pk, **conditions)
        .update(balance=F("balance") - amount)
    )
    return rows


# --- UPDATE ... SET c = c - k ------------------------------------------------------------------


def test_a_conditional_withdrawal_is_one_request(account: Any) -> None:
    with capture_requests() as captured:
        assert withdraw(account, Decimal("0.00000001"), balance__gte=1) == 1
    assert operations(captured) == ["UpdateItem"]
    account.refresh_from_db()
    assert account.balance == Decimal("10.49999999")


def test_a_withdrawal_beyond_its_condition_changes_nothing(account: Any) -> None:
    with capture_requests() as captured:
        assert withdraw(account, 11, balance__gte=11) == 0
    assert operations(captured) == ["UpdateItem"]
    account.refresh_from_db()
    assert account.balance == Decimal("10.5")


def test_a_withdrawal_that_breaks_a_check_says_which(account: Any) -> None:
    with pytest.raises(IntegrityError, match="ledger_not_below_0"):
        withdraw(account, 11)
    account.refresh_from_db()
    assert account.balance == Decimal("10.5")


def test_a_row_that_is_not_there_is_not_a_broken_check(account: Any) -> None:
    type(account).objects.all().delete()
    assert withdraw(account, 11) == 0


def test_a_deposit_needs_no_condition(account: Any) -> None:
    with capture_requests() as captured:
        rows = type(account).objects.filter(pk=account.pk).update(balance=5 + F("balance"))
    assert (rows, operations(captured)) == (1, ["UpdateItem"])
    account.refresh_from_db()
    assert account.balance == Decimal("15.5")


def test_saving_an_expression_takes_the_same_way(account: Any) -> None:
    account.balance = F("balance") + 1
    with capture_requests() as captured:
        account.save(update_fields=["balance"])
    assert operations(captured) == ["UpdateItem"]


def test_the_statement_is_logged_and_counted_as_any_other(account: Any) -> None:
    with CaptureQueriesContext(connection) as queries, capture_requests() as captured:
        withdraw(account, 1)
    assert len(queries) == 1
    assert queries[0]["sql"].startswith('UPDATE "ledger_account" SET "balance" = ')
    assert len(captured.statements) == 1
    assert "1 request" in captured.statements[0].plans[0]


def test_inside_a_transaction_an_increment_waits_for_the_commit(account: Any) -> None:
    with transaction.atomic():
        withdraw(account, 1)
        account.refresh_from_db()
        assert account.balance == Decimal("9.5")
        transaction.set_rollback(True)
    account.refresh_from_db()
    assert account.balance == Decimal("10.5")


def test_an_increment_makes_a_transaction_that_read_the_row_fail(account: Any) -> None:
    def elsewhere() -> None:
        withdraw(account, 1)
        connection.close()

    def read_then_write() -> None:
        with transaction.atomic():
            account.refresh_from_db()
            thread = Thread(target=elsewhere)
            thread.start()
            thread.join()
            account.balance -= 2
            account.save()

    with pytest.raises(OperationalError):
        read_then_write()
    account.refresh_from_db()
    assert account.balance == Decimal("9.5")


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        ({"balance": F("balance") * 2}, Q()),
        ({"balance": F("balance") + Decimal("0.000000001")}, Q()),
        ({"balance": F("balance") + F("balance")}, Q()),
        ({"balance": 30 - F("balance")}, Q()),
        ({"balance": F("balance") + 1, "currency": "EUR"}, Q()),
        ({"balance": F("balance") + 1}, Q(currency="USD")),
        ({"balance": F("balance") + 1}, Q(balance__gt=1) | Q(balance__lt=0)),
        ({"balance": F("balance") + 1}, ~Q(balance=1)),
        ({"balance": F("balance") + 1}, Q(owner__name="alice")),
        ({"balance": F("balance") + 1}, Q(balance__gte=F("balance"))),
    ],
    ids=str,
)
def test_anything_else_reads_the_row_first(
    account: Any, values: dict[str, Any], condition: Q
) -> None:
    with capture_requests() as captured:
        rows = type(account).objects.filter(condition, pk=account.pk).update(**values)
    assert rows == 1
    assert "UpdateItem" not in operations(captured)


@pytest.fixture
def stock(dynamodb: None) -> Iterator[type[models.Model]]:
    """Yield a model whose columns differ in what hangs on them."""
    with isolate_apps("tests.dynamodb"):

        class Stock(models.Model):
            left = models.PositiveIntegerField(default=3)
            sold = models.IntegerField(null=True)
            ranked = models.IntegerField(default=0, db_index=True)
            checked = models.IntegerField(default=0)
            other = models.IntegerField(default=9)

            class Meta:
                app_label = "tests"
                constraints = [
                    models.CheckConstraint(condition=Q(checked__lt=F("other")), name="stock_check")
                ]

            def __str__(self) -> str:
                return str(self.pk)

        create_tables(Stock)
        Stock.objects.create()  # type: ignore[attr-defined]
        yield Stock


def test_a_conditional_constraint_on_other_columns_is_no_obstacle(dynamodb: None) -> None:
    with isolate_apps("tests.dynamodb"):

        class Shelf(models.Model):
            left = models.IntegerField(default=3)
            room = models.IntegerField(default=1)
            is_first = models.BooleanField(default=True)

            class Meta:
                app_label = "tests"
                constraints = [
                    models.UniqueConstraint(
                        fields=["is_first"], condition=Q(room__gt=0), name="shelf_first"
                    )
                ]

            def __str__(self) -> str:
                return str(self.pk)

        create_tables(Shelf)
        Shelf._default_manager.create()
        assert change(Shelf, left=1) == (1, ["UpdateItem"])
        assert "UpdateItem" not in change(Shelf, room=1)[1]  # the condition is about it
        assert list(Shelf._default_manager.values_list("left", "room")) == [(4, 2)]


def change(stock: Any, **deltas: int) -> tuple[int, list[str]]:
    with capture_requests() as captured:
        values = {name: F(name) + delta for name, delta in deltas.items()}
        rows: int = stock._default_manager.filter(pk=1).update(**values)
    return rows, operations(captured)


def test_a_positive_field_goes_down_in_one_request_but_not_below_zero(stock: Any) -> None:
    assert change(stock, left=-3) == (1, ["UpdateItem"])
    with pytest.raises(IntegrityError, match="CHECK constraint failed"):
        change(stock, left=-1)
    assert stock.objects.get().left == 0


def test_adding_to_null_is_null_and_finds_the_row(stock: Any) -> None:
    assert change(stock, sold=1)[0] == 1
    assert stock.objects.get().sold is None


def test_columns_in_an_index_or_a_wider_check_take_the_usual_way(stock: Any) -> None:
    assert "UpdateItem" not in change(stock, ranked=1)[1]
    assert stock.objects.filter(ranked=1).count() == 1
    assert "UpdateItem" not in change(stock, checked=1)[1]
    with pytest.raises(IntegrityError, match="stock_check"):
        change(stock, checked=9)


def test_several_columns_go_together(stock: Any) -> None:
    stock.objects.update(sold=0)
    assert change(stock, left=-1, sold=1) == (1, ["UpdateItem"])
    row = stock.objects.get()
    assert (row.left, row.sold) == (2, 1)


def test_eight_threads_take_no_more_than_there_is(stock: Any) -> None:
    stock.objects.update(left=20)
    taken: list[int] = []

    def take() -> None:
        for _ in range(5):
            rows = stock.objects.filter(pk=1, left__gte=1).update(left=F("left") - 1)
            taken.append(rows)
        connection.close()

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 20
    assert stock.objects.get().left == 0


# --- bulk_create() -----------------------------------------------------------------------------


def owners(ledger: ModuleType, number: int) -> list[Any]:
    return [ledger.Owner(name=f"owner {n}") for n in range(number)]


def test_an_outermost_bulk_create_goes_in_chunks(ledger: ModuleType) -> None:
    with capture_requests() as captured:
        made = ledger.Owner.objects.bulk_create(owners(ledger, 120))  # 2 actions each
    assert operations(captured).count("TransactWriteItems") == 3
    assert ledger.Owner.objects.count() == 120
    assert len({owner.pk for owner in made}) == 120


@pytest.mark.parametrize("number", [50, 51, 100, 101])
def test_a_last_chunk_of_a_single_row_finds_room_too(ledger: ModuleType, number: int) -> None:
    ledger.Owner.objects.bulk_create(owners(ledger, number))

    assert ledger.Owner.objects.count() == number


def test_what_fits_one_transaction_is_written_in_one(ledger: ModuleType) -> None:
    with_keys = [ledger.Owner(pk=1000 + n, name=f"key {n}") for n in range(20)]
    with capture_requests() as captured:
        ledger.Owner.objects.bulk_create([*owners(ledger, 20), *with_keys], batch_size=10)
    assert operations(captured).count("TransactWriteItems") == 1


def test_a_chunk_with_an_error_leaves_the_chunks_before(ledger: ModuleType) -> None:
    rows = owners(ledger, 60)
    rows[55].name = rows[0].name
    with pytest.raises(IntegrityError):
        ledger.Owner.objects.bulk_create(rows)
    assert ledger.Owner.objects.count() == 50


def test_inside_a_callers_transaction_bulk_create_stays_one_and_is_refused(
    ledger: ModuleType,
) -> None:
    with pytest.raises(OperationalError, match="100"), transaction.atomic():
        ledger.Owner.objects.bulk_create(owners(ledger, 60))
    assert ledger.Owner.objects.count() == 0


def test_two_bulk_creates_in_a_callers_transaction_are_refused_together(
    ledger: ModuleType,
) -> None:
    @transaction.atomic
    def create_twice() -> None:
        ledger.Owner.objects.bulk_create(owners(ledger, 40))
        ledger.Owner.objects.bulk_create([ledger.Owner(name=f"b {n}") for n in range(40)])

    with pytest.raises(OperationalError):
        create_twice()
    assert ledger.Owner.objects.count() == 0


@pytest.mark.parametrize(
    "condition", [Q(pk__in=[]), Q(pk=10**30), Q(pk=-(2**63) - 1), Q(account__in=[])], ids=str
)
def test_an_increment_of_rows_that_cannot_be_is_none(
    ledger: ModuleType, account: Any, condition: Q
) -> None:
    entry = ledger.Entry.objects.create(account=account, amount=1, at=NOW)
    entries, more = ledger.Entry.objects, {"amount": F("amount") + 1}
    assert entries.filter(condition).update(**more) == 0
    assert entries.none().update(**more) == 0
    assert entries.filter(~condition, pk=entry.pk).update(**more) == 1
    entry.refresh_from_db()
    assert entry.amount == 2


@pytest.mark.parametrize("far", ["1e400", "1e50000000", "1e-50000000", "1" * 39])
def test_a_number_beyond_dynamodb_s_is_compared_and_never_sent(account: Any, far: str) -> None:
    with capture_requests() as captured:
        rows = withdraw(account, 1, balance__lte=Decimal(f"-{far}"))
    assert rows == 0
    assert "UpdateItem" not in operations(captured)
    assert withdraw(account, 1, balance__gte=Decimal(f"-{far}")) == 1


def test_a_withdrawal_keeps_digits_that_python_s_context_would_round(account: Any) -> None:
    long = Decimal("12345678901234567890.12345678")
    with localcontext(prec=6), capture_requests() as captured:
        type(account).objects.filter(pk=account.pk).update(balance=F("balance") + long)
        assert withdraw(account, long) == 1
    assert operations(captured) == ["UpdateItem", "UpdateItem"]
    account.refresh_from_db()
    assert account.balance == Decimal("10.5")


# --- in_chunks() -------------------------------------------------------------------------------


def test_a_delete_beyond_one_transaction_is_refused_with_a_reason(ledger: ModuleType) -> None:
    ledger.Owner.objects.bulk_create(owners(ledger, 60))
    with pytest.raises(OperationalError, match="100"):
        ledger.Owner.objects.all().delete()
    assert ledger.Owner.objects.count() == 60


def test_a_delete_may_go_in_chunks_if_the_caller_says_why(
    ledger: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.Owner.objects.bulk_create(owners(ledger, 60))
    with caplog.at_level("INFO", "cryptopulse.dynamodb"), chunks.in_chunks("admin clears out"):
        ledger.Owner.objects.all().delete()
    assert ledger.Owner.objects.count() == 0
    assert "admin clears out" in caplog.text
    assert not connection.connection.session.chunked


def test_a_chunk_that_meets_a_conflict_does_not_repeat_those_before(
    ledger: ModuleType, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = ledger.Entry.objects
    rows = [ledger.Entry(account=account, amount=0, at=NOW) for _ in range(150)]
    entries.bulk_create(rows)
    send, sent = commit._Commit.run, []

    def run(chunk: Any) -> None:
        sent.append(chunk)
        if len(sent) == 2:
            raise errors.Conflict("somebody was faster")
        send(chunk)

    monkeypatch.setattr(commit._Commit, "run", run)
    with (
        chunks.in_chunks("nightly"),
        pytest.raises(OperationalError, match=r"1 of 2 were written and stay.*faster") as caught,
    ):
        entries.update(amount=F("amount") + 1)
    assert isinstance(caught.value.__cause__, errors.PartlyWritten)
    assert len(sent) == 2
    assert entries.filter(amount=1).count() == 100
    assert entries.filter(amount=0).count() == 50


def test_inside_a_callers_transaction_nothing_is_written_in_chunks(ledger: ModuleType) -> None:
    def clear() -> None:
        with transaction.atomic(), chunks.in_chunks("not mine"):
            ledger.Owner.objects.all().delete()

    ledger.Owner.objects.bulk_create(owners(ledger, 60))
    with pytest.raises(OperationalError, match="100"):
        clear()
    with transaction.atomic(), transaction.atomic(), connection.constraint_checks_disabled():
        ledger.Owner.objects.all().delete()
        transaction.set_rollback(True)
    assert ledger.Owner.objects.count() == 60


def test_chunks_need_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"), chunks.in_chunks(""):
        pass


@pytest.mark.django_db
def test_on_other_databases_chunks_do_nothing(django_user_model: Any) -> None:
    with chunks.in_chunks("any"):
        assert django_user_model.objects.count() == 0


def test_prefetch_related_reads_its_rows_in_one_batch(ledger: ModuleType) -> None:
    for number in range(5):
        owner = ledger.Owner.objects.create(name=f"owner {number}")
        ledger.Account.objects.create(owner=owner)
    with assert_requests(Query=1, BatchGetItem=1, scans=None):
        accounts = list(ledger.Account.objects.prefetch_related("owner"))
    assert len({account.owner.name for account in accounts}) == 5
