"""How far each coin stood below its highest close so far: the pictures above the risk table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from market import measures
from market.comparison import Line


def falls(parts: Sequence[Any], grid: Sequence[date]) -> list[Line]:
    """Put the coins' falls on one grid of days: 0 at a new high, negative percent below it."""
    return [
        Line(part.coin, measures.below_peak([part.days.close_on(day) for day in grid]))
        for part in parts
    ]
