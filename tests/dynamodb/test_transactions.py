"""What a transaction may count on while migrations run and other statements come between."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from cryptopulse.dynamodb.catalogue import Column
from cryptopulse.dynamodb.errors import Conflict
from cryptopulse.dynamodb.metering import capture_requests
from cryptopulse.dynamodb.registry import Registry
from tests.dynamodb.conftest import elsewhere


def another_process_changes(name: str, *, new_name: str | None = None) -> None:
    """Store a table's definition as a migration of another process would; let ours see it."""
    store = connection.store  # type: ignore[attr-defined]
    theirs = Registry(store)
    theirs.ensure()
    table = theirs.tables[name]
    if new_name is None:
        column = Column(name="more", type="integer", attribute="more", null=True)
        theirs.save(replace(table, columns=(*table.columns, column)))
    else:
        theirs.save(replace(table, name=new_name))
    store.registry.refresh()


def test_a_migration_of_another_table_takes_nothing_from_a_transaction(ledger: ModuleType) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner, balance=100)
    with transaction.atomic():
        mine = ledger.Account.objects.get(pk=account.pk)
        mine.balance -= 40
        mine.save()
        another_process_changes("ledger_owner", new_name="ledger_unrelated")
        ledger.Label.objects.create(word="paid 40")
    assert ledger.Account.objects.get(pk=account.pk).balance == 60
    assert ledger.Label.objects.filter(word="paid 40").exists()


def test_a_migration_of_a_table_that_a_transaction_has_written_is_a_conflict(
    ledger: ModuleType,
) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner, balance=100)

    @transaction.atomic
    def pay() -> None:
        ledger.Account.objects.filter(pk=account.pk).update(balance=60)
        ledger.Label.objects.create(word="paid 40")
        another_process_changes("ledger_account")

    with pytest.raises(OperationalError) as caught:
        pay()
    assert isinstance(caught.value.__cause__, Conflict)
    assert ledger.Account.objects.get(pk=account.pk).balance == 100
    assert not ledger.Label.objects.exists()


def test_what_an_open_iterator_read_is_not_the_next_users_truth(ledger: ModuleType) -> None:
    owners = [ledger.Owner.objects.create(name=f"owner {number}") for number in range(4)]
    for owner in owners:
        ledger.Account.objects.create(owner=owner)
    rows = ledger.Account.objects.select_related("owner").iterator(chunk_size=1)
    next(rows)
    ledger.Label.objects.count()
    list(rows)
    connection.close()
    elsewhere(
        lambda: [
            ledger.Owner.objects.filter(pk=owner.pk).update(name=f"new {owner.pk}")
            for owner in owners
        ]
    )
    with transaction.atomic():
        names = [ledger.Owner.objects.get(pk=owner.pk).name for owner in owners]
    assert names == [f"new {owner.pk}" for owner in owners]


def test_for_update_locks_the_rows_of_the_result_alone(ledger: ModuleType) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner)
    at = timezone.now()
    for start in range(0, 150, 50):
        ledger.Entry.objects.bulk_create(
            ledger.Entry(account=account, amount=number, at=at)
            for number in range(start, start + 50)
        )
    with capture_requests() as captured, transaction.atomic():
        entry = ledger.Entry.objects.select_for_update().get(account=account, amount=7)
        entry.note = "seen"
        entry.save()
    (write,) = [
        one for one in captured.requests if one.operation in {"PutItem", "TransactWriteItems"}
    ]
    assert write.items == 1


@pytest.mark.parametrize("order", ["amount", "-note"])
def test_for_update_of_a_sorted_result_still_notices_a_change(
    ledger: ModuleType, order: str
) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner)
    at = timezone.now()
    one, _ = (
        ledger.Entry.objects.create(account=account, amount=number, at=at) for number in (1, 2)
    )

    @transaction.atomic
    def decide() -> None:
        list(ledger.Entry.objects.select_for_update().filter(account=account).order_by(order))
        elsewhere(lambda: ledger.Entry.objects.filter(pk=one.pk).update(note="changed"))
        ledger.Label.objects.create(word="decided on both")

    with pytest.raises(OperationalError) as caught:
        decide()
    assert isinstance(caught.value.__cause__, Conflict)


class TestCheckedReferences:
    @pytest.fixture
    def database_options(self) -> dict[str, Any]:
        return {"tables": {"ledger_account": {"check_references": ["owner_id"]}}}

    def test_a_row_may_refer_to_one_that_is_locked(self, ledger: ModuleType) -> None:
        owner = ledger.Owner.objects.create(name="alice")
        with transaction.atomic():
            ledger.Owner.objects.select_for_update().get(pk=owner.pk)
            ledger.Account.objects.create(owner=owner)
        assert ledger.Account.objects.count() == 1

    def test_a_row_may_not_refer_to_one_that_is_deleted_with_it(self, ledger: ModuleType) -> None:
        owner = ledger.Owner.objects.create(name="alice")

        @transaction.atomic
        def open_and_delete() -> None:
            ledger.Account.objects.create(owner=owner)
            ledger.Owner.objects.filter(pk=owner.pk)._raw_delete(using="default")

        with pytest.raises(IntegrityError):
            open_and_delete()
        assert ledger.Owner.objects.exists()
        assert not ledger.Account.objects.exists()
