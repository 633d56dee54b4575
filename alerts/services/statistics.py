"""How the alerts and their delivery are doing, for the statistics page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from alerts.models import OUTBOX_BUCKETS, DeliveryAttempt, Notification

from .alerts import count_by_state

#: So many of the newest attempts say how delivery goes.
ATTEMPTS_SEEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStatistics:
    """Counts of now; `attempts_failed` is of the newest `attempts_seen`."""

    armed: int
    fired: int
    paused: int
    waiting: int
    longest_wait: timedelta
    attempts_seen: int
    attempts_failed: int

    @property
    def total(self) -> int:
        return self.armed + self.fired + self.paused


def alert_statistics(*, now: datetime) -> AlertStatistics:
    """Return the counts of alerts by state, and how many notifications wait, how long."""
    unsettled = Notification.objects.filter(
        settled_at__isnull=True, bucket__in=range(OUTBOX_BUCKETS)
    ).aggregate(waiting=Count("pk"), oldest=Min("created_at"))
    oldest = unsettled["oldest"]
    newest = DeliveryAttempt.objects.order_by("-id").values_list("succeeded", flat=True)
    outcomes = list(newest[:ATTEMPTS_SEEN])
    return AlertStatistics(
        **count_by_state(),
        waiting=unsettled["waiting"],
        longest_wait=max(now - oldest, timedelta(0)) if oldest else timedelta(0),
        attempts_seen=len(outcomes),
        attempts_failed=outcomes.count(False),
    )
