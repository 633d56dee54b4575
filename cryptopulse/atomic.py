"""The one way to change money, alerts or other state that two people may touch at once."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction

from cryptopulse.dynamodb.errors import Conflict
from cryptopulse.engine import SQLITE

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Item = TypeVar("Item")

_writer = threading.RLock()  # nesting gets as far as Django, which refuses it

ATTEMPTS = 6
ATTEMPTS_AT_ONCE = 12  # where nobody waits for a lock, a conflict is known at once
ATTEMPTS_IF_TAKEN = 3  # what is taken as often was taken before we came
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.5  # seconds; doubles with each attempt, with full jitter
#: Seconds; the lock's own timeout is the same (SQLITE_OPTIONS).
LONGEST_TURN = 20.0
QUIET_ATTEMPTS = 3  # so many conflicts are everyday life


class Busy(OperationalError):  # noqa: N818 (it is what happened, not a fault)
    """Others were in the way each time. Nothing was done; the same may succeed in a moment."""


def run_atomic(operation: Callable[[], Result]) -> Result:
    """Run `operation` in one transaction of its own and return what it returns.

    The operation reads again, with `select_for_update()`, whatever it changes, and sends nothing
    outside the database, because a conflict runs it again from the start, after a random pause,
    a few times (ATTEMPTS and its kin); then it raises Busy where the database names a conflict,
    else the error itself. Conflicts are what the database reports as OperationalError: a deadlock
    or serialisation failure on PostgreSQL, a lost optimistic condition on DynamoDB, a lock that
    was not granted in time on SQLite. An IntegrityError of the COMMIT itself may be one too: on
    DynamoDB somebody took meanwhile what the operation had found free (get_or_create(), for one),
    and run again it finds it taken. Nesting is a RuntimeError: the outer operation owns the
    commit.
    """
    attempt = 0
    while True:
        attempt += 1
        is_committing = False
        try:
            with _turn() as turn, transaction.atomic(durable=True):
                transaction.on_commit(turn.close)  # what comes behind the commit keeps nobody
                result = operation()
                is_committing = True
            return result  # noqa: TRY300 (the COMMIT comes before it)
        except (OperationalError, IntegrityError) as error:
            attempts = _attempts(error, is_committing=is_committing)
            if attempt >= attempts:
                if isinstance(error.__cause__, Conflict):
                    raise Busy("Others change the same just now; nothing was done.") from error
                raise
            longest = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
            pause = random.uniform(0, longest)  # noqa: S311 (jitter, not a secret)
            level = logging.DEBUG if attempt <= QUIET_ATTEMPTS else logging.INFO
            logger.log(
                level, "attempt %d of %d, again in %.3f s: %s", attempt, attempts, pause, error
            )
            time.sleep(pause)


def _turn() -> ExitStack:
    """Wait for the other threads of this process where the database has one writer (SQLite).

    Closing what is returned gives the turn to the next.

    SQLite's own way to wait for a lock is to sleep for up to a tenth of a second and look again:
    eight writers sleep most of the time, and some of them for seconds. Threads that wait for each
    other here are woken as soon as it is their turn. Other processes still wait in SQLite's way,
    and so does whoever has waited here for as long as SQLite would.
    """
    turn = ExitStack()
    if connection.settings_dict["ENGINE"] == SQLITE and _writer.acquire(timeout=LONGEST_TURN):
        turn.callback(_writer.release)
    return turn


def _attempts(error: OperationalError | IntegrityError, *, is_committing: bool) -> int:
    """Return how often an operation that ended in this error may be run in all."""
    if isinstance(error, OperationalError):
        if isinstance(error.__cause__, Conflict):
            return ATTEMPTS_AT_ONCE
        return ATTEMPTS if _is_conflict(error) else 1
    return ATTEMPTS_IF_TAKEN if is_committing else 1


def _is_conflict(error: OperationalError) -> bool:
    """Tell whether somebody else was in the way, so that the same work may succeed now.

    SQL databases do not say, and their other OperationalErrors come once more at little cost. On
    DynamoDB each has a cause that says: all but conflicts have used up their own retries (an
    outage costs up to 31 s), stay as they are, or may have been carried out in part.
    """
    cause = error.__cause__
    if cause is None or isinstance(cause, Conflict):
        return True
    return getattr(connection.features, "max_transaction_actions", None) is None


def in_chunks(
    items: Sequence[Item], *, actions_per_item: int | Callable[[Item], int], besides: int = 0
) -> Iterator[list[Item]]:
    """Split bulk work so that each chunk fits one transaction of the database.

    `actions_per_item` counts the rows written for one item (and the sets of values that a
    constraint keeps unique), or tells it of each; `besides` what a chunk writes or locks whatever
    is in it. DynamoDB takes 100 actions in one transaction; SQL databases take as many as we like,
    and get 1,000 so that no chunk holds a lock for long.
    """
    limit = (getattr(connection.features, "max_transaction_actions", None) or 1000) - besides
    if isinstance(actions_per_item, int):
        size = max(1, limit // actions_per_item)
        iterator = iter(items)
        while chunk := list(islice(iterator, size)):
            yield chunk
        return
    chunk, actions = [], 0
    for item in items:
        more = actions_per_item(item)
        if chunk and actions + more > limit:
            yield chunk
            chunk, actions = [], 0
        chunk.append(item)
        actions += more
    if chunk:
        yield chunk
