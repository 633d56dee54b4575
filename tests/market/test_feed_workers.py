"""Turns and budgets hold between processes: several of them, at once, on one database file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

_PREPARE = """
import django; django.setup()
from django.db import connection
from market.models import FeedState
with connection.schema_editor() as editor:
    editor.create_model(FeedState)
"""

_WORK = """
import django, json, sys, time; django.setup()
from datetime import UTC, datetime, timedelta
from market import budget
start = datetime(2026, 11, 20, 12, tzinfo=UTC)
time.sleep(max(0, float(sys.argv[1]) - time.time()))
claimed, spent = [], 0
for second in range(30):
    if budget.claim_fetch(name="f", interval=timedelta(seconds=1),
                          now=start + timedelta(seconds=second)):
        claimed.append(second)
    try:
        budget.spend_call(name="f", monthly=60, now=start)
        spent += 1
    except budget.FeedPaused:
        pass
    budget.record_failure(name="g", error=budget.FeedError("x"), now=start)
print(json.dumps([claimed, spent]))
"""

_LOOK = """
import django; django.setup()
from market.models import FeedState
print(FeedState.objects.get(name="f").calls_this_month, FeedState.objects.get(name="g").failures)
"""


@pytest.mark.processes
def test_three_processes_never_share_a_turn_and_never_lose_a_call(tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shared.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
        "LOG_LEVEL": "ERROR",
    }

    def python(script: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env=environment,
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )

    assert python(_PREPARE).wait(60) == 0
    together = str(time.time() + 3)
    workers = [python(_WORK, together) for _ in range(3)]
    answers = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]

    seconds = [second for claimed, _ in answers for second in claimed]
    assert len(seconds) == len(set(seconds))
    assert max(seconds) == 29
    assert sum(spent for _, spent in answers) == 60
    assert python(_LOOK).communicate(timeout=60)[0].split() == ["60", "90"]
