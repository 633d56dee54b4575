"""What the apps below tell us, and what we do about it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celery.signals import task_failure, task_success
from django.dispatch import receiver
from django.utils import timezone

from accounts import services as accounts
from accounts.roles import Permission
from accounts.signals import pattern_flagged, role_changed, user_suspended
from alerts import services
from market.quotes import Quote
from market.signals import feed_failed, prices_updated
from portfolio.signals import trade_executed

if TYPE_CHECKING:
    from accounts.models import Flag
    from portfolio.models import Transaction

logger = logging.getLogger(__name__)

#: Whose failures operators hear of: jobs of other packages are theirs.
OUR_TASKS = ("accounts.", "market.", "portfolio.", "alerts.", "cryptopulse.")


@receiver(prices_updated)
def evaluate_new_prices(*, quotes: Sequence[Quote], now: datetime, **_: Any) -> None:
    """Fire what the new prices have reached, in the thread that stored them. Never raises.

    What is too much for it goes to a worker: the next tick must not wait for a crash.
    """
    coin_ids = {quote.coin_id for quote in quotes}
    try:
        services.evaluate(coin_ids=coin_ids, now=now, most=services.MOST_AT_ONCE)
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
def tell_of_feed(*, name: str, sentence: str, now: datetime, **_: Any) -> None:
    """Tell admins and operators that a feed is in trouble, once per trouble."""
    services.report_feed(name=name, is_well=False, sentence=sentence, now=now)


@receiver(pattern_flagged)
def tell_of_flag(*, flag: Flag, **_: Any) -> None:
    """Write to the moderators in the flag's transaction: both commit or neither does."""
    services.tell_of_flag(flag=flag, now=timezone.now())


@task_success.connect  # type: ignore[untyped-decorator]
def note_success(*, sender: Any, **_: Any) -> None:
    """Note that a job of ours works."""
    _note(sender, None)


@task_failure.connect  # type: ignore[untyped-decorator]
def note_failure(*, sender: Any, exception: BaseException, **_: Any) -> None:
    """Note that a job of ours has failed."""
    _note(sender, f"{type(exception).__name__}: {exception}")


def _note(task: Any, error: str | None) -> None:
    name = str(getattr(task, "name", ""))
    if name.startswith(OUR_TASKS):
        services.job_ended(task=name, error=error, now=timezone.now())
