"""People: who they are, what they prefer, who invited them, what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.utils import timezone

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
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Palette(models.TextChoices):
        GREEN_RED = "green-red", "Green and red"
        BLUE_ORANGE = "blue-orange", "Blue and orange"

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.USER, db_index=True)
    display_currency = models.CharField(max_length=3, default="USD")
    timezone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=16, choices=Theme.choices, default=Theme.SYSTEM)
    palette = models.CharField(max_length=16, choices=Palette.choices, default=Palette.GREEN_RED)
    #: kind of event -> list of channel kinds; a kind that is missing has its default.
    notification_choices = models.JSONField(default=dict, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=200, blank=True)

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
        SIGNED_UP = "signed_up", "Signed up"
        LOGGED_IN = "logged_in", "Logged in"
        LOGGED_OUT = "logged_out", "Logged out"
        LOGIN_FAILED = "login_failed", "Log-in failed"
        PASSWORD_CHANGED = "password_changed", "Password changed"
        TRADED = "traded", "Traded"
        ALERT_CREATED = "alert_created", "Alert created"
        ALERT_CHANGED = "alert_changed", "Alert changed"
        ALERT_DELETED = "alert_deleted", "Alert deleted"
        ROLE_CHANGED = "role_changed", "Role changed"
        INVITED = "invited", "Invited"
        SUSPENDED = "suspended", "Suspended"
        RESTORED = "restored", "Restored"
        COIN_ADDED = "coin_added", "Coin added"
        COIN_REMOVED = "coin_removed", "Coin removed"

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="activities",
        help_text="Who did it; empty for a failed log-in of nobody we know.",
    )  # fmt: skip
    subject = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text="Whom it was done to, where that is somebody else.",
    )  # fmt: skip
    kind = models.CharField(max_length=24, choices=Kind.choices)
    summary = models.CharField(max_length=200)
    address = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "activities"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["user", "id"], name="activity_user"),
            models.Index(fields=["kind", "id"], name="activity_kind"),
        )

    def __str__(self) -> str:
        return self.summary


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
