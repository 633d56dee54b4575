"""Hours as a map of seven days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from accounts.heat import heat_map

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = ["UTC", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/Berlin"]


def hour(back: int) -> datetime:
    return NOW.replace(minute=0) - HOUR * back


def test_today_is_first_and_there_are_seven_days_of_24_hours() -> None:
    days = heat_map({}, now=NOW, zone=UTC)
    assert [day.date.day for day in days] == [20, 19, 18, 17, 16, 15, 14]
    assert all([cell.hour for cell in day.cells] == list(range(24)) for day in days)
    assert {cell.level for day in days for cell in day.cells} == {0}


def test_the_busiest_hour_is_the_darkest_and_anything_is_seen() -> None:
    days = heat_map({hour(0): (100, 0), hour(1): (1, 1), hour(2): (30, 0)}, now=NOW, zone=UTC)
    levels = [(cell.level, cell.failed) for cell in days[0].cells[10:13]]
    assert levels == [(3, 0), (1, 1), (4, 0)]


def test_where_clocks_are_set_back_two_hours_share_a_cell() -> None:
    now = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)
    twice = {datetime(2026, 10, 25, start, tzinfo=UTC): (5, 1) for start in (0, 1)}
    days = heat_map(twice, now=now, zone=ZoneInfo("Europe/Berlin"))
    assert (days[0].cells[2].count, days[0].cells[2].failed) == (10, 2)


@given(
    st.dictionaries(st.integers(0, 140), st.integers(1, 50), max_size=20), st.sampled_from(ZONES)
)
def test_nothing_of_the_last_days_is_lost_wherever_one_looks_from(
    counts: dict[int, int], zone: str
) -> None:
    days = heat_map(
        {hour(back): (n, 0) for back, n in counts.items()}, now=NOW, zone=ZoneInfo(zone)
    )
    assert sum(day.total for day in days) == sum(counts.values())
