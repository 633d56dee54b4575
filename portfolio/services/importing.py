"""Importing a list of trades into a portfolio of its own: all of it or nothing.

The portfolio is made first, in no list; then its rows, as many at a time as a transaction takes,
under keys that follow from the file, so that going on after a crash writes the same ones. Only
the last transaction opens it.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Manager, Model
from django.utils.translation import gettext as _

from accounts import services as accounts
from cryptopulse.atomic import Busy, in_chunks, run_atomic
from market import services as market
from portfolio.ledger import LARGEST_CASH
from portfolio.models import Holding, Portfolio, State, Transaction
from portfolio.numbers import dollars, plain
from portfolio.order import CENT
from portfolio.refusals import TradeRejected
from portfolio.statement import Booked, Entry, Replay, read_statement, replay

from .points import fill_equity
from .portfolios import check_free, current_trader, lock_all, portfolios

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

SOURCE = "import"  # whose prices nobody here has seen
_TRIES = 20  # the same file again, after its portfolio was removed


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an import would make."""

    trades: int
    first: datetime
    last: datetime
    cash: Decimal
    realised: Decimal
    held: list[tuple[str, Decimal, Decimal]]  # symbol, quantity, cost


def preview_import(
    *, user: User, name: str, start_balance: Decimal, text: str, now: datetime
) -> ImportPreview:
    """Tell what `import_transactions` would make, or raise what it would raise."""
    trader = current_trader(user.pk)
    done, symbols = _replayed(start_balance, text, now=now)
    check_free(name=name, own=portfolios(user=trader))
    entries = [one.entry for one in done.booked]
    return ImportPreview(
        trades=len(entries),
        first=entries[0].at,
        last=entries[-1].at,
        cash=done.account.cash,
        realised=done.account.realised,
        held=sorted(
            (symbols[coin_id], position.quantity, position.cost)
            for coin_id, position in done.positions.items()
        ),
    )


def import_transactions(
    *,
    user: User,
    name: str,
    start_balance: Decimal,
    text: str,
    now: datetime,
    address: str | None = None,
) -> Portfolio:
    """Make a portfolio of a CSV file of trades (`portfolio.statement`); return it.

    Trades are booked by the ledger's rules from the start balance on. The same file under the
    same name again returns the portfolio that it made. Nothing of it is seen before all of it is
    there, and nothing where it is refused.

    Raises StatementRejected with what is wrong line by line, and TradeRejected as
    `create_portfolio` does, and for a bad_balance.
    """
    done, _symbols = _replayed(start_balance, text, now=now)
    digest = hashlib.sha256(f"{name.strip()}\n{start_balance}\n{text}".encode()).hexdigest()
    try:
        portfolio = run_atomic(
            partial(
                _begin,
                user.pk,
                name=name,
                paid_in=start_balance,
                digest=digest,
                began=done.booked[0].entry.at,
            )
        )
        if portfolio.state == State.IMPORTING:
            _write(portfolio, Transaction.objects, _transactions(portfolio, done.booked))
            _write(portfolio, Holding.objects, _holdings(portfolio, done))
            run_atomic(partial(_finish, portfolio, done, address))
    except Busy:
        raise TradeRejected(
            _(
                "Something else of yours is being carried out just now. Import the file again in a"
                " moment; nothing is counted twice."
            ),
            "busy",
        ) from None
    portfolio.refresh_from_db()
    _value_past(portfolio, now=now)
    return portfolio


def remove_interrupted(*, portfolio_id: uuid.UUID) -> None:
    """Delete what an import left that was never finished."""

    def begin() -> bool:
        portfolio = Portfolio.objects.select_for_update().get(pk=portfolio_id)
        if portfolio.state == State.IMPORTING:
            portfolio.state = State.REMOVING
            portfolio.save(update_fields=["state"])
        return portfolio.state == State.REMOVING

    if not run_atomic(begin):
        return
    for rows_of in (Transaction.objects, Holding.objects):
        rows = rows_of.filter(portfolio_id=portfolio_id)
        keys: list[Any] = list(rows.order_by().values_list("pk", flat=True))
        for chunk in in_chunks(keys, actions_per_item=1):
            run_atomic(rows_of.filter(pk__in=chunk).delete)
    run_atomic(Portfolio.objects.filter(pk=portfolio_id, state=State.REMOVING).delete)


def _replayed(start_balance: Decimal, text: str, *, now: datetime) -> tuple[Replay, dict[str, str]]:
    """Read and book the file; return it with the symbols of its coins by their ids."""
    if not start_balance.is_finite() or start_balance <= 0 or start_balance > LARGEST_CASH:
        raise TradeRejected(
            _("The start balance lies between %(least)s and %(most)s.")
            % {"least": dollars(CENT), "most": dollars(LARGEST_CASH)},
            "bad_balance",
        )
    if start_balance != start_balance.quantize(CENT):
        raise TradeRejected(_("The start balance goes down to the cent."), "bad_balance")
    entries = read_statement(text, now=now)
    known = _known(entries)
    done = replay(
        entries, known=known, start_balance=start_balance, fee_rate=settings.TRADE_FEE_RATE
    )
    return done, dict(known.values())


