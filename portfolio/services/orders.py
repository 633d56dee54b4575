"""Buying and selling: one operation, whole or not at all, once however often it is sent."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings

from accounts import services as accounts
from cryptopulse.atomic import run_atomic
from market import services as market
from portfolio.ledger import (
    NOTHING,
    SMALLEST_STEP,
    Account,
    Fill,
    Order,
    Position,
    Terms,
    check_means,
    execute,
    make_order,
)
from portfolio.models import Holding, Portfolio, Side, Transaction
from portfolio.numbers import trade_sentence
from portfolio.refusals import TradeRejected
from portfolio.signals import trade_executed

from .portfolios import check_role, current_trader, lock_portfolio, own_portfolio

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

LONGEST_COIN_ID = 128
_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
LONGEST_ORDER_ID = 64


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
    order = make_order(side=side, amount=amount, quantity=quantity, sell_all=sell_all)
    _check_order_id(client_order_id)

    def operation() -> Transaction:
        trader = current_trader(user.pk)
        portfolio = lock_portfolio(user=trader, portfolio_id=portfolio_id)
        key = Transaction.key(portfolio.pk, client_order_id)
        if earlier := Transaction.objects.filter(pk=key).first():
            return _same_order(earlier, order=order, coin_id=coin_id)
        coin, fill = _fill(portfolio, order=order, coin_id=coin_id, now=now, lock=True)
        _book(portfolio, coin_id=coin.pk, fill=fill)
        currency, rate = _display_currency(trader)
        transaction = Transaction.objects.create(
            id=key,
            portfolio=portfolio,
            user=trader,
            coin_id=coin.pk,
            side=order.side,
            quantity=fill.quantity,
            price=coin.last_price,
            price_at=coin.price_at,
            price_source=coin.source,
            amount=fill.amount,
            fee=fill.fee,
            realised_profit=fill.realised,
            currency=currency,
            exchange_rate=rate,
            executed_at=now,
            client_order_id=client_order_id,
            asked=order.asked,
        )
        accounts.record(
            kind=accounts.Activity.Kind.TRADED,
            summary=trade_sentence(
                side=order.side,
                quantity=fill.quantity,
                symbol=coin.symbol,
                amount=fill.amount,
            ),
            user=trader,
            address=address,
        )
        trade_executed.send(sender=Transaction, transaction=transaction, coin_name=coin.name)
        return transaction

    return run_atomic(operation)


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
    coin, fill = _fill(portfolio, order=order, coin_id=coin_id, now=now, lock=False)
    assert coin.last_price is not None  # noqa: S101 (tradable_quote promises both)
    assert coin.price_at is not None  # noqa: S101
    return Preview(
        side=order.side,
        coin=coin,
        price=coin.last_price,
        price_at=coin.price_at,
        quantity=fill.quantity,
        fee=fill.fee,
        amount=fill.amount,
        realised=fill.realised,
        cash_after=fill.account.cash,
        held_after=fill.position.quantity,
    )


def _fill(
    portfolio: Portfolio, *, order: Order, coin_id: str, now: datetime, lock: bool
) -> tuple[Coin, Fill]:
    """Work out the trade from the rows as they are now; nothing is written."""
    if len(coin_id) > LONGEST_COIN_ID or not coin_id.isprintable():
        raise TradeRejected("This coin is not traded here.", "unknown_coin")
    rows = Holding.objects.select_for_update() if lock else Holding.objects.all()
    holding = rows.filter(pk=Holding.key(portfolio.pk, coin_id)).first()
    account = Account(cash=portfolio.cash, realised=portfolio.realised_profit)
    position = (
        Position(quantity=holding.quantity, cost=holding.cost) if holding is not None else NOTHING
    )
    coin = _quote(coin_id, order=order, account=account, position=position, now=now)
    terms = Terms(
        price=coin.last_price or Decimal(0),
        step=coin.quantity_step or SMALLEST_STEP,
        fee_rate=settings.TRADE_FEE_RATE,
        symbol=coin.symbol,
    )
    return coin, execute(order=order, account=account, position=position, terms=terms)


def _quote(
    coin_id: str, *, order: Order, account: Account, position: Position, now: datetime
) -> Coin:
    """Return the coin with a price to trade at; a removed coin may still be sold."""

    def check(coin: Coin) -> None:
        if order.side == Side.BUY and not coin.tracked:
            raise TradeRejected(
                f"{coin.name} is no longer traded here. What you hold of it can be sold.",
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


def _book(portfolio: Portfolio, *, coin_id: str, fill: Fill) -> None:
    """Write what the trade leaves behind; a closed holding vanishes."""
    portfolio.cash = fill.account.cash
    portfolio.realised_profit = fill.account.realised
    portfolio.save(update_fields=["cash", "realised_profit"])
    key = Holding.key(portfolio.pk, coin_id)
    if fill.position == NOTHING:
        Holding.objects.filter(pk=key).delete()
        return
    Holding.objects.update_or_create(
        pk=key,
        defaults={"quantity": fill.position.quantity, "cost": fill.position.cost},
        create_defaults={
            "portfolio": portfolio,
            "coin_id": coin_id,
            "quantity": fill.position.quantity,
            "cost": fill.position.cost,
        },
    )


def _same_order(earlier: Transaction, *, order: Order, coin_id: str) -> Transaction:
    if (earlier.side, earlier.coin_id, earlier.asked) != (order.side, coin_id, order.asked):
        raise TradeRejected(
            "This order number was used for another order; nothing was traded.", "order_id_reused"
        )
    return earlier


def _check_order_id(client_order_id: str) -> None:
    if not client_order_id:
        raise TradeRejected(
            "The order has no number (client_order_id); without one a repeated order would be"
            " traded twice.",
            "order_id_missing",
        )
    if len(client_order_id) > LONGEST_ORDER_ID:
        raise TradeRejected(
            f"An order number has at most {LONGEST_ORDER_ID} characters.", "order_id_too_long"
        )
    if not _ORDER_ID.fullmatch(client_order_id):
        raise TradeRejected(
            "An order number is made of letters, digits and . _ : -.", "order_id_invalid"
        )


def _display_currency(user: User) -> tuple[str, Decimal]:
    """Return the currency that the person looks at and its rate, or dollars where it has none."""
    rate = market.exchange_rate(currency=user.display_currency)
    return (user.display_currency, rate) if rate else ("USD", Decimal(1))
