"""Reads the log forward: counts its hours and finds its patterns.

Each line is read once or a few times, some seconds after it was written. A run that dies half-way
is run again from where the last one committed: flags have natural keys, and an hour's number
changes in the transaction that moves the position.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.heat import Day, heat_map
from accounts.models import Activity, ActivityHour, ActivityPosition, Flag
from accounts.moments import key_at, moment_of
from accounts.patterns import Line, Pattern, Rule, find, window_of
from cryptopulse.atomic import run_atomic

from .flags import KINDS, raise_flag

NAME = "monitor"
#: A line may be seen later than its key says: its transaction takes a while.
LAG = timedelta(seconds=20)
#: What the first run begins with; the heat map shows seven days.
BEGINNING = timedelta(days=8)
#: How long the numbers of an hour are kept.
KEPT = timedelta(days=60)
PAGE = 1000
#: So that a page touches few hours: a transaction takes a hundred rows.
LONGEST_STEP = timedelta(hours=24)
MOST_STEPS = 50
HOUR = timedelta(hours=1)
#: Seven days with all of the first one, wherever one looks from.
WEEK = timedelta(days=7)


def read_log(*, now: datetime) -> int:
    """Read what is new in the log; return how many lines that were. The next run goes on."""
    read = 0
    horizon = key_at(now - LAG)
    for _ in range(MOST_STEPS):
        position = _position(now)
        if position >= horizon:
            break
        end = min(horizon, key_at(moment_of(position) + LONGEST_STEP))
        lines = _lines(position, end)
        if len(lines) == PAGE:
            end = uuid.UUID(int=lines[-1].id.int + 1)
        for pattern in _patterns(lines, end=end):
            raise_flag(pattern=pattern, now=now)
        if not _move(position, end, lines):
            break  # another run was quicker
        read += len(lines)
    return read


def activity_hours(*, since: datetime, until: datetime) -> dict[datetime, ActivityHour]:
    """Return the numbers of these hours (UTC), by key; hours without any are left out."""
    first = since.replace(minute=0, second=0, microsecond=0)
    hours = [first + HOUR * number for number in range(int((until - first) / HOUR) + 1)]
    return ActivityHour.objects.in_bulk(hours)


def heat_of_week(*, now: datetime) -> list[Day]:
    """Return the last seven days by hour, in the zone of whoever looks."""
    hours = activity_hours(since=now - WEEK, until=now)
    counts = {start: (row.count, row.failed) for start, row in hours.items()}
    return heat_map(counts, now=now, zone=timezone.get_current_timezone())


def rules() -> list[Rule]:
    """Return what is flagged, as the settings say (FLAG_RULES)."""
    return [
        Rule(
            name=name,
            kind=kind,
            by_address=name in {Flag.Kind.ADDRESS_LOGINS, Flag.Kind.ACCOUNTS},
            count=settings.FLAG_RULES[name][0],
            seconds=settings.FLAG_RULES[name][1],
        )
        for name, kind in KINDS.items()
    ]


def _position(now: datetime) -> uuid.UUID:
    row = ActivityPosition.objects.filter(pk=NAME).first()
    return row.until if row else key_at(now - BEGINNING)


def _lines(begin: uuid.UUID, end: uuid.UUID, kind: str = "") -> list[Line]:
    """Read the lines from one key to before another: a page, or of one kind all of them."""
    rows = Activity.objects.filter(pk__gte=begin, pk__lt=end).order_by("pk")
    rows = rows.filter(kind=kind) if kind else rows[:PAGE]
    return [
        Line(id=key, kind=of, user_id=user_id, address=address, at=moment_of(key))
        for key, of, user_id, address in rows.values_list("pk", "kind", "user_id", "address")
    ]


def _patterns(lines: Sequence[Line], *, end: uuid.UUID) -> list[Pattern]:
    """Find the patterns in whose windows these lines lie, with what lies before them."""
    found: list[Pattern] = []
    for rule in rules():
        mine = [line for line in lines if line.kind == rule.kind]
        if not mine:
            continue
        window = window_of(mine[0].at, rule.seconds)
        # A pattern's first line is at most its length before the window that it belongs to.
        begin = key_at(window - timedelta(seconds=rule.seconds))
        earlier = _lines(begin, end, rule.kind)
        found += [pattern for pattern in find(earlier, rule) if pattern.window >= window]
    return sorted(found, key=lambda pattern: (pattern.last_at, pattern.key))


def _move(position: uuid.UUID, end: uuid.UUID, lines: Sequence[Line]) -> bool:
    """Count these lines in their hours and move the position, both or neither."""
    counts = Counter(_hour(line) for line in lines)
    failed = Counter(_hour(line) for line in lines if line.kind == Activity.Kind.LOGIN_FAILED)

    def operation() -> bool:
        row = ActivityPosition.objects.select_for_update().filter(pk=NAME).first()
        if row is not None and row.until != position:
            return False
        if row is None:
            ActivityPosition(pk=NAME, until=end).save(force_insert=True)
        else:
            ActivityPosition.objects.filter(pk=NAME).update(until=end)
        known = ActivityHour.objects.in_bulk(list(counts))
        for hour, count in counts.items():
            before = known.get(hour)
            ActivityHour(
                hour=hour,
                count=count + (before.count if before else 0),
                failed=failed[hour] + (before.failed if before else 0),
                expires_at=hour + KEPT,
            ).save(force_insert=before is None, force_update=before is not None)
        return True

    return run_atomic(operation)


def _hour(line: Line) -> datetime:
    return line.at.replace(minute=0, second=0, microsecond=0)
