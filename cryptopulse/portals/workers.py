"""Which workers are known to work: each notes in the cache that it has run a job.

One process has its own cache, and several share Redis; without it, workers elsewhere are not
known. A note that is lost comes again within seconds: beat has something to do every two.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery.signals import task_postrun
from django.core.cache import cache
from django.utils import timezone

logger = logging.getLogger(__name__)

KEY = "workers:seen"
NOTE_EVERY = 10.0  # seconds
FORGET_AFTER = timedelta(hours=1)
#: Beat sends a job every two seconds: whoever has run none for so long does not work.
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One process that runs jobs."""

    name: str
    seen_at: datetime
    jobs: int  # since it started
    failed: int

    def is_silent(self, *, now: datetime) -> bool:
        return now - self.seen_at > SILENT_AFTER


_lock = threading.Lock()
_jobs = _failed = 0
_next_note = 0.0


def known(*, now: datetime) -> list[tuple[Worker, bool]]:
    """Return the workers seen in the last hour by name, and whether each is silent."""
    seen: dict[str, Worker] = cache.get(KEY) or {}
    fresh = [worker for worker in seen.values() if now - worker.seen_at < FORGET_AFTER]
    return [(worker, worker.is_silent(now=now)) for worker in sorted(fresh, key=lambda w: w.name)]


def job_ended(*, state: str | None = None, **_: Any) -> None:
    """Count a job of this process, and note now and then that we are here. Never raises."""
    global _jobs, _failed, _next_note  # noqa: PLW0603 (the process's, guarded by the lock)
    with _lock:
        _jobs += 1
        _failed += state == "FAILURE"
        if time.monotonic() < _next_note:
            return
        _next_note = time.monotonic() + NOTE_EVERY
    try:
        _note(timezone.now())
    except Exception as error:
        logger.warning("a worker could not say that it is here: %s", type(error).__name__)


def _note(now: datetime) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    seen: dict[str, Worker] = cache.get(KEY) or {}
    kept = {n: worker for n, worker in seen.items() if now - worker.seen_at < FORGET_AFTER}
    kept[name] = Worker(name=name, seen_at=now, jobs=_jobs, failed=_failed)
    cache.set(KEY, kept, FORGET_AFTER.total_seconds())


def connect() -> None:
    """Hear of every job that ends."""
    task_postrun.connect(job_ended, dispatch_uid="workers.job_ended")
