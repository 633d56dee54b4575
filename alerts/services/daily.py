"""How many alerts fired each day, counted by the index of all notifications."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate

from alerts.models import Notification


def fired_by_day(*, first: date, last: date) -> dict[date, int]:
    """Count the firings of each day (UTC), however many channels each went to. One query.

    Days without one are left out, and so are those whose notifications are deleted already.
    """
    start = datetime.combine(first, datetime.min.time(), UTC)
    end = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=1)
    rows = (
        Notification.objects.filter(
            created_at__gte=start, created_at__lt=end, kind=Notification.Kind.PRICE_ALERT
        )
        .order_by()
        .values_list(TruncDate("created_at", tzinfo=UTC))
        .annotate(Count("event_id", distinct=True))
    )
    return dict(rows)
