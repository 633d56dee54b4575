"""Many at once: nothing is lost, nothing is there twice, and one of several rivals wins."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from accounts import services as accounts
from accounts.models import User
from cryptopulse.atomic import run_atomic
from cryptopulse.dynamodb import dbapi
from cryptopulse.dynamodb.errors import Conflict, Duplicate
from tests.conftest import PASSWORD
from tests.dynamodb.conftest import create_tables, elsewhere
from tests.dynamodb.physical import disorder

RIVALS = 16


def at_once(work: Callable[[int], Any], rivals: int = RIVALS) -> list[Any]:
    """Run `work` in so many threads at the same moment; return results and exceptions."""
    together = threading.Barrier(rivals)

    def one(number: int) -> Any:
        try:
            connection.ensure_connection()
            together.wait()
            return work(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(rivals) as pool:
        return list(pool.map(one, range(rivals)))


def outcomes(results: list[Any]) -> Counter[str]:
    """Return how often each result came, exceptions by the engine's name for them."""
    return Counter(
        type(one.__cause__ or one).__name__ if isinstance(one, Exception) else repr(one)
        for one in results
    )


@pytest.fixture
def account(ledger: ModuleType) -> Any:
    owner = ledger.Owner.objects.create(name="alice")
    return ledger.Account.objects.create(owner=owner, balance=Decimal(20))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a statement that is its own transaction be run again as often as it takes."""
    monkeypatch.setattr(dbapi, "RETRIES", 1000)
    monkeypatch.setattr(dbapi, "pause", lambda retry: time.sleep(random.uniform(0, 0.05)))


# --- decrements while there is stock ------------------------------------------------------------


def take(account: Any, **conditions: Any) -> int:
    rows = type(account).objects.filter(balance__gte=1, **conditions)
    changed: int = rows.update(balance=F("balance") - 1)
    return changed


def until_done(operation: Callable[[], int]) -> int:
    """Run an atomic operation again for as long as rivals are faster."""
    while True:
        try:
            return run_atomic(operation)
        except OperationalError as error:
            if not isinstance(error.__cause__, Conflict):
                raise


def test_in_one_request_each_exactly_the_stock_is_taken(account: Any) -> None:
    taken = at_once(lambda _: sum(take(account, pk=account.pk) for _ in range(2)))
    assert sum(taken) == 20
    account.refresh_from_db()
    assert account.balance == 0


def test_with_a_read_before_each_write_exactly_the_stock_is_taken(
    account: Any, patient: None
) -> None:
    by_owner = {"owner__name": "alice", "owner": account.owner}
    taken = at_once(lambda _: sum(take(account, **by_owner) for _ in range(2)))
    assert sum(taken) == 20
    account.refresh_from_db()
    assert account.balance == 0


def test_in_transactions_exactly_the_stock_is_taken(account: Any, ledger: ModuleType) -> None:
    def take_and_note(number: int) -> int:
        rows = take(account, pk=account.pk)
        if rows:
            ledger.Owner.objects.create(name=f"customer {number}")
        return rows

    def work(number: int) -> int:
        return sum(until_done(partial(take_and_note, number * 10 + n)) for n in range(3))

    assert sum(at_once(work, 8)) == 20
    account.refresh_from_db()
    assert account.balance == 0
    assert ledger.Owner.objects.filter(name__startswith="customer").count() == 20
    assert disorder() == []


def test_both_ways_at_once_take_exactly_the_stock(account: Any) -> None:
    def work(number: int) -> int:
        if number % 2:
            return sum(take(account, pk=account.pk) for _ in range(4))
        return sum(until_done(lambda: take(account, pk=account.pk)) for _ in range(4))

    assert sum(at_once(work, 8)) == 20
    account.refresh_from_db()
    assert account.balance == 0


# --- one name, many who want it -----------------------------------------------------------------


def test_of_sixteen_sign_ups_with_one_name_exactly_one_wins(ledger: ModuleType) -> None:
    results = at_once(lambda _: ledger.Owner.objects.create(name="alice").name)
    assert outcomes(results) == {"'alice'": 1, "Duplicate": 15}
    assert all(isinstance(one, IntegrityError) for one in results if one != "alice")
    assert ledger.Owner.objects.count() == 1
    assert disorder() == []


def test_so_it_is_in_transactions_that_write_more(ledger: ModuleType) -> None:
    def sign_up(_: int) -> str:
        with transaction.atomic():
            owner = ledger.Owner.objects.create(name="alice")
            ledger.Account.objects.create(owner=owner)
        return "won"

    results = at_once(sign_up)
    assert outcomes(results) == {"'won'": 1, "Duplicate": 15}
    assert ledger.Account.objects.get().owner == ledger.Owner.objects.get()
    assert disorder() == []


def test_of_sixteen_people_with_one_username_the_product_lets_one_in(dynamodb: None) -> None:
    create_tables(User, EmailAddress, accounts.Activity)

    def sign_up(number: int) -> str:
        email = f"alice{number % 4}@example.com"
        accounts.create_admin(username="alice", email=email, password=PASSWORD)
        return "in"

    assert outcomes(at_once(sign_up)) == {"'in'": 1, "AccountRejected": 15}
    assert User.objects.get().username == "alice"
    assert EmailAddress.objects.get().user == User.objects.get()
    assert accounts.Activity.objects.count() == 1
    assert disorder() == []


def test_names_that_are_given_up_and_taken_all_the_time_have_one_owner_each(
    ledger: ModuleType,
) -> None:
    names = ["a", "b", "c"]
    people = [ledger.Owner.objects.create(name=f"person {n}") for n in range(6)]

    def rename(number: int) -> Counter[str]:
        met: Counter[str] = Counter()
        for n in range(12):
            name = names[(number + n) % 3] if n % 3 else f"person {number}"
            try:
                ledger.Owner.objects.filter(pk=people[number].pk).update(name=name)
                met["renamed"] += 1
            except IntegrityError:
                met["taken"] += 1
        return met

    met = sum(at_once(rename, 6), Counter[str]())
    assert met["taken"]
    assert len({one.name for one in ledger.Owner.objects.all()}) == 6
    assert disorder() == []
    ledger.Owner.objects.all().delete()
    for name in names:
        ledger.Owner.objects.create(name=name)


# --- what reads first and writes then -----------------------------------------------------------


def test_get_or_create_makes_one(ledger: ModuleType) -> None:
    def work(_: int) -> tuple[int, bool]:
        owner, is_new = ledger.Owner.objects.get_or_create(name="alice")
        return owner.pk, is_new

    results = at_once(work)
    assert Counter(is_new for _, is_new in results) == {True: 1, False: 15}
    assert len({pk for pk, _ in results}) == 1


def test_get_or_create_inside_an_atomic_operation_makes_one(ledger: ModuleType) -> None:
    def work(number: int) -> int:
        def operation() -> int:
            owner, _ = ledger.Owner.objects.get_or_create(name="alice")
            ledger.Account.objects.create(owner=owner, currency=str(number))
            return int(owner.pk)

        return run_atomic(operation)

    assert len(set(at_once(work))) == 1
    assert ledger.Account.objects.filter(owner__name="alice").count() == RIVALS
    assert disorder() == []


def test_update_or_create_leaves_one_row_with_the_last_value(ledger: ModuleType) -> None:
    owner = ledger.Owner.objects.create(name="alice")

    def work(number: int) -> Any:
        return run_atomic(
            lambda: ledger.Account.objects.update_or_create(
                owner=owner, currency="USD", defaults={"balance": number}
            )[1]
        )

    results = at_once(work, 8)
    done = [one for one in results if isinstance(one, bool)]
    assert done.count(True) == 1
    assert outcomes(results).keys() <= {"True", "False", "Conflict"}
    assert ledger.Account.objects.get().balance in range(8)
    assert disorder() == []


def test_rivals_that_ignore_conflicts_store_every_row_once(ledger: ModuleType) -> None:
    rows = [f"name {n}" for n in range(20)]

    def work(number: int) -> None:
        own = rows[number:] + rows[:number]
        run_atomic(
            lambda: ledger.Owner.objects.bulk_create(
                [ledger.Owner(name=name) for name in own], ignore_conflicts=True
            )
        )

    assert outcomes(at_once(work, 3)) == {"None": 3}
    assert sorted(one.name for one in ledger.Owner.objects.all()) == sorted(rows)
    assert disorder() == []


def test_a_statement_of_its_own_is_run_again_after_a_conflict(account: Any, patient: None) -> None:
    """`balance * 1 + 1` reads the row and writes it; nothing that was added is lost."""
    rows = type(account).objects.filter(pk=account.pk)
    results = at_once(lambda _: [rows.update(balance=F("balance") * 1 + 1) for _ in range(4)], 8)
    assert results == [[1] * 4] * 8
    account.refresh_from_db()
    assert account.balance == 20 + 32


# --- two who each rely on what the other changes ------------------------------------------------


@pytest.fixture
def on_call(ledger: ModuleType) -> list[Any]:
    owners = [ledger.Owner.objects.create(name=name) for name in ("alice", "bob")]
    return [ledger.Account.objects.create(owner=owner, balance=1) for owner in owners]


def leave(on_call: list[Any], number: int, together: threading.Barrier, *, lock: bool) -> str:
    """Go off call if the other is still on; both look before either leaves."""
    accounts = type(on_call[0]).objects
    rows = accounts.select_for_update() if lock else accounts.all()
    waits = [True]

    def operation() -> str:
        others = rows.filter(pk__in=[one.pk for one in on_call])
        working = [one for one in others if one.balance > 0]
        if waits:
            waits.pop()
            together.wait(10)
        if len(working) < 2:
            return "stays"
        accounts.filter(pk=on_call[number].pk).update(balance=0)
        return "left"

    return run_atomic(operation)


def test_rows_locked_for_update_keep_two_from_leaving_at_once(on_call: list[Any]) -> None:
    together = threading.Barrier(2)
    results = at_once(lambda number: leave(on_call, number, together, lock=True), 2)
    assert sorted(results) == ["left", "stays"]


def test_without_locks_both_may_leave(on_call: list[Any]) -> None:
    """Write skew, as in any database below serialisable: the lock above is what prevents it."""
    together = threading.Barrier(2)
    results = at_once(lambda number: leave(on_call, number, together, lock=False), 2)
    assert results == ["left", "left"]


# --- savepoints and conflicts -------------------------------------------------------------------


def test_a_savepoint_that_was_rolled_back_leaves_no_condition_behind(
    account: Any, ledger: ModuleType
) -> None:
    rows = type(account).objects.filter(pk=account.pk)
    with transaction.atomic():
        ledger.Owner.objects.create(name="bob")
        with transaction.atomic():
            rows.update(balance=1)
            transaction.set_rollback(True)
        elsewhere(lambda: rows.update(balance=F("balance") + 1))
    account.refresh_from_db()
    assert account.balance == 21
    assert ledger.Owner.objects.filter(name="bob").exists()


def test_a_conflict_in_a_released_savepoint_undoes_the_whole_transaction(
    account: Any, ledger: ModuleType
) -> None:
    rows = type(account).objects.filter(pk=account.pk)

    def work() -> None:
        with transaction.atomic():
            ledger.Owner.objects.create(name="bob")
            with transaction.atomic():
                rows.update(balance=1)
            elsewhere(lambda: rows.update(balance=F("balance") + 1))

    with pytest.raises(OperationalError) as raised:
        work()
    assert isinstance(raised.value.__cause__, Conflict)
    account.refresh_from_db()
    assert account.balance == 21
    assert not ledger.Owner.objects.filter(name="bob").exists()
    assert disorder() == []


def test_a_name_taken_inside_a_savepoint_can_be_caught_and_the_rest_committed(
    account: Any, ledger: ModuleType
) -> None:
    with transaction.atomic():
        rows = type(account).objects.filter(pk=account.pk)
        rows.update(balance=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            ledger.Owner.objects.create(name="alice")
        ledger.Owner.objects.create(name="bob")
    account.refresh_from_db()
    assert account.balance == 1
    assert disorder() == []


def test_a_duplicate_that_a_rival_wrote_while_a_row_was_locked_is_a_conflict(
    account: Any, ledger: ModuleType
) -> None:
    """With real locks the rival would have waited; so the operation is run again and finds it."""
    rows = type(account).objects.filter(pk=account.pk)
    names: list[bool] = []

    def rival() -> None:
        with transaction.atomic():
            rows.update(balance=F("balance") + 1)
            ledger.Owner.objects.create(name="bob")

    def operation() -> None:
        rows.select_for_update().get()
        names.append(ledger.Owner.objects.filter(name="bob").exists())
        if len(names) == 1:
            elsewhere(rival)
        if not names[-1]:
            with transaction.atomic():
                ledger.Owner.objects.create(name="bob")

    run_atomic(operation)
    assert names == [False, True]


def test_a_conflict_goes_before_a_duplicate_at_the_commit(account: Any, ledger: ModuleType) -> None:
    rows = type(account).objects.filter(pk=account.pk)

    def rival() -> None:
        with transaction.atomic():
            rows.update(balance=F("balance") + 1)
            ledger.Owner.objects.create(name="bob")

    def work() -> None:
        with transaction.atomic():
            rows.update(balance=3)
            ledger.Owner.objects.create(name="bob")
            elsewhere(rival)

    with pytest.raises(OperationalError) as raised:
        work()
    assert isinstance(raised.value.__cause__, Conflict)


def test_a_name_that_was_taken_all_along_ends_an_atomic_operation_as_a_duplicate(
    account: Any, ledger: ModuleType
) -> None:
    with pytest.raises(IntegrityError) as raised:
        run_atomic(lambda: ledger.Owner.objects.create(name="alice"))
    assert isinstance(raised.value.__cause__, Duplicate)
