"""The form that trades: what it shows, what was typed, what was wrong with it.

Fill in one of amount, quantity and "all". Each rendered form carries an order number of its own,
so that a double click, a repeated request or the back button is one trade.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from market import services as market

from . import services
from .models import Holding, Portfolio, Side
from .numbers import parse_decimal
from .refusals import TradeRejected
from .services import Preview

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

#: Which field a sentence belongs to; what is not here belongs to the number that was typed.
FIELDS = {
    "unknown_coin": "coin",
    "not_tracked": "coin",
    "no_price": "coin",
    "stale_price": "coin",
    "unknown_side": "side",
    "amount_and_quantity": "number",
    "amount_or_quantity": "number",
    "order_id_missing": "form",
    "order_id_too_long": "form",
    "order_id_invalid": "form",
    "order_id_reused": "form",
    "unknown_portfolio": "form",
    "repeated_field": "form",
    "suspended": "form",
    "wrong_role": "form",
}
TYPED = ("side", "coin_id", "amount", "quantity", "sell_all", "portfolio", "client_order_id")


def new_order_number() -> str:
    """Return an order number for one rendered form."""
    return str(uuid.uuid4())


@dataclass(kw_only=True)
class TradeForm:
    """One trade form: the person's means, what is typed, and the sentence where it is wrong."""

    user: User
    portfolio: Portfolio
    coins: list[Coin]  # to choose from
    coin: Coin | None  # chosen
    held: Decimal  # of the chosen coin
    holdings: Mapping[str, Decimal] = field(default_factory=dict)  # coin id -> quantity
    side: str = Side.BUY
    amount: str = ""
    quantity: str = ""
    sell_all: bool = False
    client_order_id: str = field(default_factory=new_order_number)
    next: str = ""
    error_field: str = ""
    error: str = ""
    saved: str = ""

    @property
    def choices(self) -> list[tuple[Coin, Decimal | None]]:
        """The coins to choose from, each with what is held of it."""
        return [(coin, self.holdings.get(coin.pk)) for coin in self.coins]

    def refuse(self, refusal: TradeRejected) -> None:
        """Keep what was typed and put the sentence where it belongs."""
        self.error = refusal.sentence
        where = FIELDS.get(refusal.code, "number")
        if where == "number":
            where = "quantity" if self.quantity and not self.amount else "amount"
            if self.sell_all and not (self.quantity or self.amount):
                where = "sell_all"
        self.error_field = where
        if refusal.code.startswith("order_id_"):
            self.client_order_id = new_order_number()


@dataclass(frozen=True, kw_only=True)
class TypedOrder:
    """A trade form as it came back, nothing of it believed yet."""

    side: str
    coin_id: str
    amount: str
    quantity: str
    sell_all: bool
    portfolio: str
    client_order_id: str
    repeated: bool

    @classmethod
    def read(cls, data: QueryDict) -> TypedOrder:
        """Read the fields of a POST or a query string."""
        text: Callable[[str], str] = lambda name: data.get(name, "").strip()  # noqa: E731
        return cls(
            side=text("side"),
            coin_id=text("coin_id"),
            amount=text("amount"),
            quantity=text("quantity"),
            sell_all=text("sell_all") not in {"", "0", "false", "off"},
            portfolio=text("portfolio"),
            client_order_id=text("client_order_id"),
            repeated=any(len(data.getlist(name)) > 1 for name in TYPED),
        )

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody has said how much yet."""
        return not (self.amount or self.quantity or self.sell_all)

    def wanted(self) -> dict[str, Any]:
        """Return the order for `place_order` and `preview`, or refuse what is no number."""
        if self.repeated:
            raise TradeRejected(_("A field was sent twice; nothing was traded."), "repeated_field")
        return {
            "side": self.side,
            "coin_id": self.coin_id,
            "amount": parse_decimal(self.amount) if self.amount else None,
            "quantity": parse_decimal(self.quantity) if self.quantity else None,
            "sell_all": self.sell_all,
            "portfolio_id": self._portfolio_id(),
        }

    def preview(self, *, user: User, now: datetime) -> Preview:
        """Work out what the order would do."""
        return services.preview(user=user, now=now, **self.wanted())

    def _portfolio_id(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.portfolio) if self.portfolio else None
        except ValueError:
            raise TradeRejected(_("You have no such portfolio."), "unknown_portfolio") from None


def trade_form(
    *,
    user: User,
    coin: Coin | None = None,
    portfolio: Portfolio | None = None,
    side: str = Side.BUY,
    next_url: str = "",
    tracked: Collection[Coin] | None = None,
    held: Mapping[str, Decimal] | None = None,
) -> TradeForm:
    """Return a fresh form for this person, with this coin chosen or the best ranked one.

    A page that has read the `tracked` coins or what is `held` (coin id -> quantity) gives them.
    """
    portfolio = portfolio or services.default_portfolio(user=user)
    if held is None:
        held = dict(Holding.objects.filter(portfolio=portfolio).values_list("coin_id", "quantity"))
    coins = _choices(held.keys(), market.latest_quotes() if tracked is None else tracked)
    coin = coin or next(iter(coins), None)
    return TradeForm(
        user=user,
        portfolio=portfolio,
        coins=coins,
        coin=coin,
        held=held.get(coin.pk, Decimal(0)) if coin else Decimal(0),
        holdings=held,
        side=side if side in Side.values else Side.BUY,
        next=next_url,
    )


def returned_form(*, user: User, typed: TypedOrder, next_url: str) -> TradeForm:
    """Return the form with everything that was typed still in it."""
    try:
        portfolio = services.own_portfolio(user=user, portfolio_id=typed.portfolio)
    except TradeRejected:
        portfolio = services.default_portfolio(user=user)
    coin = _coin(typed.coin_id)
    form = trade_form(
        user=user,
        coin=coin,
        portfolio=portfolio,
        side=typed.side,
        next_url=next_url,
    )
    form.amount, form.quantity, form.sell_all = typed.amount, typed.quantity, typed.sell_all
    form.client_order_id = typed.client_order_id or form.client_order_id
    return form


def _coin(coin_id: str) -> Coin | None:
    return market.coin(coin_id=coin_id) if coin_id.isprintable() else None


def _choices(held: Collection[str], tracked: Collection[Coin]) -> list[Coin]:
    """Return the coins that can be bought, and those that are held and can only be sold."""
    coins = [coin for coin in tracked if coin.last_price is not None]
    if removed := set(held) - {coin.pk for coin in coins}:
        coins += market.latest_quotes(coin_ids=removed)
    return coins
