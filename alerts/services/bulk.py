"""Pausing and resuming many of one's own alerts at once, a chunk at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from alerts import rules
from alerts.models import PriceAlert
from cryptopulse.atomic import in_chunks, run_atomic
from market import services as market

from .alerts import Kind, locked_person, record_change
from .reading import LIVE, MAX_ALERTS

if TYPE_CHECKING:
    from accounts.models import User
    from market.models import Coin

State = PriceAlert.State


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """How many alerts were changed, and how many had to stay as they were."""

    changed: int
    left: int = 0


def pause_own(
    *,
    user: User,
    alert_ids: Collection[uuid.UUID] | None = None,
    now: datetime,  # noqa: ARG001
    address: str | None = None,
) -> BulkResult:
    """Pause these alerts of the person, or all that could fire. Raises AlertRejected."""
    waiting = _own(user, alert_ids).filter(LIVE).exclude(state=State.PAUSED)

    def operation(keys: Sequence[uuid.UUID]) -> int:
        person = locked_person(user)
        rows = PriceAlert.objects.filter(LIVE, pk__in=keys, user=person)
        changed: int = rows.exclude(state=State.PAUSED).update(state=State.PAUSED)
        _record(person, "paused", changed, address)
        return changed

    return BulkResult(changed=_in_chunks(waiting.values_list("pk", flat=True), operation))


def resume_own(
    *,
    user: User,
    alert_ids: Collection[uuid.UUID] | None = None,
    now: datetime,
    address: str | None = None,
) -> BulkResult:
    """Arm these paused alerts of the person, or all. Raises AlertRejected: not_allowed.

    One whose target is met already, or whose coin has no price, stays paused: armed, it would
    fire at once.
    """
    paused = list(_own(user, alert_ids).filter(state=State.PAUSED))
    coins = market.latest_quotes(coin_ids={alert.coin_id for alert in paused})
    known = {coin.pk: coin for coin in coins}
    ready = [alert.pk for alert in paused if _may_wait(alert, known.get(alert.coin_id))]

    def operation(keys: Sequence[uuid.UUID]) -> int:
        person = locked_person(user)
        locked = PriceAlert.objects.select_for_update().filter(pk__in=keys, user=person)
        alerts = [
            alert
            for alert in locked.order_by("pk")
            if alert.state == State.PAUSED and _may_wait(alert, known.get(alert.coin_id))
        ]
        for alert in alerts:
            armed_at = known[alert.coin_id].price_at or now  # the price it was compared with
            PriceAlert.objects.filter(pk=alert.pk).update(
                state=State.ARMED, armed_at=armed_at, rearm_at=None
            )
        _record(person, "resumed", len(alerts), address)
        return len(alerts)

    changed = _in_chunks(ready, operation)
    return BulkResult(changed=changed, left=len(paused) - changed)


def _own(user: User, alert_ids: Collection[uuid.UUID] | None) -> QuerySet[PriceAlert]:
    rows = PriceAlert.objects.filter(user=user)
    if alert_ids is not None:
        rows = rows.filter(pk__in=list(alert_ids)[:MAX_ALERTS])
    return rows


def _may_wait(alert: PriceAlert, coin: Coin | None) -> bool:
    if coin is None or not coin.tracked or coin.last_price is None:
        return False
    return not rules.is_met(side=alert.condition, target=alert.target, price=coin.last_price)


def _in_chunks(keys: Collection[uuid.UUID], operation: Callable[[Sequence[uuid.UUID]], int]) -> int:
    """Run the operation over the keys: each chunk with the person's row and a line of the log."""
    chunks = in_chunks(list(keys), actions_per_item=1, besides=2)
    return sum(run_atomic(partial(operation, chunk)) for chunk in chunks)


def _record(person: User, what: str, number: int, address: str | None) -> None:
    if number:
        noun = "alert" if number == 1 else "alerts"
        record_change(Kind.ALERT_CHANGED, person, f"{number} {noun} {what} at once", address)
