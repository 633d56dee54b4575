"""The system's statistics: what is stored, what happens, how fresh it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

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

DAYS_DRAWN = 14
BAR_ROOM = 20  # units per day in the drawing, of which BAR_WIDTH are bar
BAR_WIDTH = 14
BAR_HEIGHT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day's trades, and its bar in a drawing BAR_HEIGHT units high."""

    day: date
    trades: int
    x: int
    y: int
    height: int


@require_safe
@require(Permission.VIEW_STATISTICS)
def statistics(request: HttpRequest) -> HttpResponse:
    """Show figures of the whole system; nobody's in particular."""
    now = timezone.now()
    counts = accounts.user_counts()
    drawn = bars(portfolio.trades_by_day(now=now, days=DAYS_DRAWN))
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
        "bars": drawn,
        "bars_width": len(drawn) * BAR_ROOM,
        "bars_height": BAR_HEIGHT,
        "bar_width": BAR_WIDTH,
        "trades_in_all": sum(bar.trades for bar in drawn),
        "trades": portfolio.trade_statistics(now=now),
        "alerts": told,
        "longest_wait": spell(told.longest_wait),
        "database": connection.display_name,
        "use": database_use(),
    }
    return render(request, "portals/statistics.html", context)


def database_use() -> Any:
    """Return what this process has asked of DynamoDB since it started; None of other databases.

    Its `requests`, `read_units`, `write_units`, `scans` and `conflicts`.
    """
    if not is_dynamodb():
        return None
    from cryptopulse.dynamodb import metering

    return metering.totals()


def spell(wait: timedelta) -> str:
    """Write how long something waits: 12 s, 4 min, 3 h, 2 d."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return figures.age(start, now=start + wait).removesuffix(" ago")


def bars(counts: dict[date, int]) -> list[Bar]:
    """Return a bar per day; the tallest fills the height, and a single trade can be seen."""
    most = max(counts.values(), default=0)
    drawn = []
    for number, (day, trades) in enumerate(counts.items()):
        height = max(2, round(trades / most * BAR_HEIGHT)) if trades else 1
        drawn.append(
            Bar(
                day=day,
                trades=trades,
                x=number * BAR_ROOM + (BAR_ROOM - BAR_WIDTH) // 2,
                y=BAR_HEIGHT - height,
                height=height,
            )
        )
    return drawn
