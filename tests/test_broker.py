"""A broker that is gone costs a page a moment, not the rest of its life."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLISH = """
import django; django.setup()
from kombu.exceptions import OperationalError
from alerts.tasks import deliver_due
try:
    deliver_due.apply_async(retry=False, expires=60)
except (OperationalError, OSError) as error:
    print("refused:", type(error).__name__)
"""


def test_publishing_gives_up_when_no_broker_answers() -> None:
    with socket.socket() as closed:  # bound and not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        environment = {
            "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
            "REDIS_URL": f"redis://127.0.0.1:{closed.getsockname()[1]}/0",
        }
        result = subprocess.run(
            [sys.executable, "-c", PUBLISH],
            cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    assert result.stdout.startswith("refused:"), result.stderr
