"""Background work of the alerts app: shells around its services."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from alerts import services
from alerts.channels.base import DeliveryError
from alerts.services.outbox import wake_delivery
from alerts.turns import Turns

logger = logging.getLogger(__name__)


@shared_task
def evaluate_alerts() -> int:
    """Evaluate the prices that no tick has: the net under a process that died in between."""
    return services.evaluate_waiting(now=timezone.now())


@shared_task
def fire_coin(coin_id: str) -> int:
    """Fire what a price has crossed where that is too much for the thread that stored it."""
    return services.fire_coin(coin_id=coin_id, now=timezone.now())


#: As many threads as `manage.py pulse` has; a worker says how many it has itself.
turns = Turns(threads=4)


@worker_ready.connect
def share_threads(*, sender: Any, **_: Any) -> None:
    """Leave half of the worker's threads to prices and alerts."""
    turns.serve(sender.controller.concurrency)


@shared_task
def deliver_due() -> int:
    """Send the notifications that are due, unless enough threads of this process are at it.

    Whoever was turned away had a reason: another look follows.
    """
    if not turns.take():
        return 0
    try:
        return services.deliver_due(now=timezone.now())
    finally:
        if turns.give_back():
            wake_delivery()


@shared_task
def watch_operations() -> int:
    """Tell admins what has failed, and what works again."""
    return services.watch_operations(now=timezone.now())


@shared_task
def send_digests() -> int:
    """Write the market digests whose morning it is."""
    return services.send_digests(now=timezone.now())


@shared_task
def purge_notifications() -> int:
    """Delete the notifications whose time is over."""
    return services.purge_notifications(now=timezone.now())


@shared_task
def refresh_channel(channel_id: str) -> str:
    """Make one person's own topic, or see whether they have confirmed it."""
    return services.refresh_channel(channel_id=channel_id, now=timezone.now())


@shared_task
def refresh_channels() -> int:
    """Do the same for all that wait."""
    return services.refresh_channels(now=timezone.now())


@shared_task
def delete_topic(topic_arn: str) -> None:
    """Delete the topic of somebody who does not want it any more."""
    try:
        services.delete_topic(topic_arn=topic_arn)
    except DeliveryError as error:
        logger.warning("a topic stays behind, empty of publications: %s", error)
