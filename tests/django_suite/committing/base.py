"""The engine's wrapper with one feature less."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import connections
from django.utils.functional import cached_property

from cryptopulse.dynamodb import base
from cryptopulse.dynamodb.features import DatabaseFeatures as EngineFeatures
from cryptopulse.dynamodb.features import Skips
from cryptopulse.dynamodb.operations import DatabaseOperations as EngineOperations

#: Tests that mean the transaction which Django's TestCase would have put around them.
OF_TRANSACTIONS: Skips = {
    "BEGIN and COMMIT are counted as queries where no transaction is open.": {
        "basic.tests.ModelInstanceCreationTests.test_save_parent_primary_with_default",
        "many_to_many.tests.ManyToManyTests.test_fast_add_ignore_conflicts",
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


#: What Django writes after each flush, over some sixty requests.
OF_POST_MIGRATE = {"auth_permission", "django_content_type", "django_site"}


class DatabaseOperations(EngineOperations):
    """Empties only what has been written since it was last empty."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        store = self.connection.store
        self.connection.must_say_migrated = bool(store.dirty & OF_POST_MIGRATE)
        dirty = {f"DELETE FROM {self.quote_name(name)};" for name in store.dirty}  # noqa: S608
        super().execute_sql_flush([sql for sql in sql_list if sql in dirty])


class DatabaseWrapper(base.DatabaseWrapper):
    """The engine's own but for that feature, and a flush that is quick."""

    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    #: The flush has emptied tables that Django fills again.
    must_say_migrated = True


def _say_migrated(verbosity: int, interactive: bool, db: str, **kwargs: Any) -> None:
    """Let Django fill the tables again that a flush has emptied, if it has."""
    connection: Any = connections[db]
    if connection.must_say_migrated:
        emit_post_migrate_signal(verbosity, interactive, db, **kwargs)
        connection.store.dirty -= OF_POST_MIGRATE


vars(flush)[emit_post_migrate_signal.__name__] = _say_migrated
