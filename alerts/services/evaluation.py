"""Firing alerts: what a tick costs is what it fires, however many alerts wait.

One query looks, for each coin that moved, at the nearest target on each side. Only where the
price has crossed it are alerts fetched, by literal bounds on the same partial index, and fired in
chunks (`firing`). A coin counts as evaluated only after its last chunk; until then its interval
goes on, so that whoever comes next finds what a crash has left.

A tick fires a few alerts by itself. Where it has crossed more than MOST_AT_ONCE, a worker fires
them, and the next tick does not wait for it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from alerts import rules
from alerts.models import AlertedCoin, Condition, PriceAlert
from alerts.services.outbox import start, wake_delivery
from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import is_dynamodb
from market import services as market

from . import underway
from .firing import find_crossed, fire
from .glance import glance

if TYPE_CHECKING:
    from market.models import Coin

logger = logging.getLogger(__name__)

State = PriceAlert.State

#: So many alerts of a coin are fired, or armed again, in the thread that stored the price: some
#: 20 ms. More than these go to a worker.
MOST_AT_ONCE = 200


class TooMany(Exception):  # noqa: N818 (it is what was found, not a fault)
    """More alerts of a coin are crossed than are to be fired here."""


def evaluate(*, coin_ids: Iterable[str], now: datetime, most: int | None = None) -> int:
    """Fire the alerts that these coins' prices have reached; return how many.

    Stale prices are left alone. A coin whose evaluation fails is logged, keeps its interval and
    is evaluated again by the next tick or the next beat; the others are not held up by it. `most`:
    a coin with more to do than this is left to a worker, if one can be asked.
    """
    fired = 0
    resting, moved = _looked_at(list(coin_ids))
    done = {pk: at for pk, at in resting.items() if now - at <= settings.STALE_AFTER}
    for coin in moved:
        seen = observation(coin)
        if seen is None or coin.is_stale(now=now):
            continue
        try:
            fired += _evaluate_coin(coin, seen, now=now, most=most)
        except TooMany:
            logger.info("%s has crossed more than %s alerts: a worker fires them", coin.pk, most)
        except Exception:
            logger.exception("%s could not be evaluated", coin.pk)
        else:
            done[coin.pk] = seen.price_at
    if done:
        market.mark_evaluated(moments=done, now=now)
    if fired:
        wake_delivery()
    return fired


def evaluate_waiting(*, now: datetime) -> int:
    """Evaluate every coin whose latest price nobody has evaluated; the safety net under ticks."""
    waiting = [
        coin.pk
        for coin in market.moved_coins()
        if not coin.is_stale(now=now) and not underway.is_on(coin.pk)
    ]
    return evaluate(coin_ids=waiting, now=now) if waiting else 0


def fire_coin(*, coin_id: str, now: datetime) -> int:
    """Fire all that a coin's price has crossed, and what later prices cross meanwhile.

    Who finds this under way leaves it alone, so the last look is after its end is said: a price
    that came before was stored before, and a later one starts another firing.
    """
    began, fired, before = time.monotonic(), 0, None
    while (price_at := _unevaluated(coin_id)) is not None and price_at != before:
        underway.note(coin_id)
        try:
            passed = timedelta(seconds=time.monotonic() - began)
            fired += evaluate(coin_ids=[coin_id], now=now + passed)
        finally:
            underway.end(coin_id)
        before = price_at
    underway.end(coin_id)
    return fired


def _unevaluated(coin_id: str) -> datetime | None:
    """Return the moment of the coin's latest price, if nobody has evaluated it."""
    coin = market.coin(coin_id=coin_id)
    if coin is None or coin.price_at is None:
        return None
    is_done = coin.evaluated_at is not None and coin.evaluated_at >= coin.price_at
    return None if is_done else coin.price_at


