"""Hours as a map: a row for each of seven days, a column for each hour of the day. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

DAYS, HOURS = 7, 24
LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One hour: how much happened, how much of it was a failed log-in, how dark it is (0 to 4)."""

    hour: int
    count: int
    failed: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day in the zone of whoever looks."""

    date: date
    cells: list[Cell]

    @property
    def total(self) -> int:
        return sum(cell.count for cell in self.cells)


def heat_map(
    hours: Mapping[datetime, tuple[int, int]], *, now: datetime, zone: tzinfo
) -> list[Day]:
    """Arrange counts of hours (start -> everything, failed log-ins) as the last seven days here.

    An hour belongs to the hour of the day in which it begins here; where clocks are set back, two
    hours share a cell.
    """
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    sums: dict[tuple[date, int], tuple[int, int]] = {}
    for start, (count, failed) in hours.items():
        here = start.astimezone(zone)
        before = sums.get((here.date(), here.hour), (0, 0))
        sums[here.date(), here.hour] = (before[0] + count, before[1] + failed)
    most = max((sums[at][0] for at in sums if at[0] in days), default=0)
    return [
        Day(date=day, cells=[_cell(hour, *sums.get((day, hour), (0, 0)), most=most)
                             for hour in range(HOURS)])
        for day in days
    ]  # fmt: skip


def _cell(hour: int, count: int, failed: int, *, most: int) -> Cell:
    """Grade an hour against the busiest, by roots, so that one outlier leaves the rest apart."""
    level = math.ceil(LEVELS * math.sqrt(count / most)) if most else 0
    return Cell(hour=hour, count=count, failed=failed, level=level)
