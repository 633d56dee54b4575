"""SVG that the server draws: trend lines and rings. Pure; returns path data, not markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through points in a box, and the area under it, as SVG path data."""

    line: str
    area: str
    rising: bool


def trend(
    points: Iterable[object],
    *,
    width: float,
    height: float,
    pad: float = 2,
    bounds: tuple[float, float] | None = None,
) -> Trend | None:
    """Draw points, oldest first; None is a gap. Returns None when there are not two to join.

    `bounds` are the values at the bottom and the top, where several lines share one scale.
    """
    values = [_finite(point) for point in points]
    known = [value for value in values if value is not None]
    if len(known) <= 1:
        return None
    low, high = bounds or (min(known), max(known))
    span = high - low
    step = width / (len(values) - 1)

    def place(index: int, value: float) -> str:
        share = (value - low) / span if span else 0.5
        return f"{index * step:.1f} {pad + (height - 2 * pad) * (1 - share):.1f}"

    lines, areas = [], []
    for start, run in _runs(values):
        places = [place(start + offset, value) for offset, value in enumerate(run)]
        # A lone point is a line to itself: its round ends make a dot.
        joined = "L".join(places if len(places) > 1 else places * 2)
        lines.append(f"M{joined}")
        left, right = start * step, (start + len(run) - 1) * step
        areas.append(f"M{joined}L{right:.1f} {height:g}L{left:.1f} {height:g}Z")
    return Trend("".join(lines), "".join(areas), rising=known[-1] >= known[0])


def thin(points: Sequence[object], most: int) -> Sequence[object]:
    """Return about so many points, evenly spaced; the first and the last are always among them."""
    if len(points) <= most:
        return points
    step = (len(points) - 1) / (most - 1)
    return [points[round(index * step)] for index in range(most)]


def ring(shares: Sequence[float], *, gap: float = 0.9) -> list[tuple[str, str]]:
    """Return (stroke-dasharray, stroke-dashoffset) per slice of a ring 100 units long."""
    slices = []
    offset = 0.0
    for share in shares:
        length = max(share - (gap if len(shares) > 1 else 0), 0.4)
        slices.append((f"{length:.2f} {max(100 - length, 0):.2f}", f"{-offset:.2f}"))
        offset += share
    return slices


def _finite(point: object) -> Point:
    try:
        value = float(point)  # type: ignore[arg-type]  # whatever it is, it is a number or a gap
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _runs(values: Sequence[Point]) -> Iterable[tuple[int, list[float]]]:
    """Yield each stretch without a gap with the index that it begins at."""
    run: list[float] = []
    for index, value in enumerate(values):
        if value is not None:
            run.append(value)
        elif run:
            yield index - len(run), run
            run = []
    if run:
        yield len(values) - len(run), run
