"""Tables of the analyst's pages as CSV files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.csv_export import csv_response
from cryptopulse.limits import limited
from market import services as market
from market.screening import VALUES, Row, sort_rows

from .analysis import Analysis, analyse
from .analyst import SPANS, dominance, moves

#: What the last columns of every table say: a made-up number is labelled in files too.
ORIGIN = ("price_at", "source", "simulated")
#: The column heads of a file are fixed names, so that scripts find them in every language.
COIN = ("id", "name", "symbol")
SCREENED = (
    "rank", "price", "change_24h", "change_7d", "change_30d", "market_cap", "volume_24h",
    "volatility", "rsi", "below_high", "above_50", "above_200",
)  # fmt: skip

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


@require_safe
@require(Permission.ANALYSE_MARKET)
@limited("read")
def analysis_csv(request: HttpRequest, table: str) -> HttpResponseBase:
    """Answer one table of the analysis or of the analyst's portal; 404 for one there is not."""
    today = market.analysis_day(timezone.now())
    if table in OF_ANALYSIS:
        header, rows = OF_ANALYSIS[table](analyse(request))
    elif table in OF_MARKET:
        header, rows = OF_MARKET[table](request)
    else:
        raise Http404("There is no such table.")
    return csv_response(f"{table}-{today}.csv", header, rows)


def origin(coin: Any) -> list[Any]:
    """Return where a coin's numbers come from, for the columns ORIGIN."""
    return [coin.price_at, coin.source, "yes" if coin.is_simulated else "no"]


def named(coin: Any) -> list[str]:
    return [coin.id, coin.name, coin.symbol.upper()]


def number(value: Any, places: int = 4) -> Any:
    """Round a ratio: more digits than these say nothing. A Decimal stays exact."""
    return value if value is None or isinstance(value, Decimal) else round(value, places)


def figures_table(rows: Iterable[Row]) -> Table:
    """Return rows of the market with the figures that the screener shows."""
    header = [*COIN, *SCREENED, "last_complete_day", *ORIGIN]
    return header, (
        [
            *named(row.coin),
            *(number(VALUES[key](row)) for key in SCREENED),
            row.figures.last if row.figures else None,
            *origin(row.coin),
        ]
        for row in rows
    )


# --- Of the analysis page --------------------------------------------------------------------


def _correlation(analysis: Analysis) -> Table:
    ids = [coin.id for coin, _ in analysis.matrix]
    header = [*COIN, *ids, "days", "last_complete_day", *ORIGIN]
    return header, (
        [*named(coin), *(number(pair.value) for pair in pairs), analysis.period,
         analysis.last_day, *origin(coin)]
        for coin, pairs in analysis.matrix
    )  # fmt: skip


def _comparison(analysis: Analysis) -> Table:
    """One row per day: the percent of each coin since the period began."""
    lines = analysis.lines
    length = max((len(line.points) for line in lines), default=0)
    first = market.analysis_day(analysis.now) - timedelta(days=length)
    is_simulated = any(line.coin.is_simulated for line in lines)
    sources = ", ".join(sorted({line.coin.source for line in lines}))
    header = ["day", *(line.coin.id for line in lines), "source", "simulated"]
    return header, (
        [first + timedelta(days=index), *(number(line.points[index]) for line in lines),
         sources, "yes" if is_simulated else "no"]
        for index in range(length)
    )  # fmt: skip


def _returns(analysis: Analysis) -> Table:
    spans = ("change_24h", "change_7d", "change_30d", "change_90d", "change_1y", "since_first_day")
    header = [*COIN, "price", *spans, "first_day", *ORIGIN]
    return header, (
        [*named(part.coin), part.coin.last_price, *(number(value) for value in part.returns),
         part.first[0] if part.first else None, *origin(part.coin)]
        for part in analysis.parts
    )  # fmt: skip


def _risk(analysis: Analysis) -> Table:
    header = [*COIN, "volatility", "deepest_fall", "peak_day", "bottom_day", "below_high",
              "closes", "days", *ORIGIN]  # fmt: skip
    return header, (
        [*named(part.coin), number(part.volatility),
         *((number(fall.deepest), fall.peak_day, fall.trough_day) if (fall := part.drawdown)
           else (None, None, None)),
         number(part.row.below_high), part.days.known, analysis.period, *origin(part.coin)]
        for part in analysis.parts
    )  # fmt: skip


def _indicators(analysis: Analysis) -> Table:
    header = [*COIN, "price", "rsi_14", "macd", "macd_signal", "average_20", "average_50",
              "average_200", "band_lower", "band_upper", "last_complete_day", *ORIGIN]  # fmt: skip
    rows = ((part.coin, part.row.figures) for part in analysis.parts)
    return header, (
        [*named(coin), coin.last_price, number(known.rsi), known.macd, known.macd_signal,
         *(known.averages.get(days) for days in (20, 50, 200)), known.band_lower,
         known.band_upper, known.last, *origin(coin)]
        for coin, known in rows if known is not None
    )  # fmt: skip


def _volume(analysis: Analysis) -> Table:
    header = [*COIN, "volume_24h", "percent_of_market_cap", "last_complete_day_volume",
              "average_30_days", "against_average", *ORIGIN]  # fmt: skip
    return header, (
        [*named(part.coin), part.coin.volume_24h, number(part.row.turnover),
         *((number(known.volume, 2), number(known.volume_mean, 2)) if (known := part.row.figures)
           else (None, None)),
         number(part.row.volume_ratio), *origin(part.coin)]
        for part in analysis.parts
    )  # fmt: skip


OF_ANALYSIS: dict[str, Callable[[Analysis], Table]] = {
    "correlation": _correlation,
    "comparison": _comparison,
    "returns": _returns,
    "risk": _risk,
    "indicators": _indicators,
    "volume": _volume,
}


# --- Of the portal: the whole market, in the order of the card ---------------------------------


def _rows() -> list[Row]:
    return market.analysed(coins=market.latest_quotes(), now=timezone.now())


def _moved(request: HttpRequest, which: str) -> Table:
    span = SPANS.get(request.GET.get("range", ""), SPANS["24h"])
    rows = _rows()
    found = getattr(moves(rows, span, limit=len(rows)), which)
    header = [*COIN, "price", "change", "over", *ORIGIN]
    return header, (
        [*named(move.coin), move.coin.last_price, number(move.change), span.key,
         *origin(move.coin)]
        for move in found
    )  # fmt: skip


def _dominance() -> Table:
    coins = market.latest_quotes()
    return [*COIN, "market_cap", "share_percent", *ORIGIN], (
        [*named(part.coin), part.coin.market_cap, number(part.share), *origin(part.coin)]
        for part in dominance(coins, limit=len(coins))
    )


OF_MARKET: dict[str, Callable[[HttpRequest], Table]] = {
    "gainers": lambda request: _moved(request, "gainers"),
    "losers": lambda request: _moved(request, "losers"),
    "traded": lambda _: figures_table(sort_rows(_rows(), "-volume_24h")),
    "volatility": lambda _: figures_table(sort_rows(_rows(), "-volatility")),
    "dominance": lambda _: _dominance(),
}
