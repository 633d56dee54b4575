"""What portfolios were worth: stored hour by hour, and read as a curve."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db.models import QuerySet

from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import expires_by_itself, reading_all
from market import services as market
from portfolio.equity import (
    DAY,
    HOUR,
    Books,
    KnownPrices,
    Step,
    is_midnight,
    missing_moments,
    value_of,
    walk_back,
)
from portfolio.ledger import Position
from portfolio.models import EquityPoint, Portfolio, Span, State, Transaction

from .books import read_books

logger = logging.getLogger(__name__)

HOURS_KEPT = timedelta(days=90)
#: A trade that was asked for before the hour may commit after it; by then it has, or never will.
SETTLED_AFTER = timedelta(minutes=2)
#: How far back a last known price is looked for among hours and among days.
HOURS_BACK, DAYS_BACK = timedelta(hours=26), timedelta(days=35)
PAGE = 1000


class _Prices(KnownPrices):
    """Closes of candles, read once for all portfolios of a run."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until
        self._since: dict[str, datetime] = {}

    def load(self, coin_ids: Collection[str], since: datetime) -> None:
        """Read what is known of these coins from this moment on, and shortly before it."""
        missing = {one for one in coin_ids if self._since.get(one, self.until) > since}
        for coin_id in missing:
            self._candles(coin_id, Span.HOUR, since - HOURS_BACK, HOUR)
            self._candles(coin_id, Span.DAY, since - DAYS_BACK, DAY)
            self._since[coin_id] = since
        for coin in market.latest_quotes(coin_ids=missing) if missing else ():
            if coin.last_price is not None and coin.price_at is not None:
                self.learn(coin.pk, coin.price_at, coin.last_price)

    def _candles(self, coin_id: str, span: str, start: datetime, length: timedelta) -> None:
        for candle in market.candles(coin_id=coin_id, resolution=span, start=start, end=self.until):
            self.learn(coin_id, candle.start + length, candle.close)


def record_equity(*, now: datetime) -> int:
    """Store what is missing of every portfolio's values; return how many were stored.

    Can be stopped at any moment and run again, also by two at once: a value's key names its
    moment, and after days without a server the gap is filled from the candles.
    """
    prices, stored = _Prices(until=now - SETTLED_AFTER), 0
    with reading_all("every portfolio has a value at every hour"):
        keys = list(Portfolio.objects.order_by("pk").values_list("pk", flat=True))
    for key in keys:
        try:
            stored += fill_equity(portfolio_id=key, now=now, prices=prices)
        except Exception:
            logger.exception("the values of portfolio %s are not stored; the next run will", key)
    _delete_expired(now=now)
    return stored


def fill_equity(*, portfolio_id: uuid.UUID, now: datetime, prices: _Prices | None = None) -> int:
    """Store the values that one portfolio lacks, and return how many those were.

    Nothing is stored where the transactions do not lead from the last stored value to what the
    portfolio holds now: some are not to be seen yet, and the next run finds them.
    """
    found = read_books(portfolio_id)
    if found is None or found[0].state == State.IMPORTING:
        return 0
    portfolio, positions = found
    prices = prices or _Prices(until=now - SETTLED_AFTER)
    last = _last_point(portfolio)
    steps = _steps(portfolio, since=last.at if last else None)
    begin = min([portfolio.start, *(step.at for step in steps[-1:])])
    moments = missing_moments(
        begin=begin, last=last.at if last else None, until=prices.until, hours_for=HOURS_KEPT
    )
    if not moments:
        return 0
    held = {
        coin_id: Position(quantity=quantity, cost=cost)
        for coin_id, (quantity, cost) in positions.items()
    }
    present = Books(at=now, cash=portfolio.cash, held=held)
    books, before = walk_back(present, steps, reversed(moments))
    if before.cash != (last.cash if last else portfolio.paid_in) or (before.held and not last):
        logger.warning("the transactions of portfolio %s do not explain what it holds", portfolio)
        return 0
    prices.load({*held, *(step.coin_id for step in steps)}, moments[0])
    return _store(portfolio, [*reversed(books)], _with_trades(prices, steps))


def current_transactions(portfolio: Portfolio) -> QuerySet[Transaction]:
    """Return the transactions of what the portfolio holds now: none from before a reset."""
    rows = Transaction.objects.filter(portfolio=portfolio)
    return rows.filter(executed_at__gte=portfolio.started_at) if portfolio.started_at else rows


def _steps(portfolio: Portfolio, *, since: datetime | None) -> list[Step]:
    rows = current_transactions(portfolio)
    if since is not None:
        rows = rows.filter(executed_at__gt=since)
    columns = ("executed_at", "coin_id", "side", "quantity", "price", "amount", "realised_profit")
    return [
        Step(
            at=at, coin_id=coin_id, side=side, quantity=quantity, price=price, amount=amount,
            realised=realised,
        )
        for at, coin_id, side, quantity, price, amount, realised in rows.order_by(
            "-executed_at", "-id"
        ).values_list(*columns)
    ]  # fmt: skip


def _with_trades(prices: KnownPrices, steps: list[Step]) -> KnownPrices:
    """Let what was paid stand in where there was no candle, for this portfolio only."""
    own = KnownPrices(base=prices)
    for step in steps:
        own.learn(step.coin_id, step.at, step.price)
    return own


def _last_point(portfolio: Portfolio) -> EquityPoint | None:
    for span in (Span.HOUR, Span.DAY):
        rows = EquityPoint.objects.filter(portfolio=portfolio, span=span)
        if portfolio.started_at:
            rows = rows.filter(at__gt=portfolio.started_at)
        if (last := rows.order_by("-at").first()) is not None:
            return last
    return None


def _store(portfolio: Portfolio, books: list[Books], prices: KnownPrices) -> int:
    """Write values, oldest first, so that what is there after a crash has no gap."""
    hours_begin = books[-1].at - HOURS_KEPT
    rows: list[EquityPoint] = []
    for one in books:
        value = value_of(one, prices)
        # The day before the hour: where the hour is stored, the day is.
        if is_midnight(one.at):
            rows.append(_point(portfolio, Span.DAY, one, value))
        if one.at >= hours_begin:
            rows.append(_point(portfolio, Span.HOUR, one, value))
    for chunk in in_chunks(rows, actions_per_item=1):
        run_atomic(
            partial(
                EquityPoint.objects.bulk_create,
                chunk,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["value", "cash"],
            )
        )
    return len(rows)


def _point(portfolio: Portfolio, span: Span, books: Books, value: Decimal) -> EquityPoint:
    return EquityPoint(
        id=EquityPoint.key(portfolio.pk, span, books.at),
        portfolio=portfolio,
        span=span,
        at=books.at,
        value=value,
        cash=books.cash,
        expires_at=books.at + HOURS_KEPT + DAY if span == Span.HOUR else None,
    )


def _delete_expired(*, now: datetime) -> None:
    if expires_by_itself(EquityPoint):
        return
    over = EquityPoint.objects.filter(span=Span.HOUR, expires_at__lt=now).order_by("expires_at")
    while keys := list(over.values_list("pk", flat=True)[:PAGE]):
        for chunk in in_chunks(keys, actions_per_item=1):
            run_atomic(EquityPoint.objects.filter(pk__in=chunk).delete)
