"""People: who they are, what they prefer, who invited them, what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cryptopulse.keys import new_key

from .roles import DJANGO_PERMISSIONS, STAFF_ROLES, Permission, Role, role_allows


class UserManager(DjangoUserManager["User"]):
    """Makes users; a superuser is an admin, because only the role gives rights."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Write an address the one way we store it, so that the unique column knows no case."""
        return (email or "").strip().lower()

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra: Any,
    ) -> User:
        """Create an admin, whatever flags the caller passes."""
        extra.setdefault("role", Role.ADMIN)
        extra.pop("is_staff", None)
        extra.pop("is_superuser", None)
        return self.create_user(username, email, password, **extra)


class User(AbstractUser):
    """A person with exactly one role.

    `is_staff` follows from the role at each save; `is_superuser`, groups and Django's own
    permissions give nothing that the role does not (see `has_perm`).
    """

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Palette(models.TextChoices):
        GREEN_RED = "green-red", _("Green and red")
        BLUE_ORANGE = "blue-orange", _("Blue and orange")

    class Language(models.TextChoices):
        OF_BROWSER = "", _("As the browser")
        ENGLISH = "en", "English"
        GERMAN = "de", "Deutsch"

    class NumberFormat(models.TextChoices):
        OF_LANGUAGE = "", _("As the language")
        COMMA_POINT = "comma-point", "1,234.56"
        POINT_COMMA = "point-comma", "1.234,56"
        SPACE_COMMA = "space-comma", "1\N{NARROW NO-BREAK SPACE}234,56"
        APOSTROPHE_POINT = "apostrophe-point", "1'234.56"

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.USER, db_index=True)
    display_currency = models.CharField(max_length=3, default="USD")
    timezone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=16, choices=Theme.choices, default=Theme.SYSTEM)
    palette = models.CharField(max_length=16, choices=Palette.choices, default=Palette.GREEN_RED)
    language = models.CharField(max_length=8, choices=Language.choices, default="", blank=True)
    number_format = models.CharField(
        max_length=20, choices=NumberFormat.choices, default="", blank=True
    )
    hide_amounts = models.BooleanField(default=False)
    #: kind of event -> list of channel kinds; a kind that is missing has its default.
    notification_choices = models.JSONField(default=dict, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=200, blank=True)
    #: Part of what a session is checked against: counting it up ends them all, for good.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_staff = self.role in STAFF_ROLES
        if (fields := kwargs.get("update_fields")) is not None and "role" in fields:
            kwargs["update_fields"] = {*fields, "is_staff"}
        super().save(*args, **kwargs)

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Write a username the one way we store it, in lower case."""
        return super().normalize_username(username).lower()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what ties a session to this password and this epoch (Django's own hook)."""
        tied_to = f"{self.password}:{self.session_epoch}" if self.session_epoch else self.password
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(salt, tied_to, secret=secret, algorithm="sha256").hexdigest()

    def may(self, permission: Permission) -> bool:
        """Tell whether this person may do this now; a suspended person may do nothing."""
        return self.is_active and role_allows(self.role, permission)

    def has_perm(self, perm: str, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        """Answer Django's permission question from the role table alone."""
        needed = DJANGO_PERMISSIONS.get(perm)
        return needed is not None and self.may(needed)

    def has_module_perms(self, app_label: str) -> bool:
        """Tell whether the Django admin shows this app to this person."""
        return any(
            self.has_perm(perm) for perm in DJANGO_PERMISSIONS if perm.startswith(f"{app_label}.")
        )


class Activity(models.Model):
    """One thing that somebody did: the moderators' monitor and the audit trail.

    Rows are only ever added. The order of `id` is the order of time.
    """

    class Kind(models.TextChoices):
        SIGNED_UP = "signed_up", _("Signed up")
        LOGGED_IN = "logged_in", _("Logged in")
        LOGGED_OUT = "logged_out", _("Logged out")
        LOGIN_FAILED = "login_failed", _("Log-in failed")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        TRADED = "traded", _("Traded")
        PORTFOLIO_CHANGED = "portfolio_changed", _("Portfolio changed")
        ALERT_CREATED = "alert_created", _("Alert created")
        ALERT_CHANGED = "alert_changed", _("Alert changed")
        ALERT_DELETED = "alert_deleted", _("Alert deleted")
        ROLE_CHANGED = "role_changed", _("Role changed")
        INVITED = "invited", _("Invited")
        SUSPENDED = "suspended", _("Suspended")
        RESTORED = "restored", _("Restored")
        ACCOUNT_DELETED = "account_deleted", _("Account deleted")
        COIN_ADDED = "coin_added", _("Coin added")
        COIN_REMOVED = "coin_removed", _("Coin removed")
        UNINVITED = "uninvited", _("Invitation withdrawn")
        RESET_SENT = "reset_sent", _("Password reset sent")
        ANNOUNCED = "announced", _("Announcement")
        FAULT_RESOLVED = "fault_resolved", _("Error resolved")
        NOTED = "noted", _("Note written")
        FLAG_REVIEWED = "flag_reviewed", _("Flag reviewed")
        EXPORTED = "exported", _("Activity exported")

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="activities",
        help_text=_("Who did it; empty for a failed log-in of nobody we know."),
    )  # fmt: skip
    subject = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text=_("Whom it was done to, where that is somebody else."),
    )  # fmt: skip
    kind = models.CharField(max_length=24, choices=Kind.choices)
    summary = models.CharField(max_length=200)
    address = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = _("activities")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["user", "id"], name="activity_user"),
            models.Index(fields=["kind", "id"], name="activity_kind"),
            models.Index(fields=["address", "id"], name="activity_address"),
            models.Index(fields=["subject", "id"], name="activity_subject"),
        )

    def __str__(self) -> str:
        return self.summary

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # Django leaves ours alone
        """Return the kind in words. A list has fifty of them; Django's own looks at all kinds."""
        known = Activity.Kind._value2member_map_.get(self.kind)
        return str(known.label) if isinstance(known, Activity.Kind) else self.kind


