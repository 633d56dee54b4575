"""The fixtures keep their word: `default` is DynamoDB, for every thread, and only for the test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test.utils import isolate_apps
from django.utils import timezone

from .conftest import create_tables

ENGINE = "cryptopulse.dynamodb"


def test_the_ledger_is_stored_read_and_deleted_with_its_relations(ledger: Any) -> None:
    owner = ledger.Owner.objects.create(name="alice")
    account = ledger.Account.objects.create(owner=owner, balance=Decimal("0.00000001"))
    entry = ledger.Entry.objects.create(account=account, amount=1, at=timezone.now())
    entry.labels.add(ledger.Label.objects.create(word="rent"))

    assert connection.settings_dict["ENGINE"] == ENGINE
    assert owner.accounts.get().entries.get().labels.get().word == "rent"

    owner.delete()
    assert not ledger.Entry.objects.exists()


def test_a_thread_meets_the_same_database(ledger: Any) -> None:
    def create() -> None:
        try:
            ledger.Owner.objects.create(name="bob")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(create).result()

    assert ledger.Owner.objects.get().name == "bob"


@pytest.mark.django_db
def test_afterwards_the_other_database_and_its_apps_are_back() -> None:
    assert not apps.is_installed("tests.dynamodb.ledger")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@isolate_apps("tests.dynamodb.ledger")
def test_a_test_may_bring_models_of_its_own(dynamodb: None) -> None:
    from django.db import models

    class Coin(models.Model):
        symbol = models.CharField(max_length=5, primary_key=True)

        class Meta:
            app_label = "ledger"

        def __str__(self) -> str:
            return self.symbol

    create_tables(Coin)
    Coin._default_manager.create(symbol="btc")

    assert Coin._default_manager.get().symbol == "btc"
