"""BatchGetItem and BatchWriteItem: what DynamoDB leaves unprocessed is asked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .actions import Item
from .errors import Throttled
from .metering import Meter
from .transport import Transport, pause

READ_AT_ONCE, WRITE_AT_ONCE = 100, 25


def read_items(
    transport: Transport,
    meter: Meter,
    keys: Sequence[tuple[str, Item]],
    attributes: Sequence[str] = (),
) -> Iterator[tuple[str, Item]]:
    """Yield (physical table, item) for each of the distinct keys that is stored, consistently.

    In no order; of the items only the attributes named, or all. Raises Throttled when DynamoDB
    keeps leaving keys out.
    """
    for start in range(0, len(keys), READ_AT_ONCE):
        wanted: dict[str, Any] = {}
        for physical, key in keys[start : start + READ_AT_ONCE]:
            if physical not in wanted:
                wanted[physical] = _asked(attributes)
            wanted[physical]["Keys"].append(key)
        yield from _read_batch(transport, meter, wanted)


def _asked(attributes: Sequence[str]) -> dict[str, Any]:
    asked: dict[str, Any] = {"Keys": [], "ConsistentRead": True}
    if attributes:
        names = {f"#n{number}": name for number, name in enumerate(attributes)}
        asked |= {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
    return asked


def _read_batch(
    transport: Transport, meter: Meter, wanted: dict[str, Any]
) -> Iterator[tuple[str, Item]]:
    attempt = 0
    while wanted:
        answer = transport.call(meter, "BatchGetItem", RequestItems=wanted)
        for physical, items in answer["Responses"].items():
            for item in items:
                yield physical, item
        wanted = answer.get("UnprocessedKeys") or {}
        # An answer that holds 16 MB is full rather than throttled.
        attempt = 0 if any(answer["Responses"].values()) else attempt + 1
        if wanted:
            _wait(transport, attempt)


def delete_items(transport: Transport, meter: Meter, physical: str, keys: Sequence[Item]) -> None:
    """Delete up to 25 items of a table whatever their version. Raises Throttled."""
    wanted: dict[str, Any] = {physical: [{"DeleteRequest": {"Key": key}} for key in keys]}
    attempt = 0
    while wanted:
        before = len(wanted[physical])
        answer = transport.call(meter, "BatchWriteItem", RequestItems=wanted)
        wanted = answer.get("UnprocessedItems") or {}
        if wanted:
            attempt = attempt + 1 if len(wanted[physical]) == before else 0
            _wait(transport, attempt)


def _wait(transport: Transport, attempt: int) -> None:
    if attempt >= transport.options.attempts:
        raise Throttled("DynamoDB has no throughput left for this batch.")
    if attempt:
        pause(attempt - 1, is_throttled=True)
