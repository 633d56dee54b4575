"""Firing alerts: what a tick costs is what it fires, however many alerts wait.

One query looks, for each coin that moved, at the nearest target on each side. Only where the
price has crossed it are alerts fetched, by literal bounds on the same partial index, and fired in
chunks that each lock their rows, ask again and commit together with their notifications. Running
twice, crashing half-way or running in two processes at once fires nothing twice and loses
nothing: an alert that fired is not armed any more, and a coin counts as evaluated only after its
last chunk.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from alerts import rules
from alerts.models import Condition, Notification, PriceAlert
from alerts.services.notifications import alert_notifications
from alerts.services.outbox import wake_delivery
from cryptopulse.atomic import in_chunks, run_atomic
from market import services as market

if TYPE_CHECKING:
    from market.models import Coin

logger = logging.getLogger(__name__)

State = PriceAlert.State
#: An alert and at most one notification for each channel and for the system's topic.
ROWS_PER_ALERT = 2 + len(settings.NOTIFICATION_CHANNELS)
_WRITTEN = ("state", "last_fired_at", "last_fired_price", "times_fired", "rearm_at")


def evaluate(*, coin_ids: Iterable[str], now: datetime) -> int:
    """Fire the alerts that these coins' prices have reached; return how many.

    Stale prices are left alone. A coin whose evaluation fails is logged, keeps its interval and
    is evaluated again by the next tick or the next beat; the others are not held up by it.
    """
    fired, done = 0, []
    for coin in probe(coin_ids):
        seen = observation(coin)
        if seen is None or coin.is_stale(now=now):
            continue
        try:
            fired += _evaluate_coin(coin, seen, now=now)
        except Exception:
            logger.exception("%s could not be evaluated", coin.pk)
        else:
            done.append(coin)
    if done:
        market.mark_evaluated(coins=done, now=now)
    if fired:
        wake_delivery()
    return fired


def evaluate_waiting(*, now: datetime) -> int:
    """Evaluate every coin whose latest price nobody has evaluated; the safety net under ticks."""
    waiting = [coin.pk for coin in market.moved_coins() if not coin.is_stale(now=now)]
    return evaluate(coin_ids=waiting, now=now) if waiting else 0


def probe(coin_ids: Iterable[str]) -> QuerySet[Any]:
    """Return coins with the nearest target on each side: of armed alerts (`next_above`,
    `next_below`) and of fired ones that wait to be armed again (`spent_above`, `spent_below`).

    One query, one index entry per coin and side.
    """
    armed = PriceAlert.objects.filter(coin=OuterRef("pk"), state=State.ARMED)
    spent = PriceAlert.objects.filter(coin=OuterRef("pk"), state=State.FIRED, repeats=True)

    def nearest(alerts: QuerySet[PriceAlert], condition: str, order: str) -> Subquery:
        on_side = alerts.filter(condition=condition).order_by(order)
        return Subquery(on_side.values("target")[:1])

    return market.moved_coins(coin_ids=list(coin_ids)).annotate(
        next_above=nearest(armed, Condition.ABOVE, "target"),
        next_below=nearest(armed, Condition.BELOW, "-target"),
        spent_above=nearest(spent, Condition.ABOVE, "-target"),
        spent_below=nearest(spent, Condition.BELOW, "target"),
    )


def observation(coin: Coin) -> rules.Observation | None:
    """Return what a coin with a price says of the time since it was last evaluated."""
    price, price_at = coin.last_price, coin.price_at
    if price is None or price_at is None:
        return None
    return rules.Observation(
        price=price,
        price_at=price_at,
        low=price if coin.tick_low is None else coin.tick_low,
        high=price if coin.tick_high is None else coin.tick_high,
        since=coin.tick_since or price_at,
    )


def _evaluate_coin(coin: Any, seen: rules.Observation, *, now: datetime) -> int:
    """Arm again what is back on the other side, then fire what is crossed.

    In this order an alert that is armed again waits for the next price.
    """
    fired = 0
    if coin.spent_above is not None and coin.spent_above > seen.price:
        _rearm(coin, Condition.ABOVE, seen, now=now)
    if coin.spent_below is not None and coin.spent_below < seen.price:
        _rearm(coin, Condition.BELOW, seen, now=now)
    if coin.next_above is not None and coin.next_above <= seen.extreme(Condition.ABOVE):
        fired += _fire_side(coin, Condition.ABOVE, seen, now=now)
    if coin.next_below is not None and coin.next_below >= seen.extreme(Condition.BELOW):
        fired += _fire_side(coin, Condition.BELOW, seen, now=now)
    return fired


def crossed(coin_id: str, side: Condition, seen: rules.Observation) -> QuerySet[PriceAlert]:
    """Return the armed alerts of one side within the interval's bounds."""
    bound = {"target__lte" if side == Condition.ABOVE else "target__gte": seen.extreme(side)}
    return PriceAlert.objects.filter(
        coin_id=coin_id, condition=side, state=State.ARMED, **bound
    ).order_by("target" if side == Condition.ABOVE else "-target")


