"""A range of rows in the order of a key, and the request that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .catalogue import Index, TableDef


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Part of one partition of a table (index None) or index; bounds are inclusive."""

    index: Index | None
    partition: str
    low: str | None = None
    high: str | None = None
    descending: bool = False


def query_of(table: TableDef, bounds: KeyRange) -> dict[str, Any]:
    """Return the Query request that reads a range; on the table itself consistently."""
    index = bounds.index
    partition, sort = ("@s", "@k") if index is None else _keys_of(index)
    names, values = {"#p": partition}, {":p": {"S": bounds.partition}}
    condition = "#p = :p"
    if bounds.low is not None or bounds.high is not None:
        names["#s"] = sort
        condition += f" AND {_between(bounds, values)}"
    request: dict[str, Any] = {
        "TableName": table.physical,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not bounds.descending,
    }
    if index is None:
        request["ConsistentRead"] = True
    else:
        request["IndexName"] = index.physical
    return request


def _keys_of(index: Index) -> tuple[str, str]:
    return index.partition_attribute, index.sort_attribute


def _between(bounds: KeyRange, values: dict[str, Any]) -> str:
    if bounds.low is not None:
        values[":low"] = {"S": bounds.low}
    if bounds.high is not None:
        values[":high"] = {"S": bounds.high}
    if bounds.high is None:
        return "#s >= :low"
    return "#s <= :high" if bounds.low is None else "#s BETWEEN :low AND :high"
