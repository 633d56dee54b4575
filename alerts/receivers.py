"""What the apps below tell us, and what we do about it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.dispatch import receiver

from accounts import services as accounts
from accounts.roles import Permission
from accounts.signals import role_changed, user_suspended
from alerts import services
from cryptopulse.keys import new_key
from market.quotes import Quote
from market.signals import feed_failed, prices_updated
from portfolio.signals import trade_executed

if TYPE_CHECKING:
    from portfolio.models import Transaction

logger = logging.getLogger(__name__)


@receiver(prices_updated)
def evaluate_new_prices(*, quotes: Sequence[Quote], now: datetime, **_: Any) -> None:
    """Fire what the new prices have reached, in the thread that stored them. Never raises."""
    try:
        services.evaluate(coin_ids={quote.coin_id for quote in quotes}, now=now)
    except Exception:
        logger.exception("alerts were not evaluated; the beat will")


@receiver(trade_executed)
def confirm_trade(*, transaction: Transaction, coin_name: str, **_: Any) -> None:
    """Write the confirmation in the trade's transaction: both commit or neither does."""
    services.confirm_trade(transaction=transaction, coin_name=coin_name)


@receiver(user_suspended)
def pause_alerts_of_suspended(*, user_id: uuid.UUID, **_: Any) -> None:
    """Keep the alerts of somebody who is out from firing; they resume them when they are back."""
    services.pause_all(user_id=user_id)


@receiver(role_changed)
def pause_alerts_of_changed_role(*, user_id: uuid.UUID, **_: Any) -> None:
    """Keep the alerts of somebody whose role has none from firing."""
    person = accounts.person(user_id=user_id)
    if person is None or not person.may(Permission.SET_ALERTS):
        services.pause_all(user_id=user_id)


@receiver(feed_failed)
def alarm_operators(*, name: str, sentence: str, now: datetime, **_: Any) -> None:
    """Tell the operators' topic that a feed is in trouble, once per trouble."""
    services.tell_operators(
        subject=f"The feed {name} has failed",
        body=f"{sentence}\nWhat comes from {name} grows old until it answers again.",
        event_id=new_key(),
        now=now,
    )