def _fire_side(coin: Coin, side: Condition, seen: rules.Observation, *, now: datetime) -> int:
    """Fire the crossed alerts of one side, chunk by chunk; return how many fired."""
    columns = ("pk", "target", "armed_at", "times_fired")
    keys = [
        key
        for key, target, armed_at, times_fired in crossed(coin.pk, side, seen).values_list(*columns)
        if rules.firing_price(
            side=side, target=target, armed_at=armed_at, seen=seen, was_rearmed=times_fired > 0
        )
        is not None
    ]
    return sum(
        run_atomic(partial(_fire, coin, chunk, seen, now=now))
        for chunk in in_chunks(keys, actions_per_item=ROWS_PER_ALERT)
    )


def _fire(coin: Coin, keys: Sequence[uuid.UUID], seen: rules.Observation, *, now: datetime) -> int:
    """Fire those of a chunk that are still armed and met, with their notifications."""
    waiting = PriceAlert.objects.select_for_update().filter(pk__in=keys, state=State.ARMED)
    fired: list[PriceAlert] = []
    for alert in waiting.order_by("pk"):
        price = rules.firing_price(
            side=alert.condition,
            target=alert.target,
            armed_at=alert.armed_at,
            seen=seen,
            was_rearmed=alert.times_fired > 0,
        )
        if price is None:
            continue
        alert.state = State.FIRED
        alert.last_fired_at = seen.price_at
        alert.last_fired_price = price
        alert.times_fired += 1
        alert.rearm_at = now + timedelta(seconds=alert.cooldown) if alert.repeats else None
        fired.append(alert)
    if fired:
        _save_fired(fired)
        Notification.objects.bulk_create(
            alert_notifications(fired, coin, now=now),
            ignore_conflicts=True,
        )
    return len(fired)


def _save_fired(fired: Sequence[PriceAlert]) -> None:
    """Write what firing has changed: one update for all that changed alike, which most did."""
    alike: dict[tuple[Any, ...], list[uuid.UUID]] = {}
    for alert in fired:
        alike.setdefault(tuple(getattr(alert, name) for name in _WRITTEN), []).append(alert.pk)
    for values, keys in alike.items():
        PriceAlert.objects.filter(pk__in=keys).update(**dict(zip(_WRITTEN, values, strict=True)))


def to_rearm(
    coin_id: str, side: Condition, seen: rules.Observation, *, now: datetime
) -> QuerySet[PriceAlert]:
    """Return the fired alerts of one side that the price has left and whose cooldown is over."""
    bound = {"target__gt" if side == Condition.ABOVE else "target__lt": seen.price}
    return PriceAlert.objects.filter(
        coin_id=coin_id, condition=side, state=State.FIRED, repeats=True, rearm_at__lte=now, **bound
    )


def _rearm(coin: Coin, side: Condition, seen: rules.Observation, *, now: datetime) -> None:
    """Arm again, from this price on, what the price has left; chunk by chunk."""

    def operation(keys: Sequence[uuid.UUID]) -> None:
        locked = to_rearm(coin.pk, side, seen, now=now).filter(pk__in=keys).select_for_update()
        ready = [alert.pk for alert in locked.order_by("pk") if _may_rearm(alert, seen, now=now)]
        PriceAlert.objects.filter(pk__in=ready).update(
            state=State.ARMED, armed_at=seen.price_at, rearm_at=None
        )

    keys = list(to_rearm(coin.pk, side, seen, now=now).values_list("pk", flat=True))
    for chunk in in_chunks(keys, actions_per_item=1):
        run_atomic(partial(operation, chunk))


def _may_rearm(alert: PriceAlert, seen: rules.Observation, *, now: datetime) -> bool:
    return rules.may_rearm(
        side=alert.condition,
        target=alert.target,
        fired_at=alert.last_fired_at or seen.price_at,
        rearm_at=alert.rearm_at or now,
        price=seen.price,
        price_at=seen.price_at,
        now=now,
    )
