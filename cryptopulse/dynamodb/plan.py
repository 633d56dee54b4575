"""What the planner decides and the executor does: a way into a table, and how it is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .catalogue import Index, TableDef, Unique


@dataclass(frozen=True, slots=True)
class Path:
    """One physical way into a table: its base key or an index.

    A partition is either the values of one column or one of a number of shards; inside it the
    rows are ordered by `sort`, which always ends in the primary key.
    """

    index: Index | None
    partition: int | None  # place of a column; None: shards
    shards: int
    sort: tuple[int, ...]
    guards: tuple[tuple[int, frozenset[Any]], ...] = ()  # what the index's condition demands


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do at xFilter. `places` says which argument stands for what."""

    kind: str  # "item" | "unique" | "batch" | "range" | "hash" | "table"
    path: Path | None = None
    unique: Unique | None = None
    column: int | None = None
    many_partitions: bool = False  # the partition argument is a set of values
    equal: tuple[tuple[int, bool], ...] = ()  # (place, may be NULL) in order of arguments
    partition_may_be_null: bool = False
    has_low: bool = False
    has_high: bool = False
    descending: bool = False
    ordered: bool = False
    limit: int | None = None
    counted: bool = False
    guarded: tuple[int, ...] = ()  # places whose arguments come last and are compared
    order: tuple[tuple[int, bool], ...] = ()
    #: Which argument stands at which position, where one stands at several.
    spread: tuple[int, ...] | None = None
    text: str = field(default="", compare=False)


def describe(plan: Plan, table: TableDef) -> str:
    """Return the plan in words, as explain() and the log show it."""
    names = [column.name for column in table.columns]
    if plan.kind == "item":
        return "GetItem by primary key"
    if plan.kind == "unique":
        return f"GetItem by unique {', '.join(plan.unique.columns if plan.unique else ())}"
    if plan.kind == "batch":
        return "BatchGetItem by primary keys"
    if plan.kind == "hash":
        return f"SCAN once, then look up by {names[plan.column or 0]}"
    if plan.kind == "table":
        return "COUNT of the table" if plan.counted else "SCAN"
    return _describe_range(plan, names)


def _describe_range(plan: Plan, names: list[str]) -> str:
    path = plan.path
    assert path is not None  # noqa: S101 (a range has one)
    parts = []
    if path.partition is not None:
        parts.append(names[path.partition] + (" IN" if plan.many_partitions else "="))
    parts += [f"{names[place]}=" for place, _ in plan.equal]
    if plan.has_low:
        parts.append(f"{names[path.sort[len(plan.equal)]]}>")
    if plan.has_high:
        parts.append(f"{names[path.sort[len(plan.equal)]]}<")
    words = ["COUNT by Query" if plan.counted else "Query"]
    words.append(f"of index {path.index.name}" if path.index else "of the table")
    if parts:
        words.append(f"({', '.join(parts)})")
    if plan.ordered:
        words.append("in descending order" if plan.descending else "in order")
    if plan.limit:
        words.append(f"first {plan.limit}")
    if path.shards > 1:
        words.append(f"over {path.shards} shards")
    return " ".join(words)
