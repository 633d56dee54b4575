"""Tags that draw the analyst's pictures: bars beside numbers, and several coins on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cryptopulse import drawing, figures

register = template.Library()

WIDTH, HEIGHT = 800, 300
FALL_WIDTH, FALL_HEIGHT = 300, 72
MOST_POINTS = 200
BAR_WIDTH, BAR_HEIGHT = 100, 6


@register.simple_tag
def length_bar(length: float, css: str = "") -> SafeString:
    """Draw a bar so many percent long; the number stands beside it."""
    return format_html(
        '<svg class="length-bar {0}" viewBox="0 0 {1} {2}" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect class="length-all" width="{1}" height="{2}"/>'
        '<rect class="length-part" width="{3}" height="{2}"/></svg>',
        css,
        BAR_WIDTH,
        BAR_HEIGHT,
        f"{max(0.0, min(length, 100.0)):.1f}",
    )


@register.simple_tag
def breadth_bar(parts: Sequence[tuple[str, float, float]]) -> SafeString:
    """Draw how many rose, stood and fell as parts of one bar; words beside it say it too."""
    return format_html(
        '<svg class="breadth-bar" viewBox="0 0 {} {}" preserveAspectRatio="none"'
        ' aria-hidden="true">{}</svg>',
        BAR_WIDTH,
        BAR_HEIGHT,
        format_html_join(
            "",
            '<rect class="is-{}" x="{}" width="{}" height="{}"/>',
            ((name, f"{x:.2f}", f"{max(width - 0.6, 0.4):.2f}", BAR_HEIGHT)
             for name, x, width in parts),
        ),
    )  # fmt: skip


@register.inclusion_tag("portals/_plot.html")
def plot_lines(
    lines: Sequence[Any], first: date | None = None, last: date | None = None
) -> dict[str, object]:
    """Draw lines (`points` in percent, None where there is none) on one scale with its ends."""
    known = [point for line in lines for point in line.points if point is not None]
    if not known:
        return {"drawn": []}
    bounds = (min(*known, 0.0), max(*known, 0.0))
    span = bounds[1] - bounds[0] or 1
    drawn = []
    for number, line in enumerate(lines, 1):
        points = drawing.thin(line.points, MOST_POINTS)
        path = drawing.trend(points, width=WIDTH, height=HEIGHT, bounds=bounds)
        if path is not None:
            drawn.append((number, path.line))
    return {
        "drawn": drawn,
        "width": WIDTH,
        "height": HEIGHT,
        "zero": f"{2 + (HEIGHT - 4) * (1 - (0 - bounds[0]) / span):.1f}",
        "high": signed(bounds[1]),
        "low": signed(bounds[0]),
        "first": first,
        "last": last,
    }


@register.inclusion_tag("portals/_falls.html")
def fall_plots(
    lines: Sequence[Any], first: date | None = None, last: date | None = None
) -> dict[str, object]:
    """Draw each line's falls (`points`, 0 or negative percent) by itself, all on one scale."""
    deepest = min((line.low for line in lines if line.low is not None), default=0.0)
    drawn = []
    for line in lines:
        depths = [None if point is None else -point for point in line.points]
        path = drawing.trend(
            drawing.thin(depths, MOST_POINTS),
            width=FALL_WIDTH,
            height=FALL_HEIGHT,
            bounds=(0.0, -deepest or 1.0),
        )
        if path is not None:
            ends = {"low": signed(line.low), "now": signed(line.change)}
            drawn.append({"coin": line.coin, "line": path.line, "area": path.area, **ends})
    return {
        "drawn": drawn,
        "deepest": signed(deepest),
        "width": FALL_WIDTH,
        "height": FALL_HEIGHT,
        "first": first,
        "last": last,
    }


@register.filter
def signed(value: float | None) -> str:
    """Write percent with its sign: +12.3%, -4.0%."""
    if value is None:
        return figures.DASH
    sign = figures.MINUS if value < 0 else "+" if value > 0 else ""
    return f"{sign}{figures.percent(value, places=1)}"


@register.filter
def whole_percent(value: float | None) -> str:
    """Write percent without decimals or sign."""
    return figures.percent(value, places=0)


@register.filter
def times(value: float | None) -> str:
    """Write a multiple: 1.24x."""
    return figures.DASH if value is None else f"{value:.2f}\N{MULTIPLICATION SIGN}"


@register.simple_tag
def unknown(row: Any, days: int) -> SafeString:
    """Write a dash, and why: how many complete days in a row it takes, and how many there are."""
    have = row.figures.run if row.figures else 0
    why = _("Needs %(days)d days in a row; there are %(have)d.") % {"days": days, "have": have}
    return format_html(
        '<span class="muted" title="{0}">{1}<span class="sr-only"> {0}</span></span>',
        why,
        figures.DASH,
    )
