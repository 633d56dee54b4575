"""Reads what the database holds in the end, as JSON; and lets the time of leases pass.

A row that a killed worker had claimed is sent again when its lease is over. The soak does not
wait for those of its last two minutes: operations take the time as an argument.
"""

from __future__ import annotations

import json
import os
from typing import Any

import django

#: Runs of the delivery, each of which ends after a while.
LOOKS = 30


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
    django.setup()

    from django.utils import timezone

    from alerts import services as alerts
    from alerts.models import Notification, PriceAlert
    from alerts.services.delivery import LEASE

    now = timezone.now()
    waiting = Notification.objects.filter(settled_at__isnull=True)
    report: dict[str, Any] = {
        "waiting": waiting.filter(due_at__lte=now).count(),
        "longest_wait": max(
            [
                0.0,
                *((now - due).total_seconds() for due in waiting.values_list("due_at", flat=True)),
            ]
        ),
        "leased": waiting.filter(due_at__gt=now, status=Notification.Status.SENDING).count(),
        "postponed": waiting.filter(due_at__gt=now, status=Notification.Status.PENDING).count(),
    }
    for _ in range(LOOKS):
        alerts.deliver_due(now=now + 2 * LEASE)
        if not waiting.exists():
            break
    report["rows"] = [
        [str(event), channel, status, str(key), settled.timestamp() if settled else None]
        for event, channel, status, key, settled in Notification.objects.values_list(
            "event_id", "channel", "status", "pk", "settled_at"
        )
    ]
    report["fired"] = {
        str(key): times for key, times in PriceAlert.objects.values_list("pk", "times_fired")
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
