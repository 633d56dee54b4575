"""When an INSERT learns that its key is taken."""

from __future__ import annotations

from types import ModuleType

import pytest
from django.db import IntegrityError, transaction

from cryptopulse.dynamodb.metering import capture_requests

pytestmark = pytest.mark.django_db


def test_a_number_that_is_taken_is_the_statement_s_own_error(ledger: ModuleType) -> None:
    ada = ledger.Owner.objects.create(name="ada")
    with transaction.atomic():
        bob = ledger.Owner(pk=ada.pk, name="bob")
        with pytest.raises(IntegrityError, match=r"ledger_owner\.id"):
            bob.save(force_insert=True)
        transaction.set_rollback(False)
        bob.save(force_update=True)
    assert ledger.Owner.objects.get().name == "bob"


def test_a_key_of_another_kind_is_left_to_the_commit(ledger: ModuleType) -> None:
    ledger.Label.objects.create(word="rent")
    with capture_requests() as captured, pytest.raises(IntegrityError), transaction.atomic():
        ledger.Label(word="rent").save(force_insert=True)
    assert [request.operation for request in captured.requests] == ["PutItem"]
