"""Deletes what unique constraints that are gone leave behind.

Nothing depends on it: a table never uses a slot again, so such items only take room. Best effort
and bounded; part of the schema change, because a table dropped and made anew begins its slots
anew, and what swept it later would sweep too much.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .batches import WRITE_AT_ONCE, delete_items

if TYPE_CHECKING:
    from .catalogue import TableDef
    from .store import Store

logger = logging.getLogger("cryptopulse.dynamodb")

MOST_SECONDS = 20.0


def sweep(store: Store, table: TableDef, slots: set[int]) -> None:
    """Delete the sentinels of these slots, as many as there is time for."""
    deadline = time.monotonic() + MOST_SECONDS
    try:
        for keys in _pages(store, table, slots):
            batches = range(0, len(keys), WRITE_AT_ONCE)
            for batch in (keys[start : start + WRITE_AT_ONCE] for start in batches):
                delete_items(store.transport, store.housekeeping, table.physical, batch)
                if time.monotonic() > deadline:
                    logger.info("Some sentinels of %s that mean nothing are left.", table.name)
                    return
    except sqlite3.Error as error:
        logger.info("Sentinels of %s that mean nothing are left: %s", table.name, error)


def _pages(store: Store, table: TableDef, slots: set[int]) -> Iterator[list[dict[str, Any]]]:
    names = {f":{slot}": {"S": f"u{slot}|"} for slot in sorted(slots)}
    request: dict[str, Any] = {
        "TableName": table.physical,
        "FilterExpression": " OR ".join(f"begins_with(#s, {name})" for name in names),
        "ProjectionExpression": "#s, #k",
        "ExpressionAttributeNames": {"#s": "@s", "#k": "@k"},
        "ExpressionAttributeValues": names,
    }
    while True:
        answer = store.transport.call(store.housekeeping, "Scan", **request)
        yield answer["Items"]
        if not (last := answer.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = last
