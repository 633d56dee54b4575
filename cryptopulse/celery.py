"""The Celery application. Schedules are database rows (see `cryptopulse.schedules`)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

from . import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")

app = Celery("cryptopulse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def settle_worker(**_: Any) -> None:
    """Keep ticks and deliveries free of long pauses."""
    garbage.settle()
