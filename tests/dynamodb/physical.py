"""What is really stored, read with plain boto3 past the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from django.db import connection

Item = dict[str, Any]


def client(endpoint: str) -> Any:
    """Return a client of a local server."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def items(dynamodb: Any, table: str) -> Iterator[Item]:
    """Yield every item of a table, rows and sentinels."""
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def plain(item: Item) -> dict[str, str]:
    """Return a row's columns as text; NULLs are left out."""
    return {
        name: next(iter(value.values()))
        for name, value in item.items()
        if not name.startswith("@") and "NULL" not in value
    }


def is_sentinel(item: Item) -> bool:
    """Tell the item of a unique constraint from a row."""
    return bool(item["@k"]["S"] == "u" and item["@s"]["S"].startswith("u"))


def disorder() -> list[str]:
    """Return a sentence for each sentinel without its row and each row without its sentinel.

    Looks at every table of `default`; nobody may be writing meanwhile.
    """
    connection.ensure_connection()
    session = connection.connection.session
    store = session.store
    dynamodb = client(str(store.options.endpoint))
    found: list[str] = []
    for table in store.registry.tables.values():
        claimed: dict[str, str] = {}
        wanted: dict[str, str] = {}
        for item in items(dynamodb, table.physical):
            if is_sentinel(item):
                claimed[item["@s"]["S"]] = item["@o"]["S"]
            else:
                row = session.virtual_tables[table.name].executor.codec.decode(item)
                for sentinel in session.rules(table).sentinels(row.values):
                    wanted[sentinel] = row.key
        found += [
            f"{table.name}: {sentinel!r} is owned by {claimed.get(sentinel)!r}, "
            f"claimed by {wanted.get(sentinel)!r}"
            for sentinel in claimed.keys() | wanted.keys()
            if claimed.get(sentinel) != wanted.get(sentinel)
        ]
    return found
