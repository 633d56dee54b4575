"""Buying and selling: one operation, whole or not at all, once however often it is sent."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import services as accounts
from cryptopulse.atomic import Busy, run_atomic
from market import services as market
from portfolio.ledger import (
    NOTHING,
    SMALLEST_STEP,
    Account,
    Fill,
    Position,
    Terms,
    check_means,
    execute,
)
from portfolio.models import Holding, Portfolio, Side, State, Transaction
from portfolio.numbers import trade_sentence
from portfolio.order import Order, make_order
from portfolio.refusals import TradeRejected
from portfolio.signals import trade_executed

from .portfolios import check_role, current_trader, lock_portfolio, own_portfolio

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

LONGEST_COIN_ID = 128
LONGEST_ORDER_ID = 64
_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an order would do at the price of this moment. Nothing is reserved."""

    side: str
    coin: Coin
    price: Decimal
    price_at: datetime
    quantity: Decimal
    fee: Decimal
    amount: Decimal
    realised: Decimal
    cash_after: Decimal
    held_after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instruction:
    """An order, and where it comes from."""

    order: Order
    coin_id: str
    client_order_id: str
    now: datetime
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Execution:
    """A fill, and the quote that it was made at."""

    coin: Coin
    price: Decimal
    price_at: datetime
    fill: Fill
    is_held: bool  # before the trade


def place_order(
    *,
    user: User,
    side: str,
    coin_id: str,
    client_order_id: str,
    now: datetime,
    amount: Decimal | None = None,
    quantity: Decimal | None = None,
    sell_all: bool = False,
    portfolio_id: uuid.UUID | None = None,
    address: str | None = None,
) -> Transaction:
    """Buy or sell at the latest price, and return the transaction.

    Exactly one of `amount` (US dollars, fee included), `quantity` and `sell_all`. Sent again with
    the same `client_order_id` it returns the same transaction and changes nothing. Money, holding,
    transaction, activity and what `trade_executed` writes commit together or not at all.

    Raises TradeRejected; of several reasons the one that waiting will not mend comes first:
    the order itself, the person, the coin, what they have, and only then the price.
    """
    wanted = _Instruction(
        order=make_order(side=side, amount=amount, quantity=quantity, sell_all=sell_all),
        coin_id=coin_id,
        client_order_id=_checked_order_id(client_order_id),
        now=now,
        address=address,
    )

    def operation() -> Transaction:
        trader = current_trader(user.pk)
        portfolio = lock_portfolio(user=trader, portfolio_id=portfolio_id)
        key = Transaction.key(portfolio.pk, client_order_id)
        if earlier := Transaction.objects.order_by().filter(pk=key).first():
            return _same_order(earlier, wanted)
        return _trade(trader, portfolio, wanted)

    try:
        return run_atomic(operation)
    except Busy:
        raise TradeRejected(
            _(
                "Other orders of yours are being carried out just now, and this one was not. "
                "Try again in a moment."
            ),
            "busy",
        ) from None


def preview(
    *,
    user: User,
    side: str,
    coin_id: str,
    now: datetime,
    amount: Decimal | None = None,
    quantity: Decimal | None = None,
    sell_all: bool = False,
    portfolio_id: str | uuid.UUID | None = None,
) -> Preview:
    """Tell what `place_order` would do now, or raise what it would raise."""
    order = make_order(side=side, amount=amount, quantity=quantity, sell_all=sell_all)
    check_role(user)
    portfolio = own_portfolio(user=user, portfolio_id=portfolio_id)
    done = _fill(portfolio, order=order, coin_id=coin_id, now=now, lock=False)
    return Preview(
        side=order.side,
        coin=done.coin,
        price=done.price,
        price_at=done.price_at,
        quantity=done.fill.quantity,
        fee=done.fill.fee,
        amount=done.fill.amount,
        realised=done.fill.realised,
        cash_after=done.fill.account.cash,
        held_after=done.fill.position.quantity,
    )


def _trade(trader: User, portfolio: Portfolio, wanted: _Instruction) -> Transaction:
    """Fill, book, log and announce, in the caller's transaction."""
    if portfolio.state == State.CLEARING:
        raise TradeRejected(
            _("This portfolio is being begun anew. Try again in a moment."), "being_cleared"
        )
    done = _fill(portfolio, order=wanted.order, coin_id=wanted.coin_id, now=wanted.now, lock=True)
    portfolio.traded_at = _moment(portfolio, wanted.now)
    _book(portfolio, done)
    transaction = _record(trader, portfolio, wanted, done)
    with accounts.writing_the_log():
        summary = trade_sentence(
            side=transaction.side,
            quantity=transaction.quantity,
            symbol=done.coin.symbol,
            amount=transaction.amount,
        )
    accounts.record(
        kind=accounts.Activity.Kind.TRADED, summary=summary, user=trader, address=wanted.address
    )
    trade_executed.send(sender=Transaction, transaction=transaction, coin_name=done.coin.name)
    return transaction


