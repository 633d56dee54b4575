"""How the alerts and their delivery are doing, for the staff's pages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from alerts.models import OUTBOX_BUCKETS, DeliveryAttempt, Notification

from .reading import count_by_state

#: So many of the newest attempts say how delivery goes.
ATTEMPTS_SEEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What waits to be sent now; `attempts_failed` is of the newest `attempts_seen`."""

    waiting: int
    longest_wait: timedelta
    attempts_seen: int
    attempts_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStatistics(Outbox):
    """The outbox, and how many alerts there are in each state."""

    armed: int
    fired: int
    paused: int

    @property
    def total(self) -> int:
        return self.armed + self.fired + self.paused


def outbox_state(*, now: datetime) -> Outbox:
    """Return how many notifications wait, how long, and how delivery goes. Two queries."""
    unsettled = Notification.objects.filter(
        settled_at__isnull=True, bucket__in=range(OUTBOX_BUCKETS)
    ).aggregate(waiting=Count("pk"), oldest=Min("created_at"))
    oldest = unsettled["oldest"]
    newest = DeliveryAttempt.objects.order_by("-id").values_list("succeeded", flat=True)
    outcomes = list(newest[:ATTEMPTS_SEEN])
    return Outbox(
        waiting=unsettled["waiting"],
        longest_wait=max(now - oldest, timedelta(0)) if oldest else timedelta(0),
        attempts_seen=len(outcomes),
        attempts_failed=outcomes.count(False),
    )


def alert_statistics(*, now: datetime) -> AlertStatistics:
    """Return the counts of alerts by state, and the state of the outbox."""
    counts = count_by_state()
    return AlertStatistics(
        armed=counts["armed"],
        fired=counts["fired"],
        paused=counts["paused"],
        **asdict(outbox_state(now=now)),
    )
