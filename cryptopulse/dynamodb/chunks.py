"""Bulk work that is larger than one transaction of DynamoDB, where splitting it is allowed."""
# ruff: noqa: SLF001 - a model's names are in its _meta

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import AutoField, Field, Model

from .catalogue import TableDef

logger = logging.getLogger("cryptopulse.dynamodb")

#: Actions in one TransactWriteItems.
MAX_ACTIONS = 100


@contextmanager
def in_chunks(reason: str, *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let the units of work in this block be written in several transactions, and say why.

    What the block changes is then not atomic: an error leaves what was sent before. Inside an
    atomic block of the caller's, and on other databases, this does nothing.
    """
    if not reason:
        raise ValueError('in_chunks needs a reason: in_chunks("nightly clean-up").')
    connection = connections[using]
    if max_actions(connection) is None or connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    session = connection.connection.session
    before, session.chunked = session.chunked, True
    logger.info("Writing in chunks of %d actions, not atomic: %s", MAX_ACTIONS, reason)
    try:
        yield
    finally:
        session.chunked = before


def max_actions(connection: Any) -> int | None:
    """Return how many actions one transaction takes; None where there is no such limit."""
    limit: int | None = getattr(connection.features, "max_transaction_actions", None)
    return limit


def is_outermost(connection: Any) -> bool:
    """Tell whether at most one atomic block is open, and that not the one of a test."""
    blocks = connection.atomic_blocks
    return not blocks or (len(blocks) == 1 and not blocks[0]._from_testcase)


# --- bulk_create() ---------------------------------------------------------------------------


def is_insert(fields: Sequence[Any], objs: Sequence[Any]) -> bool:
    """Tell whether a batch size is asked for by bulk_create().

    It alone asks for all columns of the objects' own model, each once.
    """
    if not objs or not fields or not isinstance(objs[0], Model):
        return False
    wanted = {
        field
        for field in type(objs[0])._meta.concrete_fields
        if not field.generated and not isinstance(field, AutoField)
    }
    given = {field for field in fields if isinstance(field, Field)}
    return len(given) == len(fields) and wanted <= given


def batch_size(connection: Any, model: type[Model], largest: int) -> int:
    """Return how many rows bulk_create() puts in one INSERT.

    It asks right after entering its own atomic block. If that is the outermost, batches may be
    sent one by one, and the block is remembered for `make_room`.
    """
    if not connection.atomic_blocks or not is_outermost(connection):
        return largest
    connection.ensure_connection()
    table = connection.store.registry.tables.get(model._meta.db_table)
    if table is None:
        return largest
    connection.ops.own_block = weakref.ref(connection.atomic_blocks[0])
    return max(1, MAX_ACTIONS // actions_per_row(connection, table))


def actions_per_row(connection: Any, table: TableDef) -> int:
    """Return how many actions an inserted row can take: itself, unique values, references."""
    references = connection.store.options.table(table.name).check_references
    return 1 + len(table.uniques) + len(references)


def make_room(connection: Any, table_name: str, rows: int) -> None:
    """Send what is pending if an outermost bulk_create() could not add its rows to it."""
    block = getattr(connection.ops, "own_block", None)
    blocks = connection.atomic_blocks
    if block is None or len(blocks) != 1 or block() is not blocks[0]:
        return
    session = connection.connection.session
    table = connection.store.registry.tables[table_name]
    pending = session.pending()
    if pending and pending + rows * actions_per_row(connection, table) > MAX_ACTIONS:
        logger.info("bulk_create: %s is written in chunks; %d actions sent", table_name, pending)
        session.flush()
