"""Buying and selling by JSON: the same operation as the page, with decimals as text."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router
from ninja.decorators import decorate_view
from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool

from accounts import services as accounts
from cryptopulse.limits import limited

from . import services
from .models import Side, Transaction
from .numbers import parse_plain, plain
from .refusals import TradeRejected
from .valuation import HoldingValue, Valuation

if TYPE_CHECKING:
    from accounts.models import User

router = Router()


def _read_number(value: object) -> object:
    """Return a JSON number or a number written as text, exactly; the ledger judges it."""
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        return parse_plain(value)
    raise TradeRejected(_("An amount or a quantity must be a number."), "not_a_number")


#: A NaN or 1e999999 passes here, so that it is refused with the ledger's own sentence.
Number = Annotated[Any, BeforeValidator(_read_number)]


class BuyOrder(BaseModel):
    """What to buy: exactly one of `amount` (US dollars, fee included) and `quantity` (coins)."""

    model_config = ConfigDict(extra="forbid")

    coin_id: str
    amount: Number = None
    quantity: Number = None
    client_order_id: str = ""
    portfolio_id: uuid.UUID | None = None


class SellOrder(BuyOrder):
    """What to sell; `sell_all` instead of a number sells everything held."""

    sell_all: StrictBool = False


@router.post("/buy_coin", url_name="buy-coin", summary="Buy a coin")
@decorate_view(limited("trade"))
def buy_coin(request: HttpRequest, order: BuyOrder) -> dict[str, Any]:
    """Buy at the latest price, once per `client_order_id`."""
    return _place(request, side=Side.BUY, order=order, sell_all=False)


@router.post("/sell_coin", url_name="sell-coin", summary="Sell a coin")
@decorate_view(limited("trade"))
def sell_coin(request: HttpRequest, order: SellOrder) -> dict[str, Any]:
    """Sell at the latest price, once per `client_order_id`."""
    return _place(request, side=Side.SELL, order=order, sell_all=order.sell_all)


def _place(request: HttpRequest, *, side: Side, order: BuyOrder, sell_all: bool) -> dict[str, Any]:
    user, now = _me(request), timezone.now()
    transaction = services.place_order(
        user=user,
        side=side,
        coin_id=order.coin_id,
        client_order_id=order.client_order_id,
        now=now,
        amount=order.amount,
        quantity=order.quantity,
        sell_all=sell_all,
        portfolio_id=order.portfolio_id,
        address=accounts.client_address(request),
    )
    portfolio = services.own_portfolio(user=user, portfolio_id=transaction.portfolio_id)
    valuation = services.valuation(portfolio=portfolio, now=now)
    return {
        "transaction": transaction_fields(transaction),
        "portfolio": {"id": str(portfolio.pk), "name": portfolio.name}
        | valuation_fields(valuation),
    }


def transaction_fields(transaction: Transaction) -> dict[str, Any]:
    """Return a transaction for JSON: decimals as text, times in ISO 8601 (UTC)."""
    return {
        "id": str(transaction.pk),
        "client_order_id": transaction.client_order_id,
        "side": str(transaction.side),
        "coin_id": transaction.coin_id,
        "quantity": plain(transaction.quantity),
        "price": plain(transaction.price),
        "price_at": transaction.price_at.isoformat(),
        "price_source": transaction.price_source,
        "amount": f"{transaction.amount:.2f}",
        "fee": f"{transaction.fee:.2f}",
        "realised_profit": f"{transaction.realised_profit:.2f}",
        "currency": transaction.currency,
        "exchange_rate": plain(transaction.exchange_rate),
        "executed_at": transaction.executed_at.isoformat(),
    }


def valuation_fields(valuation: Valuation) -> dict[str, Any]:
    """Return a valuation for JSON, in US dollars."""
    return {
        "cash": f"{valuation.cash:.2f}",
        "value": f"{valuation.value:.2f}",
        "cost": f"{valuation.cost:.2f}",
        "unrealised_profit": f"{valuation.unrealised:.2f}",
        "realised_profit": f"{valuation.realised:.2f}",
        "is_stale": valuation.stale,
        "holdings": [_holding_fields(one) for one in valuation.holdings],
    }


def _holding_fields(holding: HoldingValue) -> dict[str, Any]:
    return {
        "coin_id": holding.coin.id,
        "quantity": plain(holding.quantity),
        "cost": f"{holding.cost:.2f}",
        "value": f"{holding.value:.2f}",
        "unrealised_profit": f"{holding.unrealised:.2f}",
    }


def _me(request: HttpRequest) -> User:
    user = request.user
    assert user.is_authenticated  # noqa: S101 (the router's authenticator let them in)
    return user
