"""Background work of the alerts app: shells around its services."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from alerts import services
from alerts.channels.base import DeliveryError

logger = logging.getLogger(__name__)


@shared_task
def evaluate_alerts() -> int:
    """Evaluate the prices that no tick has: the net under a process that died in between."""
    return services.evaluate_waiting(now=timezone.now())


@shared_task
def fire_coin(coin_id: str) -> int:
    """Fire what a price has crossed where that is too much for the thread that stored it."""
    return services.fire_coin(coin_id=coin_id, now=timezone.now())


@shared_task
def deliver_due() -> int:
    """Send the notifications that are due."""
    return services.deliver_due(now=timezone.now())


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