def _record(
    trader: User, portfolio: Portfolio, wanted: _Instruction, done: _Execution
) -> Transaction:
    currency, rate = _display_currency(trader)
    return Transaction.objects.create(
        id=Transaction.key(portfolio.pk, wanted.client_order_id),
        portfolio=portfolio,
        user=trader,
        coin=done.coin,
        side=wanted.order.side,
        quantity=done.fill.quantity,
        price=done.price,
        price_at=done.price_at,
        price_source=done.coin.source,
        amount=done.fill.amount,
        fee=done.fill.fee,
        realised_profit=done.fill.realised,
        currency=currency,
        exchange_rate=rate,
        executed_at=portfolio.traded_at or wanted.now,
        client_order_id=wanted.client_order_id,
        asked=wanted.order.asked,
    )


def _moment(portfolio: Portfolio, now: datetime) -> datetime:
    """Return a moment after the portfolio's latest trade and its start: orders that cross each
    other are in the order in which they were carried out, as the arithmetic of a replay needs.
    """
    known = [at for at in (portfolio.traded_at, portfolio.started_at) if at is not None]
    return max([now, *(at + timedelta(microseconds=1) for at in known)])


def _fill(
    portfolio: Portfolio, *, order: Order, coin_id: str, now: datetime, lock: bool
) -> _Execution:
    """Work out the trade from the rows as they are now; nothing is written."""
    if len(coin_id) > LONGEST_COIN_ID or not coin_id.isprintable():
        raise TradeRejected(_("This coin is not traded here."), "unknown_coin")
    rows = Holding.objects.select_for_update() if lock else Holding.objects.all()
    holding = rows.filter(pk=Holding.key(portfolio.pk, coin_id)).first()
    account = Account(cash=portfolio.cash, realised=portfolio.realised_profit)
    position = (
        Position(quantity=holding.quantity, cost=holding.cost) if holding is not None else NOTHING
    )
    coin = _quote(coin_id, order=order, account=account, position=position, now=now)
    if coin.last_price is None or coin.price_at is None:
        raise TradeRejected(_("%(coin)s has no price yet.") % {"coin": coin.name}, "no_price")
    terms = Terms(
        price=coin.last_price,
        step=coin.quantity_step or SMALLEST_STEP,
        fee_rate=settings.TRADE_FEE_RATE,
        symbol=coin.symbol,
    )
    fill = execute(order=order, account=account, position=position, terms=terms)
    return _Execution(
        coin=coin,
        price=coin.last_price,
        price_at=coin.price_at,
        fill=fill,
        is_held=holding is not None,
    )


def _quote(
    coin_id: str, *, order: Order, account: Account, position: Position, now: datetime
) -> Coin:
    """Return the coin with a price to trade at; a removed coin may still be sold."""

    def check(coin: Coin) -> None:
        if order.side == Side.BUY and not coin.tracked:
            raise TradeRejected(
                _("%(coin)s is no longer traded here. What you hold of it can be sold.")
                % {"coin": coin.name},
                "not_tracked",
            )
        check_means(order=order, account=account, position=position, symbol=coin.symbol)

    try:
        coin = market.tradable_quote(coin_id=coin_id, now=now, allow_removed=True)
    except market.MarketRejected as refusal:
        if (unpriced := market.coin(coin_id=coin_id)) is not None:
            check(unpriced)
        raise TradeRejected(refusal.sentence, refusal.code) from refusal
    check(coin)
    return coin


def _book(portfolio: Portfolio, done: _Execution) -> None:
    """Write what the trade leaves behind; a closed holding vanishes.

    The portfolio's lock is that of its holdings too: what `_fill` has read need not be read again.
    """
    fill, coin_id = done.fill, done.coin.pk
    portfolio.cash = fill.account.cash
    portfolio.realised_profit = fill.account.realised
    portfolio.save(update_fields=["cash", "realised_profit", "traded_at"])
    rows = Holding.objects.filter(pk=Holding.key(portfolio.pk, coin_id))
    left = {"quantity": fill.position.quantity, "cost": fill.position.cost}
    if fill.position == NOTHING:
        rows.delete()
    elif done.is_held:
        rows.update(**left)
    else:
        Holding.objects.create(
            pk=Holding.key(portfolio.pk, coin_id), portfolio=portfolio, coin_id=coin_id, **left
        )


def _same_order(earlier: Transaction, wanted: _Instruction) -> Transaction:
    """Return what an earlier sending of this order did, if it was this order."""
    was = (earlier.side, earlier.coin_id, earlier.asked)
    if was != (wanted.order.side, wanted.coin_id, wanted.order.asked):
        raise TradeRejected(
            _("This order number was used for another order; nothing was traded."),
            "order_id_reused",
        )
    return earlier


def _checked_order_id(client_order_id: str) -> str:
    if not client_order_id:
        raise TradeRejected(
            _(
                "The order has no number (client_order_id); without one a repeated order would be"
                " traded twice."
            ),
            "order_id_missing",
        )
    if len(client_order_id) > LONGEST_ORDER_ID:
        raise TradeRejected(
            _("An order number has at most %(most)s characters.") % {"most": LONGEST_ORDER_ID},
            "order_id_too_long",
        )
    if not _ORDER_ID.fullmatch(client_order_id):
        raise TradeRejected(
            _("An order number is made of letters, digits and . _ : -."), "order_id_invalid"
        )
    return client_order_id


def _display_currency(user: User) -> tuple[str, Decimal]:
    """Return the currency that the person looks at and its rate, or dollars where it has none."""
    rate = market.exchange_rate(currency=user.display_currency)
    return (user.display_currency, rate) if rate else ("USD", Decimal(1))
