"""What the engine can do, and Django's own tests that it cannot pass, each with its reason."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures
from django.utils.functional import cached_property

from .chunks import MAX_ACTIONS
from .operations import MAX_PARAMETERS

Skips = dict[str, set[str]]

#: What DynamoDB cannot do: reason -> tests.
CANNOT: Skips = {
    # --- blocking locks ---------------------------------------------------------------------
    "Nobody waits for a row: the second of two writers fails instead.": {
        "get_or_create.tests.UpdateOrCreateTransactionTests.test_creation_in_transaction",
        "get_or_create.tests.UpdateOrCreateTransactionTests.test_updates_in_transaction",
        "select_for_update.tests.SelectForUpdateTests.test_block",
        "select_for_update.tests.SelectForUpdateTests.test_raw_lock_not_available",
    },
    # --- the text of SQL --------------------------------------------------------------------
    # --- data definition --------------------------------------------------------------------
    # --- foreign keys -----------------------------------------------------------------------
    "Nothing checks that the row a foreign key names is there.": {
        "model_fields.test_uuid.TestAsPrimaryKeyTransactionTests.test_unsaved_fk",
        "test_utils.test_testcase.TestTestCase.test_fixture_teardown_checks_constraints",
    },
}

#: Tests of SQLite's own file, pragmas and locks: there is no file.
OF_SQLITE_ITSELF: Skips = {
    "There is no file of SQLite's, and no connection that shares one.": {
        "backends.sqlite.tests.TestTransactionMode.test_default_transaction_mode",
        "backends.sqlite.tests.TestTransactionMode.test_invalid_transaction_mode",
        "backends.sqlite.tests.TestTransactionMode.test_valid_transaction_modes",
        "backends.sqlite.tests.ThreadSharing.test_database_sharing_in_threads",
        "backends.sqlite.tests.Tests.test_init_command",
    },
}

#: Of Django's SQLite skips those that the engine does not need.
UNNEEDED = ("SQLite stores values rounded to 15 significant digits.",)


class DatabaseFeatures(SQLiteFeatures):
    """The features of a DynamoDB database."""

    minimum_database_version = (3, 45)
    #: Actions in one unit of work: a row, a unique value or a check of a reference each. Code
    #: that works in chunks reads it; SQL databases do not have it.
    max_transaction_actions = MAX_ACTIONS
    max_query_params = MAX_PARAMETERS

    # --- connections and transactions ---
    test_db_allows_multiple_connections = True
    can_rollback_ddl = False
    can_clone_databases = False
    has_select_for_update = True
    #: Declared, introspected and followed by joins. Nobody enforces them unless the option
    #: check_references does; Django itself cascades.
    supports_foreign_keys = True
    #: So rows may be written and deleted in any order.
    can_defer_constraint_checks = True

    # --- rows that come back ---
    can_return_columns_from_insert = True
    can_return_rows_from_bulk_insert = True

    # --- expressions ---
    supports_cast_with_precision = True

    # --- schema ---
    can_alter_table_drop_column = True
    can_rename_index = True
    supports_stored_generated_columns = True
    supports_virtual_generated_columns = True
    supports_nulls_distinct_unique_constraints = True
    supports_partial_indexes = True
    supports_expression_indexes = True
    supports_expression_defaults = True

    @cached_property
    def supports_transactions(self) -> bool:
        """Tell that rollback works; Django would ask by making a table."""
        return True

    @cached_property
    def django_test_skips(self) -> Skips:
        """Django's tests that are left out, by the reason why."""
        skips: dict[str, Any] = dict(super().django_test_skips)
        for reason in UNNEEDED:
            skips.pop(reason, None)
        for more in (CANNOT, OF_SQLITE_ITSELF):
            for reason, tests in more.items():
                skips[reason] = skips.get(reason, set()) | tests
        return skips
