"""Which of Django's test apps are run."""

from __future__ import annotations

#: Everything that a database backend has to do with.
ALL = """
basic lookup queries aggregation ordering get_or_create transactions expressions update delete
many_to_many one_to_one many_to_one model_fields bulk_create select_for_update select_related
prefetch_related annotations aggregation_regress db_functions constraints defer custom_columns
schema migrations sessions_tests auth_tests admin_views admin_changelist model_forms
generic_relations fixtures serializers backends select_related_onetoone null_queries m2m_through
modeladmin admin_filters dates datetimes distinct_on_fields expressions_case expressions_window
raw_query composite_pk timezones proxy_models model_inheritance async contenttypes_tests
""".split()  # noqa: SIM905 (a list as one reads it)

#: The engine's essence, for every change: reads, writes, schema, transactions. About two minutes.
SHORT = """
basic lookup queries aggregation ordering get_or_create transactions expressions update delete
many_to_many model_fields bulk_create select_for_update select_related prefetch_related
db_functions constraints schema migrations sessions_tests fixtures composite_pk raw_query timezones
""".split()  # noqa: SIM905 (a list as one reads it)

#: Enough of each kind of statement to see that what is stored is what is read.
COMMITTED = """
basic ordering update aggregation one_to_one many_to_one many_to_many null_queries custom_columns
defer m2m_through dates datetimes select_related_onetoone raw_query expressions_window
""".split()  # noqa: SIM905 (a list as one reads it)