def _known(entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
    """Return the coins that the file names: by id, or by a symbol that only one coin has."""
    names = {entry.coin for entry in entries}
    by_id = {coin.pk: (coin.pk, coin.symbol) for coin in market.latest_quotes(coin_ids=names)}
    if missing := names - by_id.keys():
        named: dict[str, list[tuple[str, str]]] = {}
        for coin in market.latest_quotes():
            named.setdefault(coin.symbol.lower(), []).append((coin.pk, coin.symbol))
        by_id |= {one: named[one][0] for one in missing if len(named.get(one, ())) == 1}
    return by_id


def _begin(
    user_id: uuid.UUID, *, name: str, paid_in: Decimal, digest: str, began: datetime
) -> Portfolio:
    """Return the portfolio that this file makes or has made; in no list until it is whole.

    One that was begun anew since then holds nothing of the file any more.
    """
    trader = current_trader(user_id)
    own = lock_all(trader)
    for number in range(_TRIES):
        key = uuid.uuid5(trader.pk, f"import {number} {digest}")
        portfolio = Portfolio.objects.select_for_update().filter(pk=key).first()
        if portfolio is None:
            return Portfolio.objects.create(
                pk=key,
                user=trader,
                name=check_free(name=name, own=own),
                paid_in=paid_in,
                cash=paid_in,
                state=State.IMPORTING,
            )
        if portfolio.state == State.IMPORTING:
            return portfolio
        if portfolio.state == State.OPEN and portfolio.started_at == began:
            return portfolio
    raise TradeRejected(
        _("This file was imported and removed %(tries)s times. Give it another name.")
        % {"tries": _TRIES},
        "too_many_portfolios",
    )


def _write(portfolio: Portfolio, rows_of: Manager[Any], rows: Sequence[Model]) -> None:
    """Write rows for as long as the import goes on; those that are there stay as they are."""
    columns = rows_of.model._meta.concrete_fields  # noqa: SLF001 (Django's public API)
    fields = [field.attname for field in columns if not field.primary_key]

    def chunk_writer(chunk: list[Model]) -> Callable[[], None]:
        def operation() -> None:
            if _locked(portfolio).state == State.IMPORTING:
                rows_of.bulk_create(
                    chunk, update_conflicts=True, unique_fields=["id"], update_fields=fields
                )

        return operation

    for chunk in in_chunks(rows, actions_per_item=1, besides=1):
        run_atomic(chunk_writer(chunk))


def _transactions(portfolio: Portfolio, booked: Iterable[Booked]) -> list[Transaction]:
    return [
        Transaction(
            id=Transaction.key(portfolio.pk, f"import:{number}"),
            portfolio=portfolio,
            user_id=portfolio.user_id,
            coin_id=one.coin_id,
            side=one.entry.order.side,
            quantity=one.fill.quantity,
            price=one.entry.price,
            price_at=one.entry.at,
            price_source=SOURCE,
            amount=one.fill.amount,
            fee=one.fill.fee,
            realised_profit=one.fill.realised,
            executed_at=one.entry.at,
            client_order_id=f"import:{number}",
            asked=f"quantity {plain(one.fill.quantity)}",
        )
        for number, one in enumerate(booked, 1)
    ]


def _holdings(portfolio: Portfolio, done: Replay) -> list[Holding]:
    return [
        Holding(
            id=Holding.key(portfolio.pk, coin_id),
            portfolio=portfolio,
            coin_id=coin_id,
            quantity=position.quantity,
            cost=position.cost,
        )
        for coin_id, position in done.positions.items()
    ]


def _finish(portfolio: Portfolio, done: Replay, address: str | None) -> None:
    trader = current_trader(portfolio.user_id)
    opened = _locked(portfolio)
    if opened.state != State.IMPORTING:
        return
    opened.state = State.OPEN
    opened.cash = done.account.cash
    opened.realised_profit = done.account.realised
    opened.started_at = done.booked[0].entry.at
    opened.traded_at = done.booked[-1].entry.at
    opened.save(update_fields=["state", "cash", "realised_profit", "started_at", "traded_at"])
    accounts.record(
        kind=accounts.Activity.Kind.PORTFOLIO_CHANGED,
        summary=f"Imported {len(done.booked)} trades into {opened.name}",
        user=trader,
        address=address,
    )


def _locked(portfolio: Portfolio) -> Portfolio:
    return Portfolio.objects.select_for_update().get(pk=portfolio.pk)


def _value_past(portfolio: Portfolio, *, now: datetime) -> None:
    """Store what it was worth; where that fails, the hourly run does it."""
    try:
        fill_equity(portfolio_id=portfolio.pk, now=now)
    except Exception:
        logger.exception("the values of an imported portfolio are not stored yet")
