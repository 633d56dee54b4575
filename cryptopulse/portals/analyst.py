"""The analyst's portal: what the market does today, this week, this month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited
from market import services as market
from market.measures import MONTH
from market.screening import VALUES, Row

from .context import shell_of

#: Rows of each list.
LISTED = 6
DOMINANT = 3
WEEK = 7
BAR = 100  # the length of a bar in its drawing


@dataclass(frozen=True, slots=True)
class Span:
    """One of the times that the portal looks back over."""

    key: str
    label: str | Promise
    words: str | Promise  # as it stands in a sentence
    change: Callable[[Row], Any]


SPANS = {
    span.key: span
    for span in (
        Span("24h", _("24 h"), _("24 hours"), VALUES["change_24h"]),
        Span("7d", _("7 d"), _("7 days"), VALUES["change_7d"]),
        Span("30d", _("30 d"), _("30 days"), VALUES["change_30d"]),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadth:
    """How many coins rose and fell."""

    up: int
    down: int
    flat: int
    unknown: int

    @property
    def total(self) -> int:
        """Return how many coins were counted."""
        return self.known + self.unknown

    @property
    def known(self) -> int:
        return self.up + self.down + self.flat

    @property
    def up_share(self) -> float | None:
        """Return the share of rising coins in percent."""
        return self.up / self.known * 100 if self.known else None

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """Return the parts of a bar BAR long: direction, where it begins, how long it is."""
        parts, begin = [], 0.0
        for name, count in (("up", self.up), ("flat", self.flat), ("down", self.down)):
            length = count / self.known * BAR if self.known else 0.0
            if count:
                parts.append((name, begin, length))
            begin += length
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A coin with its part of a whole in percent."""

    coin: Any
    share: float


@dataclass(frozen=True, slots=True)
class Move:
    """A coin with its change in percent over the span."""

    coin: Any
    change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Who rose and who fell most."""

    gainers: list[Move]
    losers: list[Move]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row with its value, and the length of its bar beside the largest."""

    row: Row
    value: float
    length: float

    @property
    def month(self) -> float | None:
        return self.row.change_30d


@require_safe
@require(Permission.USE_ANALYST_PORTAL)
@limited("read")
def analyst_portal(request: HttpRequest) -> HttpResponse:
    """Show the state of the market: breadth, dominance, movers, volatility."""
    now = timezone.now()
    span = SPANS.get(request.GET.get("range", ""), SPANS["24h"])
    coins = market.latest_quotes()
    shell_of(request).take_tape(coins)
    rows = market.analysed(coins=coins, now=now)
    traded = sorted(
        (row for row in rows if row.coin.volume_24h), key=lambda row: -row.coin.volume_24h
    )
    context = {
        "now": now,
        "span": span,
        "spans": SPANS.values(),
        "summary": market.market_summary(coins=coins, now=now),
        "breadth": breadth(rows, span),
        "dominance": dominance(coins),
        "moves": moves(rows, span),
        "traded": traded[:LISTED],
        "volatile": volatile(rows),
        "cap_change": cap_change(rows, span),
        "cap_line": cap_line(rows, span),
        "has_days": any(row.figures for row in rows),
    }
    return render(request, "portals/analyst.html", context)


def breadth(rows: Sequence[Row], span: Span) -> Breadth:
    """Count the coins by their direction over the span."""
    changes = [change for row in rows if (change := span.change(row)) is not None]
    return Breadth(
        up=sum(change > 0 for change in changes),
        down=sum(change < 0 for change in changes),
        flat=sum(change == 0 for change in changes),
        unknown=len(rows) - len(changes),
    )


def dominance(coins: Sequence[Any], *, limit: int = DOMINANT) -> list[Share]:
    """Return the coins with the largest shares of the whole market value."""
    valued = [coin for coin in coins if coin.market_cap]
    whole = sum(coin.market_cap for coin in valued)
    largest = sorted(valued, key=lambda coin: -coin.market_cap)[:limit]
    return [Share(coin=coin, share=float(coin.market_cap / whole * 100)) for coin in largest]


def moves(rows: Sequence[Row], span: Span, *, limit: int = LISTED) -> Moves:
    """Return the coins that rose and fell most over the span, the furthest first."""
    changed = [Move(row.coin, float(change)) for row in rows if (change := span.change(row))]
    changed.sort(key=lambda move: (move.change, move.coin.pk))
    return Moves(
        gainers=[move for move in reversed(changed) if move.change > 0][:limit],
        losers=[move for move in changed if move.change < 0][:limit],
    )


def volatile(rows: Sequence[Row], *, limit: int = LISTED) -> list[Ranked]:
    """Return the coins whose price varied most in the last month of complete days."""
    known = [
        (row.figures.volatility, row)
        for row in rows
        if row.figures is not None and row.figures.volatility is not None
    ]
    known.sort(key=lambda pair: (-pair[0], pair[1].coin.pk))
    most = known[0][0] if known else 0
    return [Ranked(row, value, value / most * BAR if most else 0.0) for value, row in known[:limit]]


def cap_change(rows: Sequence[Row], span: Span) -> float | None:
    """Return the change of the whole capitalisation in percent, of the coins that have both ends.

    It takes each coin's supply as it is now: the change is that of prices.
    """
    after = before = 0.0
    for row in rows:
        change = span.change(row)
        if row.coin.market_cap and change is not None and change > -100:  # noqa: PLR2004 (percent)
            cap = float(row.coin.market_cap)
            after += cap
            before += cap / (1 + float(change) / 100)
    return (after / before - 1) * 100 if before else None


def cap_line(rows: Sequence[Row], span: Span) -> list[float]:
    """Return the capitalisation over the span at today's supplies, of the coins known throughout.

    From the trend of seven days that each coin has, its last day for 24 hours; from closes of
    complete days for a month.
    """
    total: list[float] = []
    for row in rows:
        points = _month(row) if span.key == "30d" else _week(row)
        if not row.coin.market_cap or not points or (total and len(points) != len(total)):
            continue
        worth = float(row.coin.market_cap) / points[-1]
        total = [a + b * worth for a, b in zip(total or [0.0] * len(points), points, strict=True)]
    if span.key == "24h" and total:
        total = total[-max(2, -(-len(total) // WEEK)) :]
    return total


def _month(row: Row) -> list[float]:
    closes = row.figures.month if row.figures else ()
    known = [close for close in closes if close is not None]
    return [*known, row.price] if len(known) == MONTH and row.price else []


def _week(row: Row) -> list[float]:
    points = row.coin.sparkline or []
    return [float(point) for point in points] if points and points[-1] else []
