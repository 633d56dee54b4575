"""The analysis page: some coins against each other over a month, a quarter or a year of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.figures import DASH, MINUS
from cryptopulse.limits import limited
from market import measures
from market import services as market
from market.comparison import Line
from market.measures import Days, Drawdown
from market.screening import Row

from .context import shell_of
from .falls import falls
from .signals import Signals, read_signals

PERIODS = (measures.MONTH, measures.QUARTER, measures.YEAR)
MOST_COINS = 12
DEFAULT_COINS = 8
MOST_LINES = 6
OFFERED = 16  # coins that are offered as buttons; the others are in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A cell of the correlation table: what it says, and in which of nine tints."""

    value: float | None
    is_self: bool = False

    @property
    def text(self) -> str:
        """Return the value with a real minus and two decimals."""
        if self.value is None:
            return DASH
        return f"{round(self.value, 2) + 0.0:.2f}".replace("-", MINUS)

    @property
    def tint(self) -> str:
        """Return the CSS class of the tint; a missing value has none."""
        if self.is_self:
            return "heat-self"
        if self.value is None:
            return ""
        step = round(abs(self.value) * 4)
        return f"heat-{'n' if self.value < 0 else 'p'}{step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the coins that are compared, with all that the page says about it."""

    row: Row
    days: Days
    volatility: float | None  # of the period
    drawdown: Drawdown | None  # of the period
    first: tuple[date, float] | None  # the first stored day and its close
    signals: Signals

    @property
    def coin(self) -> Any:
        return self.row.coin

    @property
    def returns(self) -> list[Any]:
        """Return the changes in percent over 24 h, 7 d, 30 d, 90 d, a year, all there is."""
        since = [self.row.change_since(days) for days in PERIODS]
        return [self.coin.change_24h, self.coin.change_7d, *since, self.since_first]

    @property
    def averages(self) -> list[tuple[int, str, float | None]]:
        """Return each average's days, its word, and how far the price is away in percent."""
        words = (self.signals.average_20, self.signals.average_50, self.signals.average_200)
        return [
            (days, word, self.row.above_average(days))
            for days, word in zip(measures.AVERAGE_DAYS, words, strict=True)
        ]

    @property
    def since_first(self) -> float | None:
        if self.first is None or self.row.price is None:
            return None
        return (self.row.price / self.first[1] - 1) * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What was asked for and what was found."""

    now: datetime
    period: int
    asked: list[str]
    chosen: list[Any]
    parts: list[Part]  # of the chosen coins, those with complete days
    lacking: list[Any]  # the others
    offered: list[Any]
    others: list[Any]
    matrix: list[tuple[Any, list[Pair]]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    falls: list[Line] = field(default_factory=list)

    @property
    def is_too_many(self) -> bool:
        return len(self.asked) > MOST_COINS

    @property
    def query(self) -> str:
        """Return the page's address again, for its links."""
        chosen = [("coins", coin.id) for coin in self.chosen] if self.asked else []
        return urlencode([("days", self.period), *chosen])

    @property
    def options(self) -> SafeString:
        """Return the other coins as options: hundreds, which a template's loop is slow for."""
        return format_html_join(
            "",
            '<option value="{}">{} ({})</option>',
            ((coin.id, coin.name, coin.symbol.upper()) for coin in self.others),
        )

    @property
    def last_day(self) -> date | None:
        return max((part.days.last for part in self.parts), default=None)

    @property
    def first_drawn(self) -> date | None:
        """Return the first day of the lines' common grid."""
        length = max((len(line.points) for line in self.lines), default=0)
        return market.analysis_day(self.now) - timedelta(days=length) if length else None

    @property
    def last_drawn(self) -> date:
        return market.analysis_day(self.now) - timedelta(days=1)

    @property
    def is_behind(self) -> bool:
        """Tell whether yesterday's close is missing everywhere."""
        yesterday = market.analysis_day(self.now) - timedelta(days=1)
        return self.last_day is not None and self.last_day < yesterday


@require_safe
@require(Permission.ANALYSE_MARKET)
@limited("read")
def analysis(request: HttpRequest) -> HttpResponse:
    """Compare up to twelve coins: correlation, returns, risk, indicators, volume."""
    context = {
        "analysis": analyse(request),
        "periods": PERIODS,
        "most": MOST_COINS,
        "most_lines": MOST_LINES,
        "fewest": measures.FEWEST_RETURNS,
    }
    return render(request, "portals/analysis.html", context)


