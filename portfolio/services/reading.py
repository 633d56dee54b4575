"""What portfolios hold, are worth, and have traded."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts import services as accounts
from cryptopulse.engine import reading_all
from market import services as market
from portfolio.models import Portfolio, Side, State, Transaction
from portfolio.paging import EVERYTHING, MOST, TransactionFilter, transactions_page
from portfolio.valuation import Held, Valuation, value_portfolio

from .books import Positions, read_books
from .points import current_transactions
from .portfolios import SHOWN, default_portfolio

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin


def valuation(*, portfolio: Portfolio, now: datetime) -> Valuation:
    """Value a portfolio at the latest prices. Two queries.

    Cash and holdings are read again by one statement, so that a trade that commits meanwhile is
    seen whole or not at all.
    """
    books = read_books(portfolio.pk)
    assert books is not None  # noqa: S101 (portfolios are never deleted)
    return _value(*books, known=(), now=now)


def default_valuation(
    *,
    user: User,
    coins: Collection[Coin],
    now: datetime,
    portfolio_id: uuid.UUID | None = None,
) -> tuple[Portfolio, Valuation]:
    """Return a person's first portfolio, or this one of theirs, and its value.

    The first one is made if there is none yet; it is also what is shown for one that is not
    theirs or not open. One query where the caller has the coins that are held already, as who
    shows all coins has.
    """
    books = read_books(portfolio_id, user_id=user.pk) if portfolio_id else None
    if books is None or books[0].state not in SHOWN:
        books = read_books(Portfolio.default_key(user.pk))
    if books is None:
        books = (default_portfolio(user=user), {})
    return books[0], _value(*books, known=coins, now=now)


def _value(
    portfolio: Portfolio, positions: Positions, *, known: Collection[Coin], now: datetime
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
    *,
    user: User,
    portfolio: Portfolio | None = None,
    wanted: TransactionFilter = EVERYTHING,
    cursor: str = "",
    limit: int = 50,
) -> accounts.Page[Transaction]:
    """Return a person's transactions, newest first, with their coins.

    Of one portfolio since its start, or all there are, those of removed portfolios too.
    """
    rows = own_rows(user=user, portfolio=portfolio, wanted=wanted)
    return transactions_page(rows.select_related("coin"), cursor=cursor, limit=limit)


def each_own_transaction(
    *, user: User, portfolio: Portfolio | None = None, wanted: TransactionFilter = EVERYTHING
) -> Iterator[Transaction]:
    """Yield all that match, newest first, a page at a time: for a file that is sent meanwhile."""
    cursor = ""
    while True:
        page = own_transactions(
            user=user, portfolio=portfolio, wanted=wanted, cursor=cursor, limit=MOST
        )
        yield from page.rows
        if not (cursor := page.next_cursor):
            return


def own_rows(
    *, user: User, portfolio: Portfolio | None, wanted: TransactionFilter
) -> QuerySet[Transaction]:
    """Return the query of a person's transactions; one more query where no portfolio is named."""
    if portfolio is not None:
        rows = current_transactions(portfolio)
    else:
        rows = Transaction.objects.filter(user=user)
        unfinished = [
            one.pk
            for one in Portfolio.objects.filter(user=user)
            if one.state in {State.IMPORTING, State.REMOVING}
        ]
        if unfinished:
            rows = rows.exclude(portfolio_id__in=unfinished)
    return wanted.apply(rows)


def all_transactions(
    *,
    cursor: str = "",
    limit: int = 50,
    user_id: uuid.UUID | None = None,
    wanted: TransactionFilter = EVERYTHING,
) -> accounts.Page[Transaction]:
    """Return everybody's transactions, newest first, with their coins and people."""
    rows = Transaction.objects.select_related("coin", "user")
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    return transactions_page(wanted.apply(rows), cursor=cursor, limit=limit)


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
