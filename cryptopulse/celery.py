"""The Celery application. Schedules are database rows (see `cryptopulse.schedules`)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")

app = Celery("cryptopulse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
