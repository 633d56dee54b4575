"""What went wrong: noted in memory where it happens, written a little later, one row per way.

Noting costs a dictionary entry and never raises. Rows are written after the answer has been sent
or the job has ended, every few seconds at the most, so that a failing request is not made slower
or a failing database busier. What cannot be written is dropped: the log has it.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from celery.signals import task_failure, task_postrun
from django.core.signals import got_request_exception, request_finished
from django.db import IntegrityError
from django.db.models import F
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.utils import timezone

from cryptopulse.engine import expires_by_itself
from cryptopulse.models import Fault

logger = logging.getLogger(__name__)

#: Seconds between two writes of one process, and after one that failed.
WRITE_EVERY, REST_AFTER_FAILURE = 2.0, 60.0
#: Ways to fail that a process tells apart in a day; all further ones are one row.
MOST_PER_DAY = 100
KEPT_FOR = timedelta(days=30)
SHOWN = 100

#: What may be a person's: addresses, quoted values, what looks like a key or a number.
_VALUES = re.compile(
    r"[\w.+-]+@[\w.-]+|'[^']*'|\"[^\"]*\"|“[^”]*”|`[^`]*`|\([^()]*\)|\b[0-9a-fA-F-]{8,}\b|\b\d[\d.:]*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One way in which something fails, and how often since it was written last."""

    source: str
    place: str
    exception: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int = 1

    @property
    def key(self) -> str:
        """The row of this way and day."""
        way = "\0".join((self.source, self.place, self.exception, self.message))
        return f"{self.last_at:%Y-%m-%d}:{hashlib.sha256(way.encode()).hexdigest()[:16]}"


_lock = threading.Lock()
_noted: dict[str, Noted] = {}
_known: tuple[str, set[str]] = ("", set())  # the day, and the rows of this process in it
_write_after = 0.0  # monotonic


def note(*, source: str, place: str, error: BaseException | None, message: str = "") -> None:
    """Remember that something failed, to be written soon."""
    now = timezone.now()
    noted = Noted(
        source=source,
        place=place[:120],
        exception=type(error).__name__[:80] if error is not None else "",
        message=without_values(message or str(error or "")),
        first_at=now,
        last_at=now,
    )
    with _lock:
        noted = _bounded(noted)
        if earlier := _noted.get(noted.key):
            noted = replace(noted, first_at=earlier.first_at, count=earlier.count + 1)
        _noted[noted.key] = noted


def _bounded(noted: Noted) -> Noted:
    """Keep the number of rows small: beyond it, all that fails is one row per source."""
    global _known  # noqa: PLW0603 (the process's, guarded by the lock)
    day = f"{noted.last_at:%Y-%m-%d}"
    if _known[0] != day:
        _known = (day, set())
    keys = _known[1]
    if noted.key not in keys and len(keys) >= MOST_PER_DAY:
        return replace(noted, place="many others", exception="", message="")
    keys.add(noted.key)
    return noted


def without_values(text: str) -> str:
    """Return the first line of an error with everything left out that may be somebody's."""
    lines = text.strip().splitlines()
    line = "".join(letter for letter in (lines[0] if lines else "")[:1000] if letter.isprintable())
    return _VALUES.sub("…", line)[:200]


def write(*, force: bool = False) -> int:
    """Write what was noted, if it is time; return how many rows. Never raises."""
    global _write_after  # noqa: PLW0603 (the process's, guarded by the lock)
    with _lock:
        if not _noted or (time.monotonic() < _write_after and not force):
            return 0
        waiting = list(_noted.values())
        _noted.clear()
        _write_after = time.monotonic() + WRITE_EVERY
    try:
        for noted in waiting:
            _store(noted)
    except Exception as error:
        logger.warning("faults could not be written down: %s", type(error).__name__)
        _write_after = time.monotonic() + REST_AFTER_FAILURE
        return 0
    return len(waiting)


def _store(noted: Noted) -> None:
    row = Fault.objects.filter(pk=noted.key)
    again = {
        "count": F("count") + noted.count,
        "last_at": noted.last_at,
        "state": Fault.State.OPEN,
    }
    if row.update(**again):
        return
    try:
        Fault.objects.create(
            id=noted.key,
            source=noted.source,
            place=noted.place,
            exception=noted.exception,
            message=noted.message,
            count=noted.count,
            first_at=noted.first_at,
            last_at=noted.last_at,
            expires_at=noted.last_at + KEPT_FOR,
        )
    except IntegrityError:  # another process was first
        row.update(**again)


# --- Reading and resolving ----------------------------------------------------------------------


def newest(*, state: str = Fault.State.OPEN, limit: int = SHOWN) -> list[Fault]:
    """Return the faults of one state that happened last. One query over their index."""
    return list(Fault.objects.filter(state=state).order_by("-last_at")[:limit])


def resolve(*, key: str) -> Fault | None:
    """Call a fault resolved; when it happens again it is open again. None if there is none."""
    Fault.objects.filter(pk=key, state=Fault.State.OPEN).update(state=Fault.State.RESOLVED)
    return Fault.objects.filter(pk=key).first()


def purge(*, now: datetime) -> int:
    """Delete the faults whose time is over; return how many."""
    if expires_by_itself(Fault):
        return 0
    keys = list(
        Fault.objects.filter(expires_at__lt=now)
        .order_by("expires_at")
        .values_list("pk", flat=True)[:1000]
    )
    for first in range(0, len(keys), 50):
        Fault.objects.filter(pk__in=keys[first : first + 50]).delete()
    return len(keys)


# --- What is heard ------------------------------------------------------------------------------


def _request_failed(*, request: HttpRequest | None = None, **_: Any) -> None:
    match = getattr(request, "resolver_match", None)
    place = f"{getattr(request, 'method', '')} /{match.route if match else ''}".strip()
    note(source=Fault.Source.REQUEST, place=place, error=sys.exc_info()[1])


def _task_failed(*, sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    note(source=Fault.Source.JOB, place=str(getattr(sender, "name", sender)), error=exception)


def _attempt_written(*, instance: Any, created: bool, **_: Any) -> None:
    """Hear of deliveries that failed; the row of one that has only begun says nothing yet."""
    if not created and not instance.succeeded:
        note(source=Fault.Source.DELIVERY, place="outbox", error=None, message=instance.error)


def _write_now(**_: Any) -> None:
    write()


def connect() -> None:
    """Hear of everything that fails; called once the apps are there."""
    got_request_exception.connect(_request_failed, dispatch_uid="faults.request")
    request_finished.connect(_write_now, dispatch_uid="faults.after_request")
    task_failure.connect(_task_failed, dispatch_uid="faults.task")
    task_postrun.connect(_write_now, dispatch_uid="faults.after_task")
    post_save.connect(
        _attempt_written, sender="alerts.DeliveryAttempt", dispatch_uid="faults.delivery"
    )
