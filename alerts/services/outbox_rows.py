"""Writing many rows at once. The one place in alerts that knows which SQL database it is.

One crash fires ten thousand alerts, and each is a row per channel. Through the ORM a row of twenty
columns costs more time in Python than in the database: every value of every row is prepared, though
all but seven are the same. So they are prepared once, and the rows go the shortest way that the
database has: prepared statements on SQLite, COPY on PostgreSQL. Elsewhere, and where a row might be
there already, the ORM writes them.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.expressions import RawSQL

from alerts.models import OUTBOX_BUCKETS, Notification
from cryptopulse.engine import is_dynamodb


class Told(NamedTuple):
    """What differs between the rows of one firing; keys as their 16 bytes."""

    key: bytes
    event: bytes
    channel: str
    user_id: uuid.UUID
    subject: str
    body: str


#: The columns of `Told`, in its order, and the bucket.
_VARYING = ("id", "event_id", "channel", "user_id", "subject", "body", "bucket")


def uuid5(namespace: bytes, name: str) -> bytes:
    """Return what `uuid.uuid5` does, as bytes, in a third of its time: a crash asks for 30,000."""
    made = bytearray(hashlib.sha1(namespace + name.encode(), usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    return bytes(made)


def keys_of(keys: Collection[uuid.UUID]) -> Any:
    """Return the keys as what `pk__in` takes: one parameter, where a thousand cost more."""
    if is_dynamodb() or connection.vendor not in _KEYS:
        return list(keys)
    sql, write = _KEYS[connection.vendor]
    return RawSQL(sql, [write([key.hex for key in keys])])  # noqa: S611 (a constant and a parameter)


def insert(common: dict[str, Any], told: Sequence[Told], *, is_new: bool) -> None:
    """Insert rows in the caller's transaction; `common` is what all have in common, by attribute.

    Raises IntegrityError where a row is there that `is_new` says cannot be; without it such a row
    stays as it is.
    """
    write = _WRITERS.get(connection.vendor) if is_new and not is_dynamodb() else None
    if write is not None:
        write(*_values(common, told))
        return
    Notification.objects.bulk_create(
        [
            Notification(
                id=uuid.UUID(bytes=one.key),
                event_id=uuid.UUID(bytes=one.event),
                channel=one.channel,
                user_id=one.user_id,
                subject=one.subject,
                body=one.body,
                **common,
            )
            for one in told
        ],
        ignore_conflicts=not is_new,
    )


def _values(
    common: dict[str, Any], told: Sequence[Told]
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Return columns, and rows as the database takes them: what all share is prepared once."""
    example = Notification(**common)
    fields = [
        field
        for field in Notification._meta.concrete_fields  # noqa: SLF001 (Django's public API)
        if field.column not in _VARYING
    ]
    shared = tuple(
        field.get_db_prep_save(field.pre_save(example, add=True), connection) for field in fields
    )
    buckets = random.choices(range(OUTBOX_BUCKETS), k=len(told))  # noqa: S311 (spreads load)
    rows = (
        (
            one.key.hex(), one.event.hex(), one.channel, one.user_id.hex, one.subject, one.body,
            bucket, *shared,
        )
        for one, bucket in zip(told, buckets, strict=True)
    )  # fmt: skip
    return [*_VARYING, *(str(field.column) for field in fields)], rows


def _into(columns: Iterable[str]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(Notification._meta.db_table)} ({', '.join(map(quote, columns))})"  # noqa: SLF001


def _by_statements(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_into(columns)} VALUES ({places})", list(rows))  # noqa: S608 (names of a model's columns)


def _by_copy(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    copying = f"COPY {_into(columns)} FROM STDIN"
    # Django's cursor hands `copy` on as it is: its errors have to be made Django's here.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(copying) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _as_array(keys: list[str]) -> str:
    return f"{{{','.join(keys)}}}"


_KEYS: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "sqlite": ("SELECT value FROM json_each(%s)", json.dumps),
    "postgresql": ("SELECT unnest(%s::uuid[])", _as_array),
}
_WRITERS: dict[str, Callable[[list[str], Iterator[tuple[Any, ...]]], None]] = {
    "sqlite": _by_statements,
    "postgresql": _by_copy,
}
