"""The system's statistics: what is stored, what happens, how fresh it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import services as accounts
from accounts.roles import Permission
from accounts.services import require
from alerts import services as alerts
from cryptopulse import figures
from cryptopulse.engine import is_dynamodb
from market import services as market
from portfolio import services as portfolio

from .growth import PERIODS, growth, period

#: When this process began to count what it asks of the database.
STARTED_AT = datetime.now(UTC)
MILLION = 10**6
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What this process has asked of DynamoDB, and what that costs at list prices, in dollars.

    `per_day` and `per_month` (30 days) go on as it was so far: an estimate of this process alone.
    """

    requests: int
    read_units: float
    write_units: float
    scans: int
    conflicts: int
    since: datetime
    cost: Decimal
    per_day: Decimal
    per_month: Decimal


@require_safe
@require(Permission.VIEW_STATISTICS)
def statistics(request: HttpRequest) -> HttpResponse:
    """Show figures of the whole system; nobody's in particular."""
    now = timezone.now()
    counts = accounts.user_counts()
    told = alerts.alert_statistics(now=now)
    context = {
        "now": now,
        "counts": counts,
        "total": sum(counts.values()),
        "others": sum(counts.values()) - counts["user"],
        "market": market.market_summary(now=now),
        "origin": market.origin(),
        "last_tick_at": market.last_tick_at(),
        "feeds": market.feed_states(),
        "growth": growth(now=now, days=period(request.GET.get("days", ""))),
        "periods": PERIODS,
        "trades": portfolio.trade_statistics(now=now),
        "alerts": told,
        "longest_wait": spell(told.longest_wait),
        "database": connection.display_name,
        "use": database_use(now=now),
        "resets_at": next_month(now),
    }
    return render(request, "portals/statistics.html", context)


def database_use(*, now: datetime | None = None) -> Use | None:
    """Return what this process has asked of DynamoDB since it started; None of other databases."""
    if not is_dynamodb():
        return None
    from cryptopulse.dynamodb import metering

    used = metering.totals()
    cost = (
        Decimal(used.read_units) * settings.DYNAMODB_READ_PRICE
        + Decimal(used.write_units) * settings.DYNAMODB_WRITE_PRICE
    ) / MILLION
    ran = max((now or timezone.now()) - STARTED_AT, timedelta(seconds=1))
    per_day = cost * Decimal(DAY / ran)
    return Use(
        requests=used.requests,
        read_units=used.read_units,
        write_units=used.write_units,
        scans=used.scans,
        conflicts=used.conflicts,
        since=STARTED_AT,
        cost=cost,
        per_day=per_day,
        per_month=per_day * 30,
    )


def spell(wait: timedelta) -> str:
    """Write how long something waits: 12 s, 4 min, 3 h, 2 d."""
    return figures.span(wait.total_seconds())


def next_month(now: datetime) -> datetime:
    """Return the moment at which the feeds' monthly budgets begin anew: midnight UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