class ActivityHour(models.Model):
    """How much happened in one hour (UTC): what the heat map is drawn from."""

    hour = models.DateTimeField(primary_key=True)
    count = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text=_("Failed log-ins among them."))
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}: {self.count}"


class ActivityPosition(models.Model):
    """How far a reader of the log has come."""

    name = models.CharField(primary_key=True, max_length=16)
    until = models.UUIDField(help_text=_("Everything before this key has been read."))

    def __str__(self) -> str:
        return self.name


class Flag(models.Model):
    """A pattern in the log that a moderator should look at; one per pattern and window of time.

    The key is made from what the pattern is (`accounts.patterns`), so finding it again changes
    the same row.
    """

    class Kind(models.TextChoices):
        PERSON_LOGINS = "person_logins", _("Many failed log-ins of one person")
        ADDRESS_LOGINS = "address_logins", _("Many failed log-ins from one address")
        TRADES = "trades", _("Burst of trades")
        ACCOUNTS = "accounts", _("Many accounts from one address")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        REVIEWED = "reviewed", _("Reviewed")

    id = models.UUIDField(primary_key=True, editable=False)
    #: When it was found, as a key: the order of the list.
    order = models.UUIDField(default=new_key, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    address = models.CharField(max_length=50, blank=True, help_text=_("Of IPv6 the network, /64."))
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    reviewed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When `pattern_flagged` was sent.")
    )

    class Meta:
        indexes = (
            models.Index(fields=["state", "order"], name="flag_state"),
            models.Index(fields=["user", "order"], name="flag_user"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.user or self.address}"


class Note(models.Model):
    """What a moderator or an admin wrote down about a person. Only ever added."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    text = models.CharField(max_length=500)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=["user", "id"], name="note_user"),)

    def __str__(self) -> str:
        return self.text


class OpenSession(models.Model):
    """Where somebody is logged in: the list on the security page.

    The key follows from the session's (`services.sessions`). allauth's own list of sessions asks
    for each session by itself at every log-in, writes at every request, and knows no end.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, editable=False)
    device = models.CharField(max_length=80, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.device


class Erasure(models.Model):
    """An account that its owner has deleted, until the last of its rows is gone.

    It keeps the names that have to go from the log; the key is the account's.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    username = models.CharField(max_length=150)
    email = models.EmailField()
    requested_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.id)


class Invitation(models.Model):
    """An admin's invitation to a role; its key is the hash of a token that only the mail holds."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    email = models.EmailField(db_index=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"