def _looked_at(coin_ids: Sequence[str]) -> tuple[dict[str, datetime], Iterable[Any]]:
    """Return the coins that have crossed nothing, with when their price was, and the others.

    A price of the first is no newer than what was asked about it. On DynamoDB those are the coins
    without alerts; they are read before what is known of them, so that who makes the first alert
    on one of them after that looks at its price again.
    """
    if is_dynamodb():
        moved = market.moved_coins(coin_ids=coin_ids).values_list("pk", "price_at")
        read = {coin_id: price_at for coin_id, price_at in moved if price_at is not None}
        busy = set(AlertedCoin.objects.values_list("pk", flat=True)) & read.keys()
    else:
        found = glance(coin_ids, probe)
        read = {one.coin_id: one.price_at for one in found}
        busy = {one.coin_id for one in found if one.is_crossed}
    resting = {coin_id: at for coin_id, at in read.items() if coin_id not in busy}
    return resting, probe(busy) if busy else ()


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


def _evaluate_coin(
    coin: Any, seen: rules.Observation, *, now: datetime, most: int | None = None
) -> int:
    """Arm again what is back on the other side, and fire what is crossed.

    What is armed again waits for the next price. Raises TooMany where there is more than `most`
    to do and a worker does it.
    """
    spare = None if most is None else most + 1
    spent = {
        side: _find_spent(coin.pk, side, seen, now=now, most=spare)
        for side in _returned(coin, seen)
    }
    found = {side: find_crossed(coin.pk, side, seen, most=spare) for side in _reached(coin, seen)}
    work = [len(keys) for keys in spent.values()] + [len(alerts) for alerts in found.values()]
    if most is not None and max(work, default=0) > most:
        if _hand_over(coin.pk):
            raise TooMany
        return _evaluate_coin(coin, seen, now=now)
    for side, keys in spent.items():
        _rearm(coin, side, seen, keys, now=now)
    return sum(fire(coin, side, seen, alerts, now=now) for side, alerts in found.items())


def _returned(coin: Any, seen: rules.Observation) -> list[Condition]:
    """Return the sides on which the price has left a target that has fired."""
    sides = []
    if coin.spent_above is not None and coin.spent_above > seen.price:
        sides.append(Condition.ABOVE)
    if coin.spent_below is not None and coin.spent_below < seen.price:
        sides.append(Condition.BELOW)
    return sides


def _reached(coin: Any, seen: rules.Observation) -> list[Condition]:
    """Return the sides on which the price has come to a target, or been there meanwhile."""
    sides = []
    if coin.next_above is not None and coin.next_above <= seen.extreme(Condition.ABOVE):
        sides.append(Condition.ABOVE)
    if coin.next_below is not None and coin.next_below >= seen.extreme(Condition.BELOW):
        sides.append(Condition.BELOW)
    return sides


def _hand_over(coin_id: str) -> bool:
    """Let a worker fire this coin; False where none can be asked."""
    if not underway.begin(coin_id):
        return True
    if start("fire_coin", coin_id):
        return True
    underway.end(coin_id)
    return False


def to_rearm(
    coin_id: str, side: Condition, seen: rules.Observation, *, now: datetime
) -> QuerySet[PriceAlert]:
    """Return the fired alerts of one side that the price has left and whose cooldown is over."""
    bound = {"target__gt" if side == Condition.ABOVE else "target__lt": seen.price}
    return PriceAlert.objects.filter(
        coin_id=coin_id, condition=side, state=State.FIRED, repeats=True, rearm_at__lte=now, **bound
    )


def _find_spent(
    coin_id: str, side: Condition, seen: rules.Observation, *, now: datetime, most: int | None
) -> list[uuid.UUID]:
    keys = to_rearm(coin_id, side, seen, now=now).values_list("pk", flat=True)
    return list(keys if most is None else keys[:most])


def _rearm(
    coin: Coin,
    side: Condition,
    seen: rules.Observation,
    keys: Sequence[uuid.UUID],
    *,
    now: datetime,
) -> None:
    """Arm again, from this price on, what the price has left; chunk by chunk."""

    def operation(chunk: Sequence[uuid.UUID]) -> None:
        locked = to_rearm(coin.pk, side, seen, now=now).filter(pk__in=chunk).select_for_update()
        ready = [alert.pk for alert in locked.order_by("pk") if _may_rearm(alert, seen, now=now)]
        PriceAlert.objects.filter(pk__in=ready).update(
            state=State.ARMED, armed_at=seen.price_at, rearm_at=None
        )

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
