"""The analyst's pages: what the market does today, and what its days say together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from accounts.services import require
from cryptopulse.figures import DASH, MINUS
from market import services as market

from . import measures

#: Coins in the tables; each costs one indexed query for its daily candles.
COINS_COMPARED = 8
MONTH = 30
QUARTER = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadth:
    """How many coins rose and fell in 24 hours."""

    up: int
    down: int
    flat: int
    unknown: int

    @property
    def total(self) -> int:
        """Return how many coins were counted."""
        return self.up + self.down + self.flat + self.unknown

    @property
    def up_share(self) -> float | None:
        """Return the share of rising coins in percent."""
        known = self.up + self.down + self.flat
        return self.up / known * 100 if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominance:
    """A coin's share of the value of all tracked coins, in percent."""

    coin: Any
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinMonth:
    """What the daily closes of one coin say."""

    coin: Any
    days: int
    change: float | None
    volatility: float | None
    drawdown: measures.Drawdown | None
    strength: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A cell of the correlation table: what it says, and in which of nine tints."""

    value: float | None

    @property
    def text(self) -> str:
        """Return the value with a real minus and two decimals."""
        if self.value is None:
            return DASH
        return f"{round(self.value, 2) + 0.0:.2f}".replace("-", MINUS)

    @property
    def tint(self) -> str:
        """Return the CSS class of the tint; a missing value has none."""
        if self.value is None:
            return ""
        step = round(abs(self.value) * 4)
        return f"heat-{'n' if self.value < 0 else 'p'}{step}"


@require_safe
@require(Permission.USE_ANALYST_PORTAL)
def analyst_portal(request: HttpRequest) -> HttpResponse:
    """Show the state of the market: breadth, dominance, movers, the month."""
    now = timezone.now()
    coins = market.latest_quotes()
    context = {
        "now": now,
        "summary": market.market_summary(coins=coins),
        "breadth": breadth(coins),
        "dominance": dominance(coins),
        "movers": market.movers(limit=5, coins=coins),
        "months": months(coins[:COINS_COMPARED], now=now, days=MONTH),
        "month": MONTH,
    }
    return render(request, "portals/analyst.html", context)


@require_safe
@require(Permission.ANALYSE_MARKET)
def analysis(request: HttpRequest) -> HttpResponse:
    """Compare the largest coins over a quarter of daily closes."""
    now = timezone.now()
    coins = market.latest_quotes()[:COINS_COMPARED]
    histories = {coin.id: closes(coin.id, now=now, days=QUARTER) for coin in coins}
    known = [coin for coin in coins if len(histories[coin.id]) > 1]
    context = {
        "now": now,
        "quarter": QUARTER,
        "fewest": measures.FEWEST_RETURNS,
        "coins": known,
        "rows": [
            (coin, [_pair(histories[coin.id], histories[other.id]) for other in known])
            for coin in known
        ],
        "months": [_month(coin, histories[coin.id], days=QUARTER) for coin in known],
    }
    return render(request, "portals/analysis.html", context)


def breadth(coins: list[Any]) -> Breadth:
    """Count the coins by the direction of their last 24 hours."""
    changes = [coin.change_24h for coin in coins if coin.change_24h is not None]
    return Breadth(
        up=sum(change > 0 for change in changes),
        down=sum(change < 0 for change in changes),
        flat=sum(change == 0 for change in changes),
        unknown=len(coins) - len(changes),
    )


def dominance(coins: list[Any], *, limit: int = 3) -> list[Dominance]:
    """Return the coins with the largest shares of the whole market value."""
    valued = [coin for coin in coins if coin.market_cap]
    whole = sum(coin.market_cap for coin in valued)
    largest = sorted(valued, key=lambda coin: -coin.market_cap)[:limit]
    return [Dominance(coin=coin, share=float(coin.market_cap / whole * 100)) for coin in largest]


def closes(coin_id: str, *, now: datetime, days: int) -> dict[date, Decimal]:
    """Return a coin's daily closes of the last days by UTC day; days without one are missing."""
    candles = market.candles(
        coin_id=coin_id, resolution="1d", start=now - timedelta(days=days), end=now
    )
    return {candle.start.date(): candle.close for candle in candles}


def months(coins: list[Any], *, now: datetime, days: int) -> list[CoinMonth]:
    """Return a row for each coin that has history."""
    found = [(coin, closes(coin.id, now=now, days=days + 1)) for coin in coins]
    return [_month(coin, history, days=days) for coin, history in found if len(history) > 1]


def _month(coin: Any, history: measures.Closes, *, days: int) -> CoinMonth:
    return CoinMonth(
        coin=coin,
        days=len(history),
        change=measures.change_over(history, days=min(days, MONTH)),
        volatility=measures.volatility(history),
        drawdown=measures.drawdown(history),
        strength=measures.relative_strength(history),
    )


def _pair(one: measures.Closes, other: measures.Closes) -> Pair:
    return Pair(value=measures.correlation(one, other))
