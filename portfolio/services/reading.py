"""What portfolios hold, are worth, and have traded."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from accounts import services as accounts
from cryptopulse.engine import reading_all
from market import services as market
from portfolio.models import Portfolio, Side, Transaction
from portfolio.paging import transactions_page
from portfolio.valuation import Held, Valuation, value_portfolio

from .portfolios import default_portfolio

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin


def valuation(*, portfolio: Portfolio, now: datetime) -> Valuation:
    """Value a portfolio at the latest prices. Two queries.

    Cash and holdings are read again by one statement, so that a trade that commits meanwhile is
    seen whole or not at all.
    """
    books = _books(portfolio.pk)
    assert books is not None  # noqa: S101 (portfolios are never deleted)
    return _value(*books, known=(), now=now)


def default_valuation(
    *, user: User, coins: Collection[Coin], now: datetime
) -> tuple[Portfolio, Valuation]:
    """Return a person's first portfolio and its value; it is made if there is none yet.

    One query where the caller has the coins that are held already, as who shows all coins has.
    """
    books = _books(Portfolio.default_key(user.pk))
    if books is None:
        books = (default_portfolio(user=user), {})
    return books[0], _value(*books, known=coins, now=now)


_Positions = dict[str, tuple[Decimal, Decimal]]
_COLUMNS = [field.attname for field in Portfolio._meta.concrete_fields]  # noqa: SLF001 (Django's public API)


def _books(key: uuid.UUID) -> tuple[Portfolio, _Positions] | None:
    """Read a portfolio and what it holds, coin id -> quantity and cost, in one statement."""
    held = ("holdings__coin_id", "holdings__quantity", "holdings__cost")
    rows = list(Portfolio.objects.filter(pk=key).values_list(*_COLUMNS, *held))
    if not rows:
        return None
    portfolio = Portfolio.from_db(None, _COLUMNS, rows[0][: len(_COLUMNS)])
    return portfolio, {coin_id: (quantity, cost) for *_, coin_id, quantity, cost in rows if coin_id}


def _value(
    portfolio: Portfolio, positions: _Positions, *, known: Collection[Coin], now: datetime
) -> Valuation:
    coins = [coin for coin in known if coin.pk in positions]
    if missing := positions.keys() - {coin.pk for coin in coins}:
        coins += market.latest_quotes(coin_ids=missing)
    return value_portfolio(
        cash=portfolio.cash,
        paid_in=portfolio.paid_in,
        realised=portfolio.realised_profit,
        held=[
            Held(coin=coin, quantity=positions[coin.pk][0], cost=positions[coin.pk][1])
            for coin in coins
        ],
        now=now,
    )


def own_transactions(
    *, user: User, portfolio: Portfolio | None = None, cursor: str = "", limit: int = 50
) -> accounts.Page[Transaction]:
    """Return a person's transactions, newest first, with their coins; of one portfolio or all."""
    rows = Transaction.objects.select_related("coin").filter(user=user)
    if portfolio is not None:
        rows = rows.filter(portfolio=portfolio)
    return transactions_page(rows, cursor=cursor, limit=limit)


def all_transactions(
    *, cursor: str = "", limit: int = 50, user_id: uuid.UUID | None = None
) -> accounts.Page[Transaction]:
    """Return everybody's transactions, newest first, with their coins and people."""
    rows = Transaction.objects.select_related("coin", "user")
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    return transactions_page(rows, cursor=cursor, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStatistics:
    """How much is traded; the last 24 hours unless said otherwise."""

    portfolios: int  # ever made
    trades: int
    traders: int
    bought: Decimal  # US dollars
    sold: Decimal


def trade_statistics(*, now: datetime) -> TradeStatistics:
    """Count the last 24 hours' trades. Reads a day of the index of all transactions."""
    day = Transaction.objects.filter(executed_at__gt=now - timedelta(days=1), executed_at__lte=now)
    sides = {
        side: (count, Decimal(amount).quantize(Decimal("0.01")))
        for side, count, amount in day.order_by()
        .values_list("side")
        .annotate(Count("pk"), Sum("amount"))
    }
    with reading_all("counting portfolios for the staff's pages"):
        portfolios = Portfolio.objects.count()
    nothing = (0, Decimal("0.00"))
    bought, sold = sides.get(Side.BUY, nothing), sides.get(Side.SELL, nothing)
    return TradeStatistics(
        portfolios=portfolios,
        trades=bought[0] + sold[0],
        traders=day.order_by().values("user").distinct().count(),
        bought=bought[1],
        sold=sold[1],
    )


def trades_by_day(*, now: datetime, days: int) -> dict[date, int]:
    """Count the trades of each of the last days (UTC), today last. One query over their index."""
    today = now.astimezone(UTC).date()
    counts = {today - timedelta(days=back): 0 for back in range(days - 1, -1, -1)}
    first = datetime.combine(min(counts), datetime.min.time(), UTC)
    rows = (
        Transaction.objects.filter(executed_at__gte=first, executed_at__lte=now)
        .order_by()
        .values_list(TruncDate("executed_at", tzinfo=UTC))
        .annotate(Count("pk"))
    )
    return counts | dict(rows)
