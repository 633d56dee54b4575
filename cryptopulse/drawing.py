"""SVG that the server draws: trend lines and rings. Pure; returns path data, not markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True, slots=True)
class Spark:
    """A trend line in units of its own: a step to the right is 1, the height is what was asked."""

    line: str
    area: str
    steps: int
    rising: bool


#: Half pixels of the height of most: nobody sees finer ones, and every digit is sent.
SPARK = 72


def spark(points: Sequence[object], height: int = SPARK) -> Spark | None:
    """Draw points, oldest first, as few characters as it takes; None is a gap.

    A page of fifty coins draws three thousand points: whole, relative steps compress to a third.
    """
    values = [_finite(point) for point in points]
    known = [value for value in values if value is not None]
    if len(known) <= 1:
        return None
    low, span = min(known), max(known) - min(known)
    lines, areas = [], []
    for start, run in _runs(values):
        heights = [
            round((height - 8) * (1 - (value - low) / span)) + 4 if span else height // 2
            for value in run
        ]
        steps = "".join(
            f" 1{after - before:+d}".replace("+", " ") for before, after in pairwise(heights)
        )
        line = f"M{start} {heights[0]}l{steps.strip() or '0 0'}"
        lines.append(line)
        areas.append(f"{line}V{height}H{start}Z")
    return Spark("".join(lines), "".join(areas), len(values) - 1, rising=known[-1] >= known[0])


def timeline(
    points: Sequence[tuple[float, object]],
    *,
    width: float,
    height: float,
    start: float,
    end: float,
    bounds: tuple[float, float],
    most_apart: float,
    pad: float = 2,
) -> Trend | None:
    """Draw points (a moment, a value) where their moments lie between start and end.

    Two that lie further apart than `most_apart` have a gap between them. None without two points.
    Whole units and relative steps, as in `spark`: a month of hours is sent in a third.
    """
    known = [(at, value) for at, point in points if (value := _finite(point)) is not None]
    if len(known) <= 1:
        return None
    low, high = bounds
    span, length = high - low, (end - start) or 1
    lines, areas, run = [], [], [known[0]]

    def place(at: float, value: float) -> tuple[int, int]:
        share = (value - low) / span if span else 0.5
        return round(width * (at - start) / length), round(pad + (height - 2 * pad) * (1 - share))

    def finish() -> None:
        places = [place(*one) for one in run]
        steps = " ".join(f"{x - u} {y - v}" for (u, v), (x, y) in pairwise(places)) or "0 0"
        line = f"M{places[0][0]} {places[0][1]}l{steps.replace(' -', '-')}"
        lines.append(line)
        areas.append(f"{line}V{height:g}H{places[0][0]}Z")

    for one in known[1:]:
        if one[0] - run[-1][0] > most_apart:
            finish()
            run = []
        run.append(one)
    finish()
    return Trend("".join(lines), "".join(areas), rising=known[-1][1] >= known[0][1])


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
