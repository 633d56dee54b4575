"""One write or check of a unit of work, its condition, and what one transaction can hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .catalogue import TableDef
from .codec import item_size
from .errors import TooLarge

Item = dict[str, Any]

#: As `Action.expected`: a row must be there, whatever its version.
EXISTS = "*"

MAX_ACTIONS = 100
MAX_BYTES = 4 * 1024 * 1024
MAX_ITEM = 400 * 1024
MAX_SORT_KEY, MAX_PARTITION_KEY = 1024, 2048  # bytes of UTF-8
BYTES_PER_CHARACTER = 4  # at most


@dataclass(slots=True)
class Action:
    """One action of a transaction."""

    operation: Literal["Put", "Delete", "ConditionCheck"]
    table: TableDef
    item: Item  # the whole item for Put, else its key
    #: The version that must be stored. None: for Put and ConditionCheck nothing may be stored
    #: (or only what has expired), for Delete anything. EXISTS: some version must be.
    expected: str | None
    failure: Exception  # raised when the condition does not hold
    #: Actions of one group stay together when a unit of work goes in chunks.
    group: str = ""
    #: For a sentinel instead of a version: the row that must own it. Put and Delete also pass
    #: where nothing is stored, since time to live may remove a sentinel before its row.
    owner: str | None = None

    @property
    def key(self) -> Item:
        """The item's primary key."""
        return {"@s": self.item["@s"], "@k": self.item["@k"]}

    def request(self, now: int) -> Item:
        """Return the action as DynamoDB takes it; it expires by `now` (epoch seconds)."""
        body: Item = {"TableName": self.table.physical}
        body["Item" if self.operation == "Put" else "Key"] = self.item
        condition = self._condition()
        if condition:
            body["ConditionExpression"] = condition
            names, values = {}, {}
            for name in ("@k", "@v", "@o", "@x"):
                if f"#{name[1]}" in condition:
                    names[f"#{name[1]}"] = name
            if ":v" in condition:
                values[":v"] = {"S": self.expected}
            if ":o" in condition:
                values[":o"] = {"S": self.owner}
            if ":now" in condition:
                values[":now"] = {"N": str(now)}
            body["ExpressionAttributeNames"] = names
            if values:
                body["ExpressionAttributeValues"] = values
        return body

    def _condition(self) -> str:
        expires = self.table.ttl is not None
        is_free = "attribute_not_exists(#k) OR #x <= :now" if expires else _NOT_STORED
        if self.owner is not None:
            return "#o = :o" if self.operation == "ConditionCheck" else f"#o = :o OR {is_free}"
        if self.expected is None:
            return "" if self.operation == "Delete" else is_free
        if self.expected == EXISTS:
            stored = "attribute_exists(#k)"
            return f"{stored} AND (attribute_not_exists(#x) OR #x > :now)" if expires else stored
        return "#v = :v"


_NOT_STORED = "attribute_not_exists(#k)"


def requests_of(actions: Sequence[Action]) -> list[Item]:
    """Return all actions as TransactWriteItems takes them."""
    now = int(time.time())
    return [{action.operation: action.request(now)} for action in actions]


def is_expired(item: Item, now: float) -> bool:
    """Tell whether an item's time to live has passed, so that it counts as not stored."""
    expires = item.get("@x")
    return expires is not None and float(expires["N"]) <= now


# --- limits ---------------------------------------------------------------------------------


def check_items(actions: Sequence[Action]) -> int:
    """Raise TooLarge for an item that DynamoDB would refuse; return the bytes of all."""
    total = 0
    for action in actions:
        size = item_size(action.item)
        total += size
        if size > MAX_ITEM:
            raise TooLarge(
                f"A row of {action.table.name} would have {size:,} bytes and DynamoDB stores at "
                f"most {MAX_ITEM:,} in one; keep large values in files and store their names."
            )
        for name, value, limit in _keys(action):
            if len(value) * BYTES_PER_CHARACTER > limit and len(value.encode()) > limit:
                raise TooLarge(
                    f"A key of {action.table.name} ({name}) would have {len(value.encode()):,} "
                    f"bytes and DynamoDB takes {limit:,}; shorten the values of its columns."
                )
    return total


def _keys(action: Action) -> Iterator[tuple[str, str, int]]:
    item = action.item
    yield "primary key", item["@k"]["S"], MAX_SORT_KEY
    yield "partition", item["@s"]["S"], MAX_PARTITION_KEY
    for index in action.table.built_indexes:
        if index.sort_attribute in item:
            yield index.name, item[index.sort_attribute]["S"], MAX_SORT_KEY
            yield index.name, item[index.partition_attribute]["S"], MAX_PARTITION_KEY


def check_transaction(actions: Sequence[Action]) -> None:
    """Raise TooLarge for what one transaction cannot hold, before anything is sent."""
    if len(actions) > MAX_ACTIONS:
        rows = len({(action.table.name, action.group) for action in actions})
        raise TooLarge(
            f"This transaction would need {len(actions)} actions for {rows} rows with their "
            f"unique constraints and checks, and DynamoDB takes {MAX_ACTIONS} at once; nothing "
            "was written. Do it in several transactions."
        )
    size = check_items(actions)
    if len(actions) > 1 and size > MAX_BYTES:
        raise TooLarge(
            f"This transaction would write {size:,} bytes and DynamoDB takes {MAX_BYTES:,} at "
            "once; nothing was written. Do it in several transactions."
        )


def in_chunks(actions: Sequence[Action]) -> Iterator[list[Action]]:
    """Divide actions into transactions, those of one group in the same. Raises TooLarge."""
    check_items(actions)
    groups: dict[tuple[str, str], list[Action]] = {}
    for action in actions:
        groups.setdefault((action.table.name, action.group), []).append(action)
    chunk: list[Action] = []
    size = 0
    for group in groups.values():
        check_transaction(group)
        group_size = sum(item_size(action.item) for action in group)
        if chunk and (len(chunk) + len(group) > MAX_ACTIONS or size + group_size > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk += group
        size += group_size
    if chunk:
        yield chunk
