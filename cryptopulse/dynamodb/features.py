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
    "The words FOR UPDATE are asserted; here a comment says so.": {
        "select_for_update.tests.SelectForUpdateTests.test_for_update_after_from",
    },
    "Statements that wait for the end of a migration are counted; here none has to wait.": {
        "migrations.test_commands.MigrateTests.test_migrate_syncdb_app_label",
        (
            "migrations.test_commands.MigrateTests."
            "test_migrate_syncdb_deferred_sql_executed_with_schemaeditor"
        ),
        "schema.tests.SchemaTests.test_rename_column_renames_deferred_sql_references",
        "schema.tests.SchemaTests.test_rename_table_renames_deferred_sql_references",
    },
    # --- data definition --------------------------------------------------------------------
    "SQL that makes tables or views is written out; only migrations can make tables.": {
        "introspection.tests.IntrospectionTests.test_django_table_names",
        "introspection.tests.IntrospectionTests.test_table_names_with_views",
        "migrations.test_operations.OperationTests.test_run_sql",
        "migrations.test_operations.OperationTests.test_run_sql_params",
        "migrations.test_operations.OperationTests.test_separate_database_and_state",
    },
    # --- foreign keys -----------------------------------------------------------------------
    "Nothing checks that the row a foreign key names is there.": {
        "schema.tests.SchemaTests.test_fk",
        "model_fields.test_uuid.TestAsPrimaryKeyTransactionTests.test_unsaved_fk",
        "test_utils.test_testcase.TestTestCase.test_fixture_teardown_checks_constraints",
    },
}

#: Tests of SQLite's own file, pragmas and locks: there is no file.
OF_SQLITE_ITSELF: Skips = {
    "There is no file of SQLite's, and no connection that shares one.": {
        "backends.sqlite.test_creation.TestDbSignatureTests.test_custom_test_name",
        "backends.sqlite.test_creation.TestDbSignatureTests.test_get_test_db_clone_settings_name",
        "backends.sqlite.tests.Tests.test_init_command",
        "backends.sqlite.tests.TestTransactionMode.test_default_transaction_mode",
        "backends.sqlite.tests.TestTransactionMode.test_invalid_transaction_mode",
        "backends.sqlite.tests.TestTransactionMode.test_valid_transaction_modes",
        "backends.sqlite.tests.ThreadSharing.test_database_sharing_in_threads",
    },
    "SQLite's own name and version are asserted.": {
        "backends.sqlite.tests.Tests.test_check_database_version_supported",
    },
    "SQLite's ROUND knows no tens and hundreds; the engine's does.": {
        "db_functions.math.test_round.RoundTests.test_unsupported_negative_precision",
    },
    "Foreign keys are switched off by no pragma.": {
        "backends.sqlite.tests.SchemaTests.test_constraint_checks_disabled_atomic_allowed",
        "backends.sqlite.tests.SchemaTests.test_disable_constraint_checking_failure_disallowed",
    },
    "CREATE TABLE is written out for the parser of SQLite's schema.": {
        "backends.sqlite.test_introspection.IntrospectionTests.test_get_primary_key_column",
        (
            "backends.sqlite.test_introspection.IntrospectionTests."
            "test_get_primary_key_column_pk_constraint"
        ),
    },
    "AUTOINCREMENT and sqlite_sequence are SQLite's way to number rows.": {
        "backends.sqlite.test_operations.SQLiteOperationsTests.test_sql_flush_sequences",
        (
            "backends.sqlite.test_operations.SQLiteOperationsTests."
            "test_sql_flush_sequences_allow_cascade"
        ),
        "backends.sqlite.tests.SchemaTests.test_autoincrement",
    },
}

#: Of Django's SQLite skips those that the engine does not need.
UNNEEDED = (
    "SQLite stores values rounded to 15 significant digits.",
    "SQLite naively remakes the table on field alteration.",
    "SQLite doesn't support negative precision for ROUND().",
    "SQLite does not parse escaped double quotes in the JSON path notation",
)


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
    has_select_for_update_of = True
    has_select_for_no_key_update = True
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
    def django_test_skips(self) -> Skips:  # type: ignore[override]
        """Django's tests that are left out, by the reason why."""
        skips: dict[str, Any] = dict(super().django_test_skips)
        for reason in UNNEEDED:
            skips.pop(reason, None)
        for more in (CANNOT, OF_SQLITE_ITSELF):
            for reason, tests in more.items():
                skips[reason] = skips.get(reason, set()) | tests
        return skips
