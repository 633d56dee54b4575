"""The engine's wrapper with one feature less."""

from __future__ import annotations

from django.utils.functional import cached_property

from cryptopulse.dynamodb import base
from cryptopulse.dynamodb.features import DatabaseFeatures as EngineFeatures
from cryptopulse.dynamodb.features import Skips

#: Tests that mean the transaction which Django's TestCase would have put around them.
OF_TRANSACTIONS: Skips = {
    "BEGIN and COMMIT are counted as queries where no transaction is open.": {
        "basic.tests.ModelInstanceCreationTests.test_save_parent_primary_with_default",
    },
    "The error says more where no transaction is open around it.": {
        "basic.tests.SelectOnSaveTests.test_select_on_save_lying_update",
    },
}


class DatabaseFeatures(EngineFeatures):
    """Lets Django's TestCase store and flush instead of rolling back."""

    supports_transactions = False

    @cached_property
    def django_test_skips(self) -> Skips:  # type: ignore[override]
        return super().django_test_skips | OF_TRANSACTIONS


class DatabaseWrapper(base.DatabaseWrapper):
    """The engine's own but for that feature."""

    features_class = DatabaseFeatures
