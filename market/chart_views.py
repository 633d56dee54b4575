"""Charts: one coin's candles and indicators as JSON, and the comparison of several coins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.limits import limited

from . import services as market
from .comparison import Comparison, compare
from .listing import LONGEST_QUERY, search
from .requests import is_partial

DEFAULT_RANGE = "7d"
#: More lines than this cannot be told apart.
MOST_COINS = 6
FIRST_COINS = 3  # shown to somebody who has not chosen yet


@require_safe
@limited("read")
def chart_data(request: HttpRequest, coin_id: str) -> JsonResponse:
    """Answer the candles of a range: [Unix seconds, open, high, low, close, volume], as strings.

    With `?indicators=sma20,rsi` also their lines, one number or null per candle.
    """
    coin = market.coin(coin_id=coin_id)
    if coin is None:
        return JsonResponse(
            {"error": _("There is no such coin."), "code": "unknown_coin"}, status=404
        )
    try:
        chart = market.chart(
            coin_id=coin_id,
            range_name=request.GET.get("range", DEFAULT_RANGE),
            indicators=request.GET.get("indicators", ""),
            now=timezone.now(),
        )
    except market.MarketRejected as refusal:
        return JsonResponse({"error": str(refusal), "code": refusal.code}, status=422)
    return JsonResponse(
        {
            "id": coin.id,
            "symbol": coin.symbol.upper(),
            "range": chart.range_name,
            "seconds": chart.seconds,
            "source": chart.source,
            "simulated": chart.is_simulated,
            "candles": [_row(candle) for candle in chart.candles],
            "lines": [
                {
                    "key": line.key,
                    "label": str(line.label),
                    "pane": line.pane,
                    "histogram": line.is_histogram,
                    "points": line.points,
                }
                for line in chart.lines
            ],
        }
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody asked to compare."""

    coins: list[Any]
    range_name: str
    added: str = ""  # what was typed into the search
    error: str = ""

    def without(self, coin: Any) -> str:
        """Return the query string of the choice without this coin."""
        return self._query([other.id for other in self.coins if other is not coin])

    def at(self, range_name: str) -> str:
        """Return the query string of the choice over another range."""
        return self._query([coin.id for coin in self.coins], range_name)

    def _query(self, coin_ids: Sequence[str], range_name: str = "") -> str:
        query = QueryDict(mutable=True)
        query.setlist("coins", coin_ids or [""])
        query["range"] = range_name or self.range_name
        return f"?{query.urlencode()}"

    @property
    def address(self) -> str:
        return self.at(self.range_name)

    @property
    def chips(self) -> list[tuple[Any, str]]:
        """Return each coin with the query string that takes it off."""
        return [(coin, self.without(coin)) for coin in self.coins]

    @property
    def is_full(self) -> bool:
        return len(self.coins) >= MOST_COINS


@require_safe
@limited("read")
@require(Permission.READ_MARKET)
@vary_on_headers("HX-Request")
def charts(request: HttpRequest) -> HttpResponse:
    """Compare some coins: each one's change since the range began."""
    coins = market.latest_quotes()
    choice = read_choice(request.GET, coins)
    address = f"{request.path}{choice.address}"
    if request.GET.get("add") and not choice.error and not is_partial(request):
        return redirect(address)
    now = timezone.now()
    comparison = compare(
        [
            (coin, market.chart(coin_id=coin.id, range_name=choice.range_name, now=now))
            for coin in choice.coins
        ]
    )
    context = {
        "choice": choice,
        "comparison": comparison,
        "compare_data": _compare_data(comparison),
        "all_coins": coins,
        "most": MOST_COINS,
        "is_asked": bool(request.GET),
    }
    if not is_partial(request):
        return render(request, "market/charts.html", context)
    response = render(request, "market/_comparison.html", context)
    response["HX-Push-Url"] = "false" if choice.error else address
    return response


def read_choice(query: QueryDict, coins: Sequence[Any]) -> Choice:
    """Read coins, range and what is to be added; ids that there are not are passed over."""
    range_name = query.get("range", DEFAULT_RANGE)
    if range_name not in market.CHART_RANGES:
        range_name = DEFAULT_RANGE
    by_id = {coin.id: coin for coin in coins}
    asked = dict.fromkeys(query.getlist("coins"))
    chosen = [by_id[coin_id] for coin_id in asked if coin_id in by_id]
    if not asked:
        chosen = list(coins[:FIRST_COINS])
    added = " ".join(query.get("add", "").replace("\0", "").split())[:LONGEST_QUERY]
    if added:
        found = _find(coins, added)
        if found is None:
            error = _("No coin matches “%(query)s”. Try its name or symbol.") % {"query": added}
            return Choice(chosen[:MOST_COINS], range_name, added, error)
        if found not in chosen:
            chosen.append(found)
    error = ""
    if len(chosen) > MOST_COINS or len(asked) > MOST_COINS:
        error = _("The first %(most)s are shown: more lines than that cannot be told apart.") % {
            "most": MOST_COINS
        }
    return Choice(chosen[:MOST_COINS], range_name, error=error)


def _find(coins: Sequence[Any], text: str) -> Any:
    """Return the coin that this names: "Solana (SOL)" as the list offers it, a symbol, a name."""
    for coin in coins:
        if text.casefold() == f"{coin.name} ({coin.symbol})".casefold():
            return coin
    found = search(coins, query=text)
    return found[0] if found else None


def _row(candle: Any) -> list[int | str | None]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [
        int(candle.start.astimezone(UTC).timestamp()),
        *(None if price is None else f"{price.normalize():f}" for price in prices),
    ]


def _compare_data(comparison: Comparison) -> dict[str, Any]:
    """Return what compare-chart.js draws."""
    return {
        "times": [int(at.timestamp()) for at in comparison.times],
        "lines": [
            {
                "symbol": line.coin.symbol.upper(),
                "points": [None if p is None else round(p, 4) for p in line.points],
            }
            for line in comparison.lines
        ],
    }
