"""The fast path of `UPDATE ... SET c = c + k WHERE key = ? [AND c >= k]`: one request."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from .actions import is_expired
from .batches import read_items
from .catalogue import TableDef
from .codec import codec_of
from .decimals import EXACT, is_stored
from .errors import Conflict, OutcomeUnknown, Throttled, Unreachable
from .metering import Meter
from .transport import Refused, Transport, pause, unknown

#: done: changed. unmatched: no such row, or a condition does not hold. unsupported: nothing was
#: done, and only reading and writing the row can tell what should be.
Outcome = Literal["done", "unmatched", "unsupported"]
OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})


def add(
    transport: Transport,
    meter: Meter,
    table: TableDef,
    key: str,
    *,
    changes: Mapping[str, int | Decimal],
    conditions: Sequence[tuple[str, str, int | Decimal]],
    token: str,
) -> Outcome:
    """Add numbers to columns of one row if all conditions hold.

    Conditions are (column, operator, number). The row's version becomes `token`, which must be
    new. Columns of the key, an index, a unique constraint (their conditions included) or the time
    to live, and any table with generated columns, are unsupported; CHECK constraints are the
    caller's to add as conditions. Raises OutcomeUnknown when an answer was lost and the row was
    written since.
    """
    if not _is_supported(table, changes, conditions):
        return "unsupported"
    request = _request(table, key, changes, conditions, token)
    attempts = transport.options.attempts
    for attempt in range(attempts):
        try:
            transport.call_once(meter, "UpdateItem", **request)
        except Refused as refused:
            if refused.code != "TransactionConflictException":
                return _judged(table, refused, {*changes, *(name for name, _, _ in conditions)})
        except OutcomeUnknown:
            _settle(transport, meter, table, key, token)
            return "done"
        else:
            return "done"
        if attempt + 1 < attempts:
            pause(attempt)
    meter.conflict()
    raise Conflict("Transactions were writing the same row all the time; nothing was written.")


def _is_supported(
    table: TableDef,
    changes: Mapping[str, int | Decimal],
    conditions: Sequence[tuple[str, str, int | Decimal]],
) -> bool:
    if any(column.generated for column in table.columns):
        return False
    # What is indexed or unique may hang on a number through SQL, too. A name that only looks like
    # a column's costs a request more.
    hinges = " ".join(_hinges(table)).lower()
    if any(name.lower() in hinges for name in changes):
        return False
    entangled = {*table.key, table.ttl}
    entangled.update(name for index in table.built_indexes for name in index.columns)
    entangled.update(name for unique in table.uniques for name in unique.columns)
    return (
        not entangled & set(changes)
        and all(_fits(table, name, delta) for name, delta in changes.items())
        and all(
            operator in OPERATORS
            and _kind(table, name) in {"integer", "decimal"}
            and is_stored(Decimal(number))
            for name, operator, number in conditions
        )
    )


def _hinges(table: TableDef) -> Iterator[str]:
    """Yield the SQL that decides which indexes and unique constraints a row is under."""
    for index in table.built_indexes:
        yield index.condition or ""
    for unique in table.uniques:
        yield unique.condition or ""
        yield from unique.expressions


def _kind(table: TableDef, name: str) -> str:
    return table.columns[table.position[name]].kind


def _fits(table: TableDef, name: str, delta: int | Decimal) -> bool:
    """Tell whether a sum needs no rounding to the column's scale."""
    column = table.columns[table.position[name]]
    if column.kind == "integer":
        return isinstance(delta, int) and is_stored(Decimal(delta))
    if column.kind != "decimal":
        return False
    number = Decimal(delta)
    if not is_stored(number):
        return False
    exponent = EXACT.normalize(number).as_tuple().exponent
    return isinstance(exponent, int) and (column.scale is None or -exponent <= column.scale)


def _request(
    table: TableDef,
    key: str,
    changes: Mapping[str, int | Decimal],
    conditions: Sequence[tuple[str, str, int | Decimal]],
    token: str,
) -> dict[str, Any]:
    names = {"#k": "@k", "#v": "@v"}
    values: dict[str, Any] = {":v": {"S": token}, ":type": {"S": "N"}}
    sets, terms = ["#v = :v"], ["attribute_exists(#k)"]
    for n, (name, delta) in enumerate(changes.items()):
        names[f"#c{n}"] = _attribute(table, name)
        values[f":c{n}"] = {"N": format(delta, "f" if isinstance(delta, Decimal) else "d")}
        sets.append(f"#c{n} = #c{n} + :c{n}")
        terms.append(f"attribute_type(#c{n}, :type)")
    for n, (name, operator, value) in enumerate(conditions):
        names[f"#w{n}"] = _attribute(table, name)
        values[f":w{n}"] = {"N": format(value, "f" if isinstance(value, Decimal) else "d")}
        terms.append(f"attribute_type(#w{n}, :type) AND #w{n} {operator} :w{n}")
    if table.ttl is not None:
        names["#x"], values[":now"] = "@x", {"N": str(int(time.time()))}
        terms.append("(attribute_not_exists(#x) OR #x > :now)")
    return {
        "TableName": table.physical,
        "Key": codec_of(table).item_key(key),
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ConditionExpression": " AND ".join(terms),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _attribute(table: TableDef, name: str) -> str:
    return table.columns[table.position[name]].attribute


def _judged(table: TableDef, refused: Refused, names: set[str]) -> Outcome:
    """Tell an unmet condition from a value that is absent, NULL or too large to add to."""
    if refused.code == "ValidationException":  # the sum has more than 38 digits
        return "unsupported"
    if refused.code != "ConditionalCheckFailedException":
        raise refused
    item = refused.item
    if item is None or is_expired(item, time.time()):
        return "unmatched"
    stored = (item.get(_attribute(table, name), {}) for name in names)
    return "unmatched" if all("N" in value for value in stored) else "unsupported"


def _settle(transport: Transport, meter: Meter, table: TableDef, key: str, token: str) -> None:
    """Return if the row carries our version; raise OutcomeUnknown if it does not say."""
    keys = [(table.physical, codec_of(table).item_key(key))]
    try:
        for _, item in read_items(transport, meter, keys, ("@v",)):
            if item["@v"]["S"] == token:
                return
    except (Throttled, Unreachable) as error:
        raise unknown() from error
    raise unknown()
