"""SMS, published directly to one verified number through Amazon SNS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alerts.models import Channel, Notification
from cryptopulse.clients import aws

from .amazon import aws_errors
from .base import DeliveryError, NotificationChannel

if TYPE_CHECKING:
    import uuid

#: E.164: a plus, the country's code, at most 15 digits altogether.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LENGTH = 300  # characters; every 70 to 160 of them are billed as one message

ATTRIBUTES = {
    "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
}


class SmsChannel(NotificationChannel):
    """Sends the first line of a notification; of account mail (a code), the whole body."""

    def send(self, notification: Notification) -> None:
        if notification.kind == Notification.Kind.MAIL:
            number, text = notification.address, notification.body
        else:
            number, text = verified_number(notification.user_id), notification.subject
        if not E164.fullmatch(number):
            raise DeliveryError("There is no verified number.", permanent=True)
        with aws_errors():
            aws("sns").publish(
                PhoneNumber=number, Message=text[:LENGTH], MessageAttributes=ATTRIBUTES
            )


def verified_number(user_id: uuid.UUID | None) -> str:
    """Return the person's number if they have verified one, else nothing."""
    if user_id is None:
        return ""
    key = Channel.key(user_id, Channel.Kind.SMS)
    numbers = Channel.objects.filter(pk=key, verified_at__isnull=False)
    return numbers.values_list("address", flat=True).first() or ""
