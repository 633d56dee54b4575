"""Virtual portfolios: cash, holdings, and the transactions that explain them."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cryptopulse.keys import new_key

#: Cash is in US dollars and cents. 15 digits are exact on SQLite, PostgreSQL and DynamoDB.
CASH: Any = {"max_digits": 15, "decimal_places": 2}
#: Quantities are multiples of the coin's step with at most 15 significant digits.
QUANTITY: Any = {"max_digits": 24, "decimal_places": 8}


class State(models.TextChoices):
    """What may be done with a portfolio; all but the open ones are hidden or being cleared."""

    OPEN = "open", _("Open")
    CLEARING = "clearing", _("Being cleared")  # begun anew; its old holdings are on their way out
    IMPORTING = "importing", _("Being imported")  # its transactions are being written
    REMOVING = "removing", _("Being removed")  # its import was never finished
    ARCHIVED = "archived", _("Archived")


class Portfolio(models.Model):
    """One person's virtual account.

    To the cent, at every commit: `cash + sum(holdings' cost) - realised_profit == paid_in`. While
    it is being cleared, what is left of its holdings counts as gone.
    """

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portfolios"
    )
    name = models.CharField(max_length=64, default="Main")
    is_default = models.BooleanField(default=False)
    paid_in = models.DecimalField(**CASH)
    cash = models.DecimalField(**CASH)
    realised_profit = models.DecimalField(**CASH, default=0)
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    #: When it was begun anew, or an imported one began; what was traded before does not count.
    started_at = models.DateTimeField(null=True, blank=True)
    #: When its latest trade was: no later trade has an earlier moment, whichever clock gave it.
    traded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(cash__gte=0), name="cash_not_negative"),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="one_default_portfolio",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def default_key(user_id: uuid.UUID) -> uuid.UUID:
        """Return the key of a person's first portfolio: two that make it at once make one."""
        return uuid.uuid5(user_id, "default portfolio")

    @property
    def start(self) -> datetime:
        """When what it holds now began."""
        return self.started_at or self.created_at


class Holding(models.Model):
    """How much of a coin a portfolio holds and what was paid for it; closed holdings vanish."""

    id = models.CharField(primary_key=True, max_length=180)  # portfolio:coin
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="holdings")
    coin = models.ForeignKey(
        "market.Coin", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    quantity = models.DecimalField(**QUANTITY)
    cost = models.DecimalField(**CASH)  # of what is still held, fees included

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="quantity_positive"),
            models.CheckConstraint(condition=models.Q(cost__gte=0), name="cost_not_negative"),
        )

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(portfolio_id: uuid.UUID, coin_id: str) -> str:
        return f"{portfolio_id}:{coin_id}"


class Side(models.TextChoices):
    """Which way a trade goes."""

    BUY = "buy", _("Buy")
    SELL = "sell", _("Sell")


class Transaction(models.Model):
    """A trade as it was executed. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, editable=False)  # see `key`
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="transactions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transactions"
    )
    coin = models.ForeignKey(
        "market.Coin", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    side = models.CharField(max_length=4, choices=Side.choices)
    quantity = models.DecimalField(**QUANTITY)
    price = models.DecimalField(max_digits=36, decimal_places=18)  # US dollars per coin
    price_at = models.DateTimeField()
    price_source = models.CharField(max_length=32)
    amount = models.DecimalField(**CASH)  # cash moved, fee included: paid for a buy, got for a sale
    fee = models.DecimalField(**CASH)
    realised_profit = models.DecimalField(**CASH, default=0)  # sales only
    currency = models.CharField(max_length=3, default="USD")  # what the person looked at
    exchange_rate = models.DecimalField(max_digits=20, decimal_places=8, default=1)  # per dollar
    executed_at = models.DateTimeField()
    client_order_id = models.CharField(max_length=64)
    #: "amount 100", "quantity 0.5" or "all": tells a repeated order from a reused number.
    asked = models.CharField(max_length=32)

    class Meta:
        ordering = ("-executed_at", "-id")
        indexes = (
            models.Index(fields=["portfolio", "executed_at", "id"], name="transaction_own"),
            models.Index(fields=["user", "executed_at", "id"], name="transaction_user"),
            models.Index(fields=["executed_at", "id"], name="transaction_all"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.coin_id}"

    @property
    def amount_then(self) -> Decimal:
        """The amount in the person's currency, at the exchange rate of that moment."""
        return self.amount * self.exchange_rate

    @staticmethod
    def key(portfolio_id: uuid.UUID, client_order_id: str) -> uuid.UUID:
        """Return the key that makes a repeated order the same row."""
        return uuid.uuid5(portfolio_id, client_order_id)


class Span(models.TextChoices):
    """How far apart the stored values of a portfolio are."""

    HOUR = "1h", _("1 hour")
    DAY = "1d", _("1 day")


class EquityPoint(models.Model):
    """What a portfolio was worth at a full hour, or at midnight (UTC).

    Hours are kept for 90 days (`expires_at`), days for ever.
    """

    id = models.CharField(primary_key=True, max_length=64)  # portfolio:span:Unix seconds
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    span = models.CharField(max_length=2, choices=Span.choices)
    at = models.DateTimeField()
    value = models.DecimalField(**CASH)  # cash and what the holdings would have brought
    cash = models.DecimalField(**CASH)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["portfolio", "span", "at"], name="equity_curve"),
            models.Index(fields=["span", "expires_at"], name="equity_expiry"),
        )

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(portfolio_id: uuid.UUID, span: str, at: datetime) -> str:
        """Return the key that makes the value of one moment one row."""
        return f"{portfolio_id}:{span}:{int(at.timestamp())}"
