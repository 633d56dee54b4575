"""Amazon SNS: a topic for machines, one for operators, and one of a person's own.

None of them shows one person's business to another: the system's topic carries who it is about
as an attribute, and no address and no balance in its body.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from alerts.models import Channel
from cryptopulse.clients import aws

from .amazon import aws_errors
from .base import DeliveryError, NotificationChannel

if TYPE_CHECKING:
    from alerts.models import Notification

SUBJECT_LENGTH = 100

_PERSONAL = re.compile(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:cryptopulse-([0-9a-f]{32})")


class SystemTopicChannel(NotificationChannel):
    """Publishes JSON to SNS_TOPIC_ARN, for machines to filter by attributes."""

    def send(self, notification: Notification) -> None:
        message = {
            "event_id": str(notification.event_id),
            "kind": notification.kind,
            "coin_id": notification.coin_id,
            "title": notification.subject,
            "text": notification.body,
            "at": notification.created_at.isoformat(),
        }
        publish(settings.SNS_TOPIC_ARN, notification, json.dumps(message, ensure_ascii=False))


class OperationsTopicChannel(NotificationChannel):
    """Publishes text to SNS_OPS_TOPIC_ARN, for the people who run the system."""

    def send(self, notification: Notification) -> None:
        publish(settings.SNS_OPS_TOPIC_ARN, notification, notification.body)


class PersonalTopicChannel(NotificationChannel):
    """Publishes text to the person's own topic, which has their address and nobody else's."""

    def send(self, notification: Notification) -> None:
        key = Channel.key(notification.user_id, Channel.Kind.SNS_EMAIL)  # type: ignore[arg-type]
        channel = Channel.objects.filter(pk=key, verified_at__isnull=False).first()
        if channel is None:
            raise DeliveryError("E-mail by Amazon SNS is not confirmed.", permanent=True)
        publish(channel.topic_arn, notification, f"{notification.body}\n\n{link(notification)}")


@dataclass(frozen=True, slots=True)
class PersonalTopic:
    """A topic as SNS made it, and the subscription that waits to be confirmed."""

    topic_arn: str
    subscription_arn: str


def publish(topic_arn: str, notification: Notification, message: str) -> None:
    """Publish to a topic with the attributes by which receivers filter and drop repetitions."""
    if not topic_arn:
        raise DeliveryError("The topic is not configured any more.", permanent=True)
    with aws_errors():
        aws("sns").publish(
            TopicArn=topic_arn,
            Subject=subject_of(notification),
            Message=message,
            MessageAttributes=attributes_of(notification),
        )


def attributes_of(notification: Notification) -> dict[str, dict[str, str]]:
    """Return what a subscription may filter by; SNS refuses empty values."""
    values = {
        "event_id": str(notification.event_id),
        "kind": notification.kind,
        "coin_id": notification.coin_id,
        "user_id": str(notification.user_id or ""),
    }
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }


def subject_of(notification: Notification) -> str:
    """Return a subject that SNS takes: printable ASCII, at most 100 characters."""
    text = notification.subject.encode("ascii", "replace").decode()
    return (
        "".join(letter for letter in text if letter.isprintable())[:SUBJECT_LENGTH].strip() or "-"
    )


def link(notification: Notification) -> str:
    """Return the address that a message leads to."""
    return f"{settings.SITE_URL}{notification.url or '/'}"


def make_personal_topic(*, user_id: uuid.UUID, address: str) -> PersonalTopic:
    """Make a person's topic and subscribe their address; SNS mails them to confirm.

    Repeating it changes nothing but that a subscription still pending is mailed again. Raises
    DeliveryError.
    """
    with aws_errors():
        topic = aws("sns").create_topic(Name=f"cryptopulse-{user_id.hex}")["TopicArn"]
        answer = aws("sns").subscribe(
            TopicArn=topic, Protocol="email", Endpoint=address, ReturnSubscriptionArn=True
        )
    return PersonalTopic(topic_arn=topic, subscription_arn=answer["SubscriptionArn"])


def owner_of(topic_arn: str) -> uuid.UUID | None:
    """Return whose own topic this is; None for any other, such as the system's."""
    found = _PERSONAL.fullmatch(topic_arn)
    return uuid.UUID(found[1]) if found else None


def unsubscribe_others(topic_arn: str, *, address: str) -> None:
    """End every confirmed subscription of a person's topic but this address's.

    Raises DeliveryError.
    """
    with aws_errors():
        found = aws("sns").list_subscriptions_by_topic(TopicArn=topic_arn)
        for row in found["Subscriptions"]:
            if row["Endpoint"] != address and row["SubscriptionArn"].startswith("arn:"):
                aws("sns").unsubscribe(SubscriptionArn=row["SubscriptionArn"])


def confirmed_subscription(channel: Channel) -> str:
    """Return the ARN of the person's confirmed subscription; empty while it is not.

    Raises DeliveryError. Asks for the subscription, or, where SNS gave no ARN for a pending one,
    looks through the topic's, of which there is one.
    """
    with aws_errors():
        if channel.subscription_arn.startswith("arn:"):
            return _confirmed(channel.subscription_arn)
        found = aws("sns").list_subscriptions_by_topic(TopicArn=channel.topic_arn)
    for row in found["Subscriptions"]:
        arn: str = row["SubscriptionArn"]
        if row["Endpoint"] == channel.address and arn.startswith("arn:"):
            return _confirmed(arn)
    return ""


def delete_topic(topic_arn: str) -> None:
    """Delete a person's topic and with it their subscription. Raises DeliveryError."""
    with aws_errors():
        aws("sns").delete_topic(TopicArn=topic_arn)


def _confirmed(arn: str) -> str:
    with aws_errors():
        answer: Any = aws("sns").get_subscription_attributes(SubscriptionArn=arn)
    return "" if answer["Attributes"].get("PendingConfirmation") == "true" else arn
