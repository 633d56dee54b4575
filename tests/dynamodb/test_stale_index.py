"""Indexes lag behind their table: they may show the past, and nothing may be lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F, Sum

from cryptopulse.atomic import run_atomic
from cryptopulse.dynamodb.errors import Conflict
from cryptopulse.dynamodb.metering import capture_requests
from cryptopulse.dynamodb.store import Store
from tests.dynamodb.faults import Faults
from tests.dynamodb.physical import disorder


@pytest.fixture
def owner(ledger: ModuleType) -> Any:
    return ledger.Owner.objects.create(name="alice")


@pytest.fixture
def account(owner: Any) -> Any:
    return owner.accounts.create(balance=Decimal(10))


@pytest.fixture
def faults(ledger: ModuleType, store: Store) -> Iterator[Faults]:
    with Faults(store.transport) as faults:
        yield faults


def trust_indexes_again() -> None:
    """Let the seconds after a conflict be over."""
    connection.ensure_connection()
    connection.connection.session._wary_until = 0.0


def freeze(owner: Any, faults: Faults) -> None:
    """Let queries for the owner's accounts find from now on what they find now."""
    faults.freeze_indexes()
    list(owner.accounts.all())
    owner.accounts.update(balance=F("balance"))


def stored(account: Any) -> Decimal:
    """Return the balance that the table has; read by the key."""
    balance: Decimal = type(account).objects.get(pk=account.pk).balance
    return balance


def test_a_query_shows_the_past_and_a_look_by_key_the_present(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)
    assert [one.balance for one in owner.accounts.all()] == [10]
    assert stored(account) == 7


def test_an_increment_of_an_older_version_is_added_to_the_present_one(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)
    assert owner.accounts.update(balance=F("balance") + 1) == 1
    assert stored(account) == 8


def test_a_value_that_an_older_version_had_already_is_written(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)
    assert owner.accounts.update(balance=10) == 1
    assert stored(account) == 10


def test_so_it_is_in_a_transaction_that_is_run_again(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)
    assert run_atomic(lambda: owner.accounts.update(balance=10)) == 1
    assert stored(account) == 10


def test_a_value_that_a_fresh_row_has_already_costs_no_write(owner: Any, account: Any) -> None:
    with capture_requests() as captured:
        assert owner.accounts.update(balance=10) == 1
    assert {one.operation for one in captured.requests} == {"Query", "BatchGetItem"}


def test_a_deleted_row_that_an_index_still_shows_is_not_written_again(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).delete()
    assert len(owner.accounts.all()) == 1
    assert owner.accounts.update(balance=F("balance") + 1) == 0
    assert not type(account).objects.filter(pk=account.pk).exists()
    assert disorder() == []


def test_a_deleted_row_that_an_index_still_shows_is_deleted_once(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).delete()
    assert owner.accounts.filter(balance__gt=1).delete()[0] == 0
    assert disorder() == []


def test_a_row_that_was_deleted_and_made_anew_is_not_taken_for_the_old_one(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    again = {"pk": account.pk, "owner": owner, "balance": Decimal(1)}
    type(account).objects.filter(pk=account.pk).delete()
    type(account).objects.create(**again)
    assert owner.accounts.update(balance=F("balance") + 1) == 1
    assert stored(account) == 2
    assert disorder() == []


def test_a_new_row_is_found_once_the_index_has_it(
    owner: Any, account: Any, faults: Faults, ledger: ModuleType
) -> None:
    freeze(owner, faults)
    euros = owner.accounts.create(balance=5, currency="EUR")
    owner.accounts.update(balance=F("balance") + 1)
    faults.thaw()
    assert stored(euros) == 5
    assert owner.accounts.update(balance=F("balance") + 1) == 2
    assert stored(account) == 12
    assert stored(euros) == 6


def test_a_row_that_no_longer_fits_the_query_is_left_alone(
    owner: Any, account: Any, faults: Faults, ledger: ModuleType
) -> None:
    bob = ledger.Owner.objects.create(name="bob")
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(owner=bob)
    assert owner.accounts.update(balance=F("balance") + 1) == 0
    assert stored(account) == 10


def test_a_locked_row_that_turns_out_old_makes_the_commit_fail(
    owner: Any, account: Any, faults: Faults, ledger: ModuleType
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)

    def decide_on_what_is_old() -> None:
        with transaction.atomic():
            total = owner.accounts.select_for_update().aggregate(Sum("balance"))
            rows = list(owner.accounts.select_for_update())
            assert rows[0].balance == total["balance__sum"] == 10
            ledger.Owner.objects.create(name=f"rich by {rows[0].balance}")

    with pytest.raises(OperationalError) as raised:
        decide_on_what_is_old()
    assert isinstance(raised.value.__cause__, Conflict)
    assert not ledger.Owner.objects.filter(name="rich by 10").exists()


def test_an_atomic_operation_succeeds_after_one_conflict(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(balance=7)
    seen: list[Decimal] = []

    def withdraw() -> None:
        (own,) = owner.accounts.select_for_update()
        seen.append(own.balance)
        own.balance -= 2
        own.save()

    run_atomic(withdraw)
    assert seen == [10, 7]
    assert stored(account) == 5


def test_trust_returns_after_a_while_and_a_frozen_index_is_caught_again(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    for balance in (7, 4):
        type(account).objects.filter(pk=account.pk).update(balance=balance)
        owner.accounts.update(balance=F("balance") + 1)
        assert stored(account) == balance + 1
        trust_indexes_again()


def test_unique_values_given_up_through_an_old_version_are_those_that_are_stored(
    owner: Any, account: Any, faults: Faults
) -> None:
    freeze(owner, faults)
    type(account).objects.filter(pk=account.pk).update(currency="EUR")
    assert owner.accounts.update(currency="CHF") == 1
    assert disorder() == []
    owner.accounts.create(currency="EUR")
    owner.accounts.create(currency="USD")
    assert disorder() == []
