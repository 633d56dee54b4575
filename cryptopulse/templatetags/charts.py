"""Tags that draw charts on the server: what everybody sees before, or without, JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from cryptopulse import drawing

register = template.Library()

WIDTH, HEIGHT = 800, 280
#: More points than this nobody can see on that width.
MOST_POINTS = 400
FEWEST_TO_DRAW = 3

RANGES: tuple[tuple[str, str | Promise], ...] = (
    ("1h", "1H"),
    ("1d", "1D"),
    ("7d", "7D"),
    ("1m", "1M"),
    ("3m", "3M"),
    ("1y", "1Y"),
    ("all", pgettext_lazy("range of time", "All")),
)


@register.simple_tag
def chart_ranges() -> Sequence[tuple[str, str | Promise]]:
    """Return the ranges that a chart offers: (name, label)."""
    return RANGES


@register.simple_tag
def chart_line(chart: Any, *, label: str = "") -> SafeString:
    """Draw a chart's closes as a line; an interval without a price is a gap."""
    points = drawing.thin(closes(chart), MOST_POINTS)
    drawn = drawing.spark(points, HEIGHT)
    if drawn is None:
        return format_html(
            '<span class="spark-empty chart-fallback">{}</span>', _("No history yet")
        )
    direction = "up" if drawn.rising else "down"
    return format_html(
        '<svg class="spark is-{0} chart-fallback" viewBox="0 0 {1} {2}"'
        ' preserveAspectRatio="none" role="img" aria-label="{3}">'
        '<path class="spark-area" fill="url(#fade-{0})" d="{4}"/>'
        '<path class="spark-line" d="{5}"/></svg>',
        direction,
        drawn.steps,
        HEIGHT,
        _named(label, rising=drawn.rising),
        drawn.area,
        drawn.line,
    )


def _named(label: str, *, rising: bool) -> str:
    said = _("%(name)s, up over this range") if rising else _("%(name)s, down over this range")
    return said % {"name": label}


@register.simple_tag
def compare_lines(lines: Sequence[Any]) -> SafeString:
    """Draw several coins' changes in percent on one scale; the legend beside it names them.

    `lines` have `.points` (percent or None, oldest first, the same moments for all).
    """
    known = [point for line in lines for point in line.points if point is not None]
    if not known:
        return format_html(
            '<span class="spark-empty chart-fallback">{}</span>', _("No history yet")
        )
    bounds = (min(*known, 0.0), max(*known, 0.0))
    span = bounds[1] - bounds[0] or 1
    zero = 2 + (HEIGHT - 4) * (1 - (0 - bounds[0]) / span)
    drawn = [
        drawing.trend(
            drawing.thin(line.points, MOST_POINTS), width=WIDTH, height=HEIGHT, bounds=bounds
        )
        for line in lines
    ]
    return format_html(
        '<svg class="lines chart-fallback" viewBox="0 0 {0} {1}" preserveAspectRatio="none"'
        ' aria-hidden="true"><line class="zero" x1="0" x2="{0}" y1="{2}" y2="{2}"/>{3}</svg>',
        WIDTH,
        HEIGHT,
        f"{zero:.1f}",
        format_html_join(
            "",
            '<path class="slice-{}" d="{}"/>',
            ((number, line.line) for number, line in enumerate(drawn, 1) if line),
        ),
    )


def closes(chart: Any) -> list[float | None]:
    """Return a chart's closes on an even grid of time, with None where there is no candle."""
    return on_grid({c.start: float(c.close) for c in chart.candles}, seconds=chart.seconds)


def on_grid(values: dict[datetime, float], *, seconds: int) -> list[float | None]:
    """Spread values over every interval between the first and the last."""
    if not values:
        return []
    first = min(values)
    count = int((max(values) - first).total_seconds()) // seconds + 1
    grid: list[float | None] = [None] * count
    for at, value in values.items():
        grid[int((at - first).total_seconds()) // seconds] = value
    return grid


@register.simple_tag
def equity_spark(curve: Any) -> SafeString:
    """Draw a portfolio's value small, in the corner of its card; nothing before there are two."""
    drawn = _equity_line([(p.at.timestamp(), p.value) for p in curve.points], curve, 180, 64)
    if drawn is None or len(curve.points) < FEWEST_TO_DRAW:
        return SafeString("")
    direction = "up" if curve.change >= 0 else "down"
    return format_html(
        '<svg class="spark stat-spark is-{0}" viewBox="0 0 180 64" preserveAspectRatio="none"'
        ' role="img" aria-label="{1}"><path class="spark-area" fill="url(#fade-{0})" d="{2}"/>'
        '<path class="spark-line" d="{3}"/></svg>',
        direction,
        _("Value of the last 7 days, rising")
        if direction == "up"
        else _("Value of the last 7 days, falling"),
        drawn.area,
        drawn.line,
    )


@register.simple_tag
def equity_lines(curve: Any) -> SafeString:
    """Draw a portfolio's value, and what the same money in BTC would be worth, on one scale."""
    own = _equity_line([(p.at.timestamp(), p.value) for p in curve.points], curve, WIDTH, HEIGHT)
    bitcoin = _equity_line(
        [(p.at.timestamp(), close) for p, close in curve.pairs], curve, WIDTH, HEIGHT
    )
    if own is None:
        return format_html(
            '<span class="spark-empty chart-fallback">{}</span>', _("No history yet")
        )
    return format_html(
        '<svg class="lines equity-lines" viewBox="0 0 {0} {1}" preserveAspectRatio="none"'
        ' role="img" aria-label="{2}"><path class="equity-area" d="{3}"/>'
        '<path class="slice-3 is-other" d="{4}"/><path class="slice-1" d="{5}"/></svg>',
        WIDTH,
        HEIGHT,
        _("The portfolio's value; the numbers are in the table below"),
        own.area,
        bitcoin.line if bitcoin else "",
        own.line,
    )


def _equity_line(
    points: Sequence[tuple[float, Any]], curve: Any, width: int, height: int
) -> drawing.Trend | None:
    low, high = float(curve.bottom), float(curve.top)
    return drawing.timeline(
        points,
        width=width,
        height=height,
        start=curve.points[0].at.timestamp(),
        end=curve.points[-1].at.timestamp(),
        bounds=(low, high) if high > low else (low - 1, high + 1),
        most_apart=curve.seconds * 2.5,
    )
