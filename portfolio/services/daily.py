"""How much was traded each day, counted by the index of all transactions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from portfolio.models import Transaction

CENT = Decimal("0.01")


def volume_by_day(*, first: date, last: date) -> dict[date, tuple[int, Decimal]]:
    """Return each day's trades (UTC) and the dollars that moved in them. One query.

    Days without a trade are left out.
    """
    start = datetime.combine(first, datetime.min.time(), UTC)
    end = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=1)
    rows = (
        Transaction.objects.filter(executed_at__gte=start, executed_at__lt=end)
        .order_by()
        .values_list(TruncDate("executed_at", tzinfo=UTC))
        .annotate(Count("pk"), Sum("amount"))
    )
    return {day: (count, Decimal(amount).quantize(CENT)) for day, count, amount in rows}
