"""What the product keeps about itself: figures per day, faults, announcements."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .keys import new_key


class DailyFigure(models.Model):
    """How much of something happened on one day (UTC). Counted from the rows, never added up.

    A count may be made again at any time and gives the same, so nothing is lost or doubled when
    a job runs twice or not at all.
    """

    class Name(models.TextChoices):
        SIGN_UPS = "signups", _("Sign-ups")
        TRADES = "trades", _("Trades")
        ALERTS_SET = "alerts_set", _("Alerts set")
        ALERTS_FIRED = "alerts_fired", _("Alerts fired")

    id = models.CharField(primary_key=True, max_length=40)  # "signups:2026-11-20"
    name = models.CharField(max_length=24, choices=Name.choices)
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)
    amount = models.DecimalField(max_digits=15, decimal_places=2, default=0)  # dollars traded
    counted_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["name", "day"], name="dailyfigure_name_day"),)

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(name: str, day: date) -> str:
        return f"{name}:{day.isoformat()}"


class Fault(models.Model):
    """One way in which something failed on one day, and how often. Holds no personal data."""

    class Source(models.TextChoices):
        REQUEST = "request", _("Page or operation")
        JOB = "job", _("Background job")
        DELIVERY = "delivery", _("Delivery")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("Resolved")

    id = models.CharField(primary_key=True, max_length=32)  # "2026-11-20:0123456789abcdef"
    source = models.CharField(max_length=8, choices=Source.choices)
    place = models.CharField(max_length=120)  # the route or the task, without what was in it
    exception = models.CharField(max_length=80)
    message = models.CharField(max_length=200, blank=True)  # see `faults.without_values`
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["state", "last_at"], name="fault_state"),
            models.Index(fields=["expires_at"], name="fault_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.exception or self.get_source_display()} in {self.place}"


class Announcement(models.Model):
    """A sentence that an admin has put above every page, for some time and for some people."""

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        WARNING = "warning", _("Warning")

    class Audience(models.TextChoices):
        EVERYBODY = "everybody", _("Everybody, visitors too")
        MEMBERS = "members", _("Everybody who is logged in")
        USER = "user", _("Users")
        ANALYST = "analyst", _("Analysts")
        MODERATOR = "moderator", _("Moderators")
        ADMIN = "admin", _("Admins")

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    text = models.CharField(max_length=300)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    audience = models.CharField(max_length=12, choices=Audience.choices, default=Audience.MEMBERS)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)  # empty: until somebody ends it

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.text

    def is_for(self, user: Any) -> bool:
        """Tell whether this person, or a visitor, is meant."""
        if self.audience == self.Audience.EVERYBODY:
            return True
        if not (user and user.is_authenticated):
            return False
        return self.audience in (self.Audience.MEMBERS, user.role)

    def is_current(self, now: Any) -> bool:
        """Tell whether it is shown at this moment."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
