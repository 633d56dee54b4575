"""Price alerts, the notifications that they and other events write, and where those go."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from alerts.sealing import SealedTextField
from cryptopulse.engine import is_dynamodb
from cryptopulse.keys import new_key

#: "What is to be sent" is spread over this many index partitions on DynamoDB.
OUTBOX_BUCKETS = 16


def random_bucket() -> int:
    """Choose an outbox bucket."""
    return random.randrange(OUTBOX_BUCKETS)  # noqa: S311 (spreads load, guards nothing)


class Condition(models.TextChoices):
    """Which side of the target fires."""

    ABOVE = "above", _("rises to or above")
    BELOW = "below", _("falls to or below")


class AlertedCoin(models.Model):
    """A coin on which there is an alert, or was one: on DynamoDB a tick probes only these.

    There each probe is a request, and four of them for every coin that moves is what a tick would
    cost where nobody waits for anything. Written in the transaction that writes the alert and
    never deleted, so that a coin that is missing here has no alert. SQL databases probe an index
    of all coins in one statement and have no rows here.
    """

    id = models.CharField(primary_key=True, max_length=128)  # the coin's

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def note(coin_ids: Iterable[str]) -> None:
        """Note that there are alerts on these coins, before they are written."""
        if is_dynamodb():
            rows = [AlertedCoin(id=coin_id) for coin_id in sorted(set(coin_ids))]
            AlertedCoin.objects.bulk_create(rows, ignore_conflicts=True)


class AlertQuerySet(models.QuerySet["PriceAlert"]):
    """Alerts, of whose coins is noted that they have some."""

    def bulk_create(self, objs: Iterable[PriceAlert], *args: Any, **kwargs: Any) -> Any:
        """Insert them all; see Django's."""
        alerts = list(objs)
        AlertedCoin.note(alert.coin_id for alert in alerts)
        return super().bulk_create(alerts, *args, **kwargs)