def analyse(request: HttpRequest, *, coins: Sequence[Any] | None = None) -> Analysis:
    """Read the address and work out what it asks for; what makes no sense has its default.

    `coins` are all tracked ones where the caller has read them.
    """
    now = timezone.now()
    asked = list(dict.fromkeys(coin for coin in request.GET.getlist("coins") if coin))
    days = request.GET.get("days", "")
    period = next((one for one in PERIODS if str(one) == days), measures.QUARTER)
    coins = read_coins(request) if coins is None else coins
    wanted = set(asked)
    chosen = [coin for coin in coins if coin.id in wanted][:MOST_COINS]
    chosen = chosen or list(coins[:DEFAULT_COINS])
    chosen_ids = [coin.id for coin in chosen]
    offered = [*coins[:OFFERED], *(coin for coin in chosen if coin not in coins[:OFFERED])]
    parts = _parts(chosen, period, now)
    known = {part.coin.id for part in parts}
    today = market.analysis_day(now)
    drawn = parts[:MOST_LINES]
    return Analysis(
        now=now,
        period=period,
        asked=asked,
        chosen=chosen,
        parts=parts,
        lacking=[coin for coin in chosen if coin.id not in known],
        offered=offered,
        others=[coin for coin in coins[OFFERED:] if coin.id not in chosen_ids],
        matrix=correlations(parts),
        lines=lines(drawn, period, today),
        falls=falls(drawn, grid_of(drawn, period, today)),
    )


def read_coins(request: HttpRequest) -> list[Any]:
    """Return the tracked coins by rank; the band of prices above the page shares them."""
    coins = market.latest_quotes()
    shell_of(request).take_tape(coins)
    return coins


def _parts(chosen: Sequence[Any], period: int, now: datetime) -> list[Part]:
    ids = [coin.id for coin in chosen]
    histories = market.daily(coin_ids=ids, now=now)
    firsts = market.first_closes(histories=histories, now=now)
    today = market.analysis_day(now)
    return [
        _part(row, histories[row.coin.id], firsts, period, today)
        for row in market.analysed(coins=chosen, now=now)
        if row.coin.id in histories
    ]


def _part(
    row: Row, year: Days, firsts: Mapping[str, tuple[date, float]], period: int, today: date
) -> Part:
    days = year.since(today - timedelta(days=period + 1))  # one more, for the first return
    return Part(
        row=row,
        days=days,
        volatility=measures.volatility(days, over=period),
        drawdown=measures.drawdown(days),
        first=firsts.get(row.coin.id),
        signals=read_signals(row),
    )


def correlations(parts: Sequence[Part]) -> list[tuple[Any, list[Pair]]]:
    """Return a row of pairs for each coin; each two are compared once."""
    known: dict[tuple[int, int], float | None] = {}
    for i, one in enumerate(parts):
        for j, other in enumerate(parts[:i]):
            known[i, j] = known[j, i] = measures.correlation(one.days, other.days)
    return [
        (
            one.coin,
            [
                Pair(value=1.0, is_self=True) if i == j else Pair(value=known[i, j])
                for j in range(len(parts))
            ],
        )
        for i, one in enumerate(parts)
    ]


def lines(parts: Sequence[Part], period: int, today: date) -> list[Line]:
    """Put the coins on one grid of days, each in percent since its first close of the period."""
    grid = grid_of(parts, period, today)
    return [Line(part.coin, _points(part.days, grid)) for part in parts]


def grid_of(parts: Sequence[Part], period: int, today: date) -> list[date]:
    """Return the period's days from the first on that any of the coins has a close of."""
    grid = [today - timedelta(days=back) for back in range(period + 1, 0, -1)]
    while grid and all(part.days.close_on(grid[0]) is None for part in parts):
        grid.pop(0)
    return grid


def _points(days: Days, grid: Sequence[date]) -> list[float | None]:
    closes = [days.close_on(day) for day in grid]
    base = next((close for close in closes if close), None)
    if base is None:
        return [None] * len(grid)
    return [None if close is None else (close / base - 1) * 100 for close in closes]
