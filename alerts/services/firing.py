"""Firing the alerts that a price has crossed: in chunks that each commit with what they tell.

A chunk locks its alerts, asks again whether they are armed and met, and writes their new state and
the outbox rows in one transaction. So two workers, a crash in between or a repetition fire nothing
twice and lose nothing: an alert that fired is not armed any more.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, connection, connections
from django.db.models import QuerySet

from alerts import rules
from alerts.models import Condition, PriceAlert
from cryptopulse.atomic import in_chunks, run_atomic
from cryptopulse.engine import is_dynamodb

from . import outbox_rows, underway
from .news import FiredAlert, News
from .notifications import with_topic
from .outbox_rows import keys_of

if TYPE_CHECKING:
    from market.models import Coin

State = PriceAlert.State

#: On DynamoDB a chunk is a transaction of 100 actions, and nearly all its time is waiting for the
#: answer: so many are on their way at once.
THREADS = 8
#: Seconds between two chunks: a tick that waits for SQLite's one lock, or for Python's, gets it.
TURN = 0.001
_READ = ("pk", "target", "armed_at", "times_fired", "channels", "repeats", "cooldown")


class Crossed(NamedTuple):
    """An alert within the bounds of a price, as read without a lock."""

    key: uuid.UUID
    user_id: uuid.UUID
    channels: list[str]


def crossed(coin_id: str, side: Condition, seen: rules.Observation) -> QuerySet[PriceAlert]:
    """Return the armed alerts of one side within the interval's bounds, the nearest first."""
    bound = {"target__lte" if side == Condition.ABOVE else "target__gte": seen.extreme(side)}
    return PriceAlert.objects.filter(
        coin_id=coin_id, condition=side, state=State.ARMED, **bound
    ).order_by("target" if side == Condition.ABOVE else "-target")


def find_crossed(
    coin_id: str, side: Condition, seen: rules.Observation, *, most: int | None = None
) -> list[Crossed]:
    """Read what is crossed, at most so many. One query."""
    rows = crossed(coin_id, side, seen).values_list("pk", "user_id", "channels")
    return [Crossed(*row) for row in (rows if most is None else rows[:most])]


def fire(
    coin: Coin,
    side: Condition,
    seen: rules.Observation,
    found: Sequence[Crossed],
    *,
    now: datetime,
) -> int:
    """Fire those of the alerts found that are armed and met; return how many fired.

    Costs a query for how their owners read, and a transaction for each chunk.
    """
    if not found:
        return 0
    news = News(coin, side=side, at=seen.price_at, now=now)
    news.read_owners({alert.user_id for alert in found})
    chunks = list(in_chunks(found, actions_per_item=actions_of))

    def work(chunk: Sequence[Crossed]) -> int:
        if len(chunks) > 1:
            underway.note(coin.pk)
            time.sleep(TURN)
        return fire_chunk(chunk, side, seen, news, now=now)

    try:
        return sum(_each([partial(work, chunk) for chunk in chunks]))
    finally:
        if len(chunks) > 1:
            underway.end(coin.pk)


def actions_of(alert: Crossed) -> int:
    """Return how many rows firing an alert writes: its own, and one for each channel."""
    return 1 + len(with_topic(alert.channels))


def _each(calls: Sequence[Callable[[], int]]) -> list[int]:
    """Make the calls, at the same time where the database would rather have it so.

    Each commits by itself. All are made, even when one fails; then the first failure is raised.
    """
    if len(calls) == 1 or not is_dynamodb() or connection.in_atomic_block:
        return [call() for call in calls]

    def call_in_thread(call: Callable[[], int]) -> int:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(min(THREADS, len(calls)), "firing") as pool:
        return [one.result() for one in [pool.submit(call_in_thread, call) for call in calls]]


def fire_chunk(
    chunk: Sequence[Crossed],
    side: Condition,
    seen: rules.Observation,
    news: News,
    *,
    now: datetime,
) -> int:
    """Fire those of a chunk that are still armed and met, in one transaction."""
    try:
        return run_atomic(partial(_fire, chunk, side, seen, news, now=now))
    except IntegrityError:
        # An alert of an older backup tells again what was told: the rows that are there stay.
        return run_atomic(partial(_fire, chunk, side, seen, news, now=now, is_news=False))


def _fire(
    chunk: Sequence[Crossed],
    side: Condition,
    seen: rules.Observation,
    news: News,
    *,
    now: datetime,
    is_news: bool = True,
) -> int:
    owners = {alert.key: alert.user_id for alert in chunk}
    waiting = PriceAlert.objects.select_for_update().filter(
        pk__in=keys_of(owners), state=State.ARMED, condition=side
    )
    fired: list[FiredAlert] = []
    alike: dict[tuple[Any, ...], list[uuid.UUID]] = {}
    rows = waiting.order_by("pk").values_list(*_READ)
    for key, target, armed_at, times_fired, channels, repeats, cooldown in rows:
        price = rules.firing_price(
            side=side, target=target, armed_at=armed_at, seen=seen, was_rearmed=times_fired > 0
        )
        if price is None:
            continue
        rearm_at = now + timedelta(seconds=cooldown) if repeats else None
        alike.setdefault((price, times_fired + 1, rearm_at), []).append(key)
        fired.append(
            FiredAlert(key, owners[key], target, repeats, channels, times_fired + 1, price)
        )
    for (price, times_fired, rearm_at), changed in alike.items():
        PriceAlert.objects.filter(pk__in=keys_of(changed)).update(
            state=State.FIRED,
            last_fired_at=seen.price_at,
            last_fired_price=price,
            times_fired=times_fired,
            rearm_at=rearm_at,
        )
    if fired:
        outbox_rows.insert(news.common, news.rows(fired), is_new=is_news)
    return len(fired)
