"""How often something was done each day, counted by the index of the activity log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate

from accounts.models import Activity
from accounts.moments import key_at


def activity_by_day(*, kind: str, first: date, last: date) -> dict[date, int]:
    """Count what was done of one kind on each of these days (UTC). One query over the index.

    Days on which nothing was done are left out.
    """
    start = datetime.combine(first, datetime.min.time(), UTC)
    end = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=1)
    rows = (
        Activity.objects.filter(kind=kind, pk__gte=key_at(start), pk__lt=key_at(end))
        .order_by()
        .values_list(TruncDate("at", tzinfo=UTC))
        .annotate(Count("pk"))
    )
    return {day: count for day, count in rows if first <= day <= last}
