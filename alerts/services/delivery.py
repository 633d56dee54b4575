"""Delivering the outbox: claim, send, record.

A row is claimed by one conditional update that gives a lease and opens a DeliveryAttempt; then it
is sent, outside any transaction; then what became of it is recorded. Two workers never hold the
same row at the same time. One that dies in between leaves a row whose lease runs out: it is sent
again, and that one alone may arrive twice.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from alerts.channels.base import DeliveryError, channel_for
from alerts.models import OUTBOX_BUCKETS, DeliveryAttempt, Notification
from alerts.services.kinds import is_mail_off, may_have
from cryptopulse.atomic import run_atomic

logger = logging.getLogger(__name__)

#: Longer than any channel takes (AWS: three tries of 13 s); a live worker never loses its row.
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 8  # about an hour altogether
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
#: After so many temporary failures in a row a channel is left alone until the next run.
PATIENCE = 3
ROWS_PER_BUCKET = 25
#: A run ends after this long and leaves the rest to the next one: a worker that is asked to end
#: waits for it, and who asks has about thirty seconds of patience.
LONGEST_RUN = 10.0  # seconds

Status = Notification.Status
#: What stands in an attempt until it has ended; a worker that dies leaves it so.
UNFINISHED = "Did not finish."


def deliver_due(*, now: datetime) -> int:
    """Send what is due, the longest waiting first; return how many were sent.

    May run in any number of workers at once.
    """
    run = _Run(started_at=now)
    while run.has_time and (batch := due(now=run.now)):
        progress = [_deliver(row, run) for row in batch]
        if not any(progress):
            break
    return run.sent


def due(*, now: datetime) -> list[Notification]:
    """Return the rows that have waited longest, in the order of their waiting.

    One query on the partial index per bucket: on DynamoDB a bucket is a partition. Where a bucket
    has more to give, nothing is returned that came after what it has given: the rest of it may
    have waited longer.
    """
    rows: list[Notification] = []
    horizon = now
    for bucket in range(OUTBOX_BUCKETS):
        waiting = Notification.objects.select_related("user").filter(
            bucket=bucket, settled_at__isnull=True, due_at__lte=now
        )
        found = list(waiting.order_by("due_at")[:ROWS_PER_BUCKET])
        if len(found) == ROWS_PER_BUCKET:
            horizon = min(horizon, found[-1].due_at)
        rows += found
    return sorted((row for row in rows if row.due_at <= horizon), key=attrgetter("due_at"))


@dataclass
class _Run:
    """One call of `deliver_due`: its clock, which goes on from `now`, and what it has seen."""

    started_at: datetime
    sent: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # in a row, by channel
    _clock: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._clock

    @property
    def now(self) -> datetime:
        return self.started_at + timedelta(seconds=self.elapsed)

    @property
    def has_time(self) -> bool:
        return self.elapsed < LONGEST_RUN


def _deliver(row: Notification, run: _Run) -> bool:
    """Try one row; tell whether anything about it has changed."""
    if run.failures[row.channel] >= PATIENCE:
        return _postpone(row, now=run.now)
    attempt = claim(row, now=run.now)
    if attempt is None:
        return False
    began = time.monotonic()
    error = _send(row)
    attempt.milliseconds = round((time.monotonic() - began) * 1000)
    record(row, attempt, error, now=run.now)
    if error is None:
        run.sent += 1
    is_outage = error is not None and not error.permanent
    run.failures[row.channel] = run.failures[row.channel] + 1 if is_outage else 0
    return True


def claim(row: Notification, *, now: datetime) -> DeliveryAttempt | None:
    """Take a row for as long as a lease lasts; None when somebody else has, or it is spent.

    The condition is everything that a claim changes, so of two workers that read the same row
    one finds it changed.
    """

    def operation() -> DeliveryAttempt | None:
        unchanged = Notification.objects.filter(
            pk=row.pk, settled_at__isnull=True, due_at=row.due_at, attempts=row.attempts
        )
        claimed = unchanged.update(
            status=Status.SENDING, due_at=now + LEASE, attempts=row.attempts + 1
        )
        if not claimed:
            return None
        return DeliveryAttempt.objects.create(
            notification_id=row.pk,
            at=now,
            succeeded=False,
            error=UNFINISHED,
            expires_at=row.expires_at,
        )

    attempt = run_atomic(operation)
    if attempt is not None:
        row.attempts += 1
        row.due_at = now + LEASE
    return attempt


def record(
    row: Notification, attempt: DeliveryAttempt, error: DeliveryError | None, *, now: datetime
) -> None:
    """Write what became of a claimed row: sent, failed for good, or due again after a pause.

    A worker that has lost its lease in the meantime records its attempt and leaves the row alone.
    """
    is_over = error is None or error.permanent or row.attempts >= MAX_ATTEMPTS
    changes: dict[str, Any] = {
        "status": Status.SENT if error is None else Status.FAILED if is_over else Status.PENDING,
        "error": "" if error is None else str(error)[:300],
        "due_at": row.due_at if is_over else now + pause_after(row.attempts),
        "settled_at": now if is_over else None,
    }
    if is_over and row.kind == Notification.Kind.MAIL:
        changes |= {"body": "", "html": ""}  # it may hold a link that opens the account

    def operation() -> None:
        attempt.succeeded = error is None
        attempt.error = changes["error"]
        attempt.save(update_fields=["succeeded", "error", "milliseconds"])
        Notification.objects.filter(
            pk=row.pk, settled_at__isnull=True, attempts=row.attempts
        ).update(**changes)

    run_atomic(operation)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: doubling, between half and whole."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)


def _send(row: Notification) -> DeliveryError | None:
    """Send a claimed row; return what went wrong, if anything did."""
    if obstacle := _obstacle(row):
        return DeliveryError(obstacle, permanent=True)
    try:
        channel_for(row.channel).send(row)
    except DeliveryError as error:
        return error
    except Exception as error:
        logger.exception("notification %s could not be sent by %s", row.pk, row.channel)
        return DeliveryError(f"Unexpected: {type(error).__name__}")
    return None


def _obstacle(row: Notification) -> str:
    """Say why a claimed row must not be sent any more, if so: much may change while it waits."""
    if row.attempts > MAX_ATTEMPTS:  # its workers died every time: perhaps of it
        return f"Given up after {MAX_ATTEMPTS} attempts."
    if row.user is None or row.kind == Notification.Kind.MAIL:
        return ""
    if not row.user.is_active:
        return "The account is suspended."
    if not may_have(row.user, row.kind):
        return "The account's role has no such messages."
    if row.channel == "email" and is_mail_off(row.user, row.kind):
        return "These mails are turned off."
    return ""


def _postpone(row: Notification, *, now: datetime) -> bool:
    """Leave a row of a channel that is out of order for later; that is no attempt."""
    unchanged = Notification.objects.filter(
        pk=row.pk, settled_at__isnull=True, due_at=row.due_at, attempts=row.attempts
    )
    return bool(unchanged.update(due_at=now + pause_after(1)))
