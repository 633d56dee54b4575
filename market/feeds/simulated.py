"""Made-up prices of well-known coins, labelled as such wherever they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from market.catalogue import BY_ID, COINS, EXCHANGE_RATES, RANKS, STILL, CatalogueCoin
from market.quotes import Bar, Quote

from .base import Feed
from .noise import Path

DAY = 86400
LARGE = 1e8  # has eight digits before the point
SPARKLINE_STEP = 3 * 3600  # seconds; a week in 57 points
SAMPLES_PER_BAR = 6  # ten minutes of an hour, four hours of a day; divides each step
LONGEST_HISTORY = timedelta(days=1830)
WITH_THE_MARKET = 0.65  # how much of a coin's movement is the whole market's
OWN = math.sqrt(1 - WITH_THE_MARKET**2)
VOLUME_MOVE = 0.05  # of the logarithm of the volume, a day


class SimulatedFeed(Feed):
    """Prices that are a pure function of seed, coin and time (see `market.feeds.noise`).

    They need no network and no state: quotes, history, changes and sparklines all read the same
    function, and a restart continues where the price would have been.
    """

    is_real = False

    def __init__(self, *, name: str = "simulated", seed: int = 1, interval: float = 2.0) -> None:
        """`interval` is in seconds."""
        self.name = name
        self._interval = timedelta(seconds=max(0.1, interval))
        market = Path(seed, "the market")
        self._market = lru_cache(maxsize=4096)(market.at)
        self._market_along = lru_cache(maxsize=3)(market.along)  # all coins ask for the same span
        self._paths = {coin.id: Path(seed, coin.id) for coin in COINS}
        self._volumes = {coin.id: Path(seed, f"volume of {coin.id}") for coin in COINS}
        self._old_price = lru_cache(maxsize=32_768)(self._price)

    def interval(self, *, now: datetime) -> timedelta:  # noqa: ARG002 (part of the contract)
        return self._interval

    def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
        wanted = [BY_ID[i] for i in dict.fromkeys(coin_ids) if i in BY_ID] if coin_ids else COINS
        return [self._quote(coin, now) for coin in wanted]

    def _quote(self, coin: CatalogueCoin, now: datetime) -> Quote:
        stamp = now.timestamp()
        value = self._price(coin.id, stamp)
        price = _decimal(value)
        traded = self._traded(coin, stamp)
        return Quote(
            coin_id=coin.id,
            price=price,
            price_at=now,
            source=self.name,
            symbol=coin.symbol,
            name=coin.name,
            rank=RANKS[coin.id],
            change_24h=_percent(value, self._price(coin.id, stamp - DAY)),
            change_7d=_percent(value, self._price(coin.id, stamp - 7 * DAY)),
            market_cap=(price * coin.supply).quantize(Decimal("0.01")),
            volume_24h=_decimal(traded * value).quantize(Decimal("0.01")),
            sparkline=self._sparkline(coin.id, stamp, value),
            volume=_decimal(traded * self._interval.total_seconds() / DAY),
        )

    def history(self, coin_id: str, *, start: datetime, end: datetime) -> list[Bar]:
        """Five-minute bars for a day, hourly ones up to 90 days, else daily ones.

        The last bar ends at `end` where that lies inside it.
        """
        if coin_id not in BY_ID:
            return []
        first = max(start, end - LONGEST_HISTORY).timestamp()
        last = end.timestamp()
        step = _step(last - first)
        starts = range(math.ceil(first / step) * step, math.ceil(last), step)
        pace = step // SAMPLES_PER_BAR
        stamps = [float(at + i * pace) for at in starts for i in range(SAMPLES_PER_BAR)]
        stamps = [*(at for at in stamps if at < last), last]
        path = self._prices(coin_id, tuple(stamps))
        return [
            self._bar(BY_ID[coin_id], at, path[i * SAMPLES_PER_BAR :][: SAMPLES_PER_BAR + 1], step)
            for i, at in enumerate(starts)
        ]

    def _bar(self, coin: CatalogueCoin, start: int, path: Sequence[float], step: int) -> Bar:
        """Make a bar of the prices from its start to its end, the next bar's first one."""
        lasts = step * (len(path) - 1) / SAMPLES_PER_BAR
        return Bar(
            coin_id=coin.id,
            start=datetime.fromtimestamp(start, tz=UTC),
            open=_decimal(path[0]),
            high=_decimal(max(path)),
            low=_decimal(min(path)),
            close=_decimal(path[-1]),
            volume=_decimal(self._traded(coin, start) * lasts / DAY),
            step=timedelta(seconds=step),
        )

    def exchange_rates(self, currencies: Sequence[str], *, now: datetime) -> dict[str, Decimal]:  # noqa: ARG002 (part of the contract)
        return {code: EXCHANGE_RATES[code] for code in currencies if code in EXCHANGE_RATES}

    def search(self, query: str, *, now: datetime) -> list[tuple[str, str, str]]:  # noqa: ARG002 (part of the contract)
        words = query.strip().casefold()
        found = [
            coin
            for coin in COINS
            if words and any(words in part.casefold() for part in (coin.id, coin.symbol, coin.name))
        ]
        found.sort(
            key=lambda coin: (coin.symbol != words, not coin.name.casefold().startswith(words))
        )
        return [(coin.id, coin.symbol, coin.name) for coin in found]

    def _price(self, coin_id: str, stamp: float) -> float:
        coin = BY_ID[coin_id]
        path = self._paths[coin_id].at(stamp)
        if coin.daily_move > STILL:  # a pegged coin does not follow the market
            path = WITH_THE_MARKET * self._market(stamp) + OWN * path
        return float(coin.price) * math.exp(coin.daily_move * path)

    def _prices(self, coin_id: str, stamps: tuple[float, ...]) -> list[float]:
        """Return what `_price` does, for many moments in their order."""
        coin = BY_ID[coin_id]
        heights = self._paths[coin_id].along(stamps)
        if coin.daily_move > STILL:
            both = zip(self._market_along(stamps), heights, strict=True)
            heights = [WITH_THE_MARKET * market + OWN * own for market, own in both]
        base, move = float(coin.price), coin.daily_move
        return [base * math.exp(move * height) for height in heights]

    def _traded(self, coin: CatalogueCoin, stamp: float) -> float:
        """Return how many coins change hands in a day, as of this moment."""
        activity = math.exp(VOLUME_MOVE * self._volumes[coin.id].at(stamp))
        return float(coin.supply) * coin.turnover * activity

    def _sparkline(self, coin_id: str, stamp: float, price: float) -> list[float]:
        """Return the last week on a fixed grid, so that all but the last point can be kept."""
        newest = int(stamp // SPARKLINE_STEP) * SPARKLINE_STEP
        steps = range(newest - 7 * DAY + SPARKLINE_STEP, newest + 1, SPARKLINE_STEP)
        points = [self._old_price(coin_id, float(at)) for at in steps]
        return [float(f"{point:.6g}") for point in (*points, price)]


def _step(seconds: float) -> int:
    if seconds <= DAY:
        return 300
    return 3600 if seconds <= 90 * DAY else DAY


def _decimal(value: float) -> Decimal:
    """Return a figure with the eight digits that a made-up one deserves, or all of an integer."""
    return Decimal(f"{value:.8g}") if value < LARGE else Decimal(round(value))


def _percent(new: float, old: float) -> Decimal:
    return Decimal(f"{(new / old - 1) * 100:.4f}")
