"""People in the Django admin: the moderators' tool. Everything is read; nothing is typed over.

What may be seen is `roles.DJANGO_PERMISSIONS`; what is changed goes through `services`, so that
guards, activity and signals are the same as on the pages. The log-in is the product's own, with
its limits and second factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from cryptopulse.admin_base import ModelAdmin, ReadOnlyAdmin
from cryptopulse.engine import is_dynamodb

from . import services
from .addresses import client_address
from .errors import AccountRejected
from .models import Activity, Flag, Invitation, Note, OpenSession, User
from .roles import Permission

if TYPE_CHECKING:
    from collections.abc import Callable


def _change_password(_request: HttpRequest, **_: Any) -> HttpResponse:
    return redirect("account_change_password")


admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
#: The admin's own form knows neither our limits nor our activity log.
admin.site.password_change = _change_password  # type: ignore[method-assign, assignment]

# Groups give no rights here; the other two have actions that would, or show secrets. Whether an
# address is confirmed is shown with the person.
for model in (Group, EmailAddress, Authenticator):
    admin.site.unregister(model)


class SuspensionForm(ActionForm):  # type: ignore[misc]  # unfold has no types
    """The list's action bar, with room for the reason."""

    reason = forms.CharField(
        label="",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(
            {"placeholder": _("Reason (for suspending)"), "aria-label": _("Reason")}
        ),
    )


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Everybody. Suspending and restoring are actions; roles are changed on the users page."""

    action_form = SuspensionForm
    actions = ("suspend", "restore", "send_reset")
    list_display = ("username", "email", "role", "is_active", "date_joined", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username__startswith", "email__startswith")
    ordering = ("-id",)
    readonly_fields = ("is_confirmed",)
    fields = (
        "username", "email", "is_confirmed", "role", "is_active", "suspended_at",
        "suspension_reason", "date_joined", "last_login", "display_currency",
        "timezone", "theme", "palette",
    )  # fmt: skip

    @admin.display(description=_("e-mail address confirmed"), boolean=True)
    def is_confirmed(self, person: User) -> bool:
        """Tell whether this person has followed a link in a mail there."""
        return services.verified_email(user_id=person.pk) is not None

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        """Tell who sees the two actions."""
        return isinstance(request.user, User) and request.user.may(Permission.SUSPEND_USERS)

    @admin.action(description=_("Suspend"), permissions=["suspend"])
    def suspend(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Suspend the chosen people, for the reason in the action bar."""
        reason = request.POST.get("reason", "")
        self._each(request, people, services.suspend, _("%(name)s is suspended."), reason=reason)

    @admin.action(description=_("Restore"), permissions=["suspend"])
    def restore(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Let the chosen people back in."""
        self._each(request, people, services.restore, _("%(name)s is restored."))

    @admin.action(description=_("Send a password reset"), permissions=["suspend"])
    def send_reset(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Mail the chosen people a link with which they choose a new password."""

        def send(*, user: User, by: User, address: str | None) -> User:  # noqa: ARG001 (the request has it)
            return services.send_password_reset(user=user, by=by, request=request)

        self._each(request, people, send, _("%(name)s is getting a mail with a link."))

    def _each(
        self,
        request: HttpRequest,
        people: QuerySet[User],
        operation: Callable[..., User],
        done: Any,
        **arguments: str,
    ) -> None:
        """Do it one by one and say of each what came of it."""
        for person in people:
            try:
                operation(
                    user=person, by=request.user, address=client_address(request), **arguments
                )
            except AccountRejected as refused:
                level, sentence = messages.ERROR, f"{person.username}: {refused.sentence}"
            else:
                level, sentence = messages.SUCCESS, str(done) % {"name": person.username}
            self.message_user(request, sentence, level)


@admin.register(Activity)
class ActivityAdmin(ModelAdmin):
    """The log, as it was written."""

    list_display = ("at", "kind", "summary", "user", "subject", "address")
    list_filter = ("kind",)
    list_select_related = ("user", "subject")
    ordering = ("-id",)


@admin.register(Invitation)
class InvitationAdmin(ModelAdmin):
    """Who was invited to what; the hash of the token stays out of sight."""

    list_display = ("email", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = ("role",)
    list_select_related = ("invited_by",)
    ordering = ("-created_at",)
    fields = ("email", "role", "invited_by", "created_at", "expires_at", "accepted_at")


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    """Patterns that were found; they are reviewed on the flags page, which writes who did it."""

    list_display = ("last_at", "kind", "user", "address", "count", "state", "reviewed_by")
    list_filter = ("state", "kind")
    list_select_related = ("user", "reviewed_by")
    person_path = "user"
    search_fields = ("user__username__startswith",)
    fields = (
        "kind", "state", "user", "address", "count", "first_at", "last_at",
        "reviewed_by", "reviewed_at", "note",
    )  # fmt: skip

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 (Django's hook)
        """Newest first; DynamoDB orders the whole table by its key alone."""
        return ("-id",) if is_dynamodb() else ("-order",)


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    """What was written down about people; it is written on a person's page."""

    list_display = ("at", "user", "text", "author")
    list_select_related = ("user", "author")
    person_path = "user"
    search_fields = ("user__username__startswith",)
    ordering = ("-id",)
    fields = ("user", "text", "author", "at")


@admin.register(OpenSession)
class OpenSessionAdmin(ReadOnlyAdmin):
    """Where people are logged in; the key, as good as a password, is not shown."""

    list_display = ("seen_at", "user", "device", "address", "began_at", "expires_at")
    list_select_related = ("user",)
    person_path = "user"
    search_fields = ("user__username__startswith",)
    fields = ("user", "device", "address", "began_at", "seen_at", "expires_at")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 (Django's hook)
        """Last seen first; DynamoDB orders the whole table by its key alone."""
        return ("-id",) if is_dynamodb() else ("-seen_at",)
