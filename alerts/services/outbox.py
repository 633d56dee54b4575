"""Telling a worker that there is something to do."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction

logger = logging.getLogger(__name__)

#: A hint that no worker has taken by then is dropped: the beat has done its work meanwhile.
EXPIRES = 60  # seconds


def wake(task_name: str, *args: str) -> None:
    """Start one of this app's tasks once what is being written is committed.

    A hint and no more: where the broker does not answer, the beat does the same a little later,
    and whoever wrote is not troubled.
    """

    transaction.on_commit(partial(start, task_name, *args), robust=True)


def start(task_name: str, *args: str) -> bool:
    """Start one of this app's tasks now; tell whether the broker has taken it."""
    from alerts import tasks

    try:
        getattr(tasks, task_name).apply_async(args, retry=False, expires=EXPIRES)
    except Exception as error:  # whatever a broker raises is not the caller's trouble
        logger.warning("no broker (%s): the beat will run %s", error, task_name)
        return False
    return True


def wake_delivery() -> None:
    """Ask a worker to deliver what is being written."""
    wake("deliver_due")