class PriceAlert(models.Model):
    """Tell me when this coin reaches this price.

    armed: waits in the partial index. fired: has told its owner; a repeating alert is armed again
    when the price is back on the other side and its cooldown is over. paused: by its owner.
    """

    class State(models.TextChoices):
        ARMED = "armed", _("Armed")
        FIRED = "fired", _("Fired")
        PAUSED = "paused", _("Paused")

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="price_alerts"
    )
    coin = models.ForeignKey(
        "market.Coin", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    condition = models.CharField(max_length=8, choices=Condition.choices)
    target = models.DecimalField(max_digits=36, decimal_places=18)  # US dollars per coin
    state = models.CharField(max_length=8, choices=State.choices, default=State.ARMED)
    repeats = models.BooleanField(default=False)
    cooldown = models.PositiveIntegerField(default=3600)  # seconds, for repeating alerts
    channels = models.JSONField(default=list)  # channel kinds, e.g. ["in_app", "email"]
    created_at = models.DateTimeField(default=timezone.now)
    #: A wick counts only for alerts that were armed before it.
    armed_at = models.DateTimeField(default=timezone.now)
    rearm_at = models.DateTimeField(null=True, blank=True)  # end of the cooldown
    last_fired_at = models.DateTimeField(null=True, blank=True)
    last_fired_price = models.DecimalField(max_digits=36, decimal_places=18, null=True, blank=True)
    times_fired = models.PositiveIntegerField(default=0)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["coin", "condition", "target"],
                condition=models.Q(state="armed"),
                name="alert_armed",
            ),
            models.Index(
                # By target: an alert whose cooldown is long over may wait for years for the
                # price to come back, and must cost a tick nothing meanwhile.
                fields=["coin", "condition", "target", "rearm_at"],
                condition=models.Q(state="fired", repeats=True),
                name="alert_to_rearm",
            ),
            models.Index(fields=["user", "id"], name="alert_user"),
        )
        constraints = (
            models.CheckConstraint(condition=models.Q(target__gt=0), name="target_positive"),
        )

    def __str__(self) -> str:
        return f"{self.coin_id} {self.get_condition_display()} {self.target.normalize():f}"

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does, from a fixture too."""
        if self._state.adding:
            AlertedCoin.note([self.coin_id])
        super().save_base(*args, **kwargs)


class Notification(models.Model):
    """The outbox: one row per event and channel, written in the event's own transaction.

    The key is uuid5(event, channel, recipient): an event that is written twice is one row. While
    `settled_at` is empty the row is to be sent: `due_at` says when next, and while a worker holds
    it, until when its lease lasts.
    """

    class Kind(models.TextChoices):
        PRICE_ALERT = "price_alert", _("Price alert")
        TRADE = "trade", _("Trade confirmation")
        MAIL = "mail", _("Account mail")
        OPERATIONS = "operations", _("Operations")
        DIGEST = "digest", _("Market digest")
        FLAGS = "flags", _("Flagged pattern")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, editable=False)  # see `key`
    event_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    channel = models.CharField(max_length=16)  # alias in settings.NOTIFICATION_CHANNELS
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="notifications",
    )
    address = models.CharField(max_length=320, blank=True)  # e-mail address, number or topic
    coin_id = models.CharField(max_length=128, blank=True)
    subject = models.CharField(max_length=200)
    body = SealedTextField(blank=True)
    html = SealedTextField(blank=True)
    url = models.CharField(max_length=300, blank=True)  # where a click leads, a path of ours
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    bucket = models.PositiveSmallIntegerField(default=random_bucket)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(
                fields=["bucket", "due_at"],
                condition=models.Q(settled_at__isnull=True),
                name="notification_due",
            ),
            models.Index(fields=["user", "channel", "created_at"], name="notification_bell"),
            models.Index(fields=["event_id"], name="notification_event"),
            models.Index(fields=["expires_at"], name="notification_expiry"),
            models.Index(fields=["created_at"], name="notification_newest"),
        )

    def __str__(self) -> str:
        return self.subject

    @staticmethod
    def key(event_id: uuid.UUID, channel: str, address: str = "") -> uuid.UUID:
        return uuid.uuid5(event_id, f"{channel}:{address}")


class DeliveryAttempt(models.Model):
    """One try to send one notification, and what became of it."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="attempt_log"
    )
    at = models.DateTimeField(default=timezone.now)
    milliseconds = models.PositiveIntegerField(default=0)
    succeeded = models.BooleanField()
    error = models.CharField(max_length=300, blank=True)
    #: That of its notification, with which it goes.
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return "sent" if self.succeeded else self.error


class Channel(models.Model):
    """An address of one kind that a person has given and, when verified, may be told things at.

    E-mail is not here: its verified address is the account's own.
    """

    class Kind(models.TextChoices):
        SMS = "sms", _("SMS")
        SNS_EMAIL = "sns_email", _("E-mail by Amazon SNS")

    id = models.CharField(primary_key=True, max_length=64)  # user:kind
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="channels"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    address = models.CharField(max_length=320)
    code_hash = models.CharField(max_length=64, blank=True)  # of the number sent by SMS
    code_expires_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    topic_arn = models.CharField(max_length=300, blank=True)
    subscription_arn = models.CharField(max_length=400, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (
            models.Index(
                fields=["kind", "created_at"],
                condition=models.Q(verified_at__isnull=True),
                name="channel_pending",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.address}"

    @staticmethod
    def key(user_id: uuid.UUID, kind: str) -> str:
        return f"{user_id}:{kind}"


class Watched(models.Model):
    """Something that operators want to know about, and how it did when they were last told.

    The key names it: `feed:coingecko`, `budget:coingecko`, `job:market.tasks.refresh_news`.
    """

    id = models.CharField(primary_key=True, max_length=160)
    is_failing = models.BooleanField(default=False)
    failures = models.PositiveIntegerField(default=0)  # reported in a row
    changes = models.PositiveIntegerField(default=0)  # each of them is one event
    since = models.DateTimeField(default=timezone.now)
    sentence = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.id
