"""What the product asks about its database: which kind it is, and what that kind is spared.

The DynamoDB engine is imported where it is the database, and nowhere else.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

DYNAMODB = "cryptopulse.dynamodb"
SQLITE = "django.db.backends.sqlite3"


def is_dynamodb() -> bool:
    """Tell whether the database is DynamoDB.

    There a count reads what it counts, rows with a time to live vanish by themselves, and a
    transaction takes 100 actions.
    """
    return bool(connections[DEFAULT_DB_ALIAS].settings_dict["ENGINE"] == DYNAMODB)


def is_small(model: type[Model]) -> bool:
    """Tell whether reading all of this model's table is meant (`cryptopulse.dynamodb_tables`)."""
    return bool(_table_options(model).get("small"))


def expires_by_itself(model: type[Model]) -> bool:
    """Tell whether the database drops this model's rows when their time is over."""
    return is_dynamodb() and bool(_table_options(model).get("ttl"))


def _table_options(model: type[Model]) -> dict[str, Any]:
    options: dict[str, Any] = connections[DEFAULT_DB_ALIAS].settings_dict.get("OPTIONS", {})
    table: dict[str, Any] = options.get("TABLES", {}).get(model._meta.db_table, {})  # noqa: SLF001 (Django's public API)
    return table


def reading_all(reason: str) -> AbstractContextManager[Any]:
    """Let the statements of this block read whole tables, and say why that is meant."""
    if not is_dynamodb():
        return nullcontext()
    from cryptopulse.dynamodb.scans import allow_scans

    return allow_scans(reason)


def deleting_many(reason: str) -> AbstractContextManager[Any]:
    """Let what is deleted here go in several transactions where it does not fit one."""
    if not is_dynamodb():
        return nullcontext()
    from cryptopulse.dynamodb.chunks import in_chunks

    chunked: AbstractContextManager[Any] = in_chunks(reason)
    return chunked
