"""Suspending people, letting them back in, and changing what they are."""

from __future__ import annotations

from allauth.account.forms import ResetPasswordForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.addresses import client_address
from accounts.errors import AccountRejected
from accounts.models import Activity, User
from accounts.roles import STAFF_ROLES, Permission, Role
from accounts.signals import role_changed, user_suspended
from cryptopulse.atomic import run_atomic
from cryptopulse.engine import reading_all

from .activity import record
from .people import verified_email
from .sessions import forget_other_sessions

REASON_LENGTH = 200


def obstacle_to_suspending(*, user: User, by: User) -> str | None:
    """Say why `by` may neither suspend nor restore this person; None where they may."""
    if not by.may(Permission.SUSPEND_USERS):
        return _("You may not suspend or restore people.")
    if user.pk == by.pk:
        return _("You cannot suspend yourself.")
    if user.role in STAFF_ROLES and not by.may(Permission.MANAGE_USERS):
        return _("Only an admin may suspend or restore admins and moderators.")
    return None


def obstacle_to_changing_role(*, user: User, by: User) -> str | None:
    """Say why `by` may not change this person's role; None where they may.

    Nobody changes their own, so whoever takes an admin's role away stays an admin: there is
    always one left.
    """
    if not by.may(Permission.MANAGE_USERS):
        return _("Only an admin may change roles.")
    if user.pk == by.pk:
        return _("You cannot change your own role. Ask another admin.")
    return None


def suspend(*, user: User, by: User, reason: str, address: str | None = None) -> User:
    """Take every right away from a person, at once, until somebody restores them.

    The person sees the reason when they try to log in.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise AccountRejected(_("Say why, so that the person knows."), field="reason")
    if len(reason) > REASON_LENGTH:
        raise AccountRejected(
            _("The reason may have %(most)s characters at most.") % {"most": REASON_LENGTH},
            field="reason",
        )

    def operation() -> User:
        person, actor = _lock(user=user, by=by)
        _refuse(obstacle_to_suspending(user=person, by=actor))
        if not person.is_active:
            raise AccountRejected(
                _("%(person)s is suspended already.") % {"person": person.username}
            )
        person.is_active = False
        person.suspended_at = timezone.now()
        person.suspension_reason = reason
        person.session_epoch += 1  # what was open stays shut when the person is restored
        person.save(
            update_fields=["is_active", "suspended_at", "suspension_reason", "session_epoch"]
        )
        summary = f"{actor.username} suspended {person.username}: {reason}"
        record(
            kind=Activity.Kind.SUSPENDED,
            summary=summary, user=actor, subject=person, address=address,
        )  # fmt: skip
        return person

    person = run_atomic(operation)
    user_suspended.send_robust(sender=User, user_id=person.pk)
    forget_other_sessions(user=person, session_key="")
    return person


def restore(*, user: User, by: User, address: str | None = None) -> User:
    """Give a suspended person their rights back."""

    def operation() -> User:
        person, actor = _lock(user=user, by=by)
        _refuse(obstacle_to_suspending(user=person, by=actor))
        if person.is_active:
            raise AccountRejected(_("%(person)s is not suspended.") % {"person": person.username})
        person.is_active = True
        person.suspended_at = None
        person.suspension_reason = ""
        person.save(update_fields=["is_active", "suspended_at", "suspension_reason"])
        summary = f"{actor.username} restored {person.username}"
        record(
            kind=Activity.Kind.RESTORED,
            summary=summary, user=actor, subject=person, address=address,
        )  # fmt: skip
        return person

    return run_atomic(operation)


def change_role(*, user: User, role: str, by: User, address: str | None = None) -> User:
    """Give a person another role; it holds from their next request on.

    Only who has confirmed the e-mail address becomes more than a user: anybody may sign up with
    a colleague's address and wait to be taken for them.
    """
    if role not in Role.values:
        raise AccountRejected(_("There is no such role."), field="role")
    new_role = Role(role)

    def operation() -> User:
        person, actor = _lock(user=user, by=by)
        _refuse(obstacle_to_changing_role(user=person, by=actor))
        if person.role == new_role:
            raise AccountRejected(
                _("The role of %(person)s is %(role)s already.")
                % {"person": person.username, "role": new_role.label},
                field="role",
            )
        if new_role != Role.USER and verified_email(user_id=person.pk) is None:
            raise AccountRejected(
                _(
                    "%(person)s has not confirmed the e-mail address; "
                    "until then the role stays %(role)s."
                )
                % {"person": person.username, "role": Role(person.role).label},
                field="role",
            )
        old_role = Role(person.role)
        person.role = new_role
        person.save(update_fields=["role"])
        summary = (
            f"{actor.username} changed the role of {person.username} "
            f"from {old_role.label} to {new_role.label}"
        )
        record(
            kind=Activity.Kind.ROLE_CHANGED,
            summary=summary, user=actor, subject=person, address=address,
        )  # fmt: skip
        return person

    person = run_atomic(operation)
    role_changed.send_robust(sender=User, user_id=person.pk)
    return person


def suspended_count() -> int:
    """Return how many people are suspended. Reads every account."""
    with reading_all("counting suspended people for the moderators' page"):
        return User.objects.filter(suspended_at__isnull=False).count()


def obstacle_to_resetting(*, user: User, by: User) -> str | None:
    """Say why `by` may not have a mail with a password reset sent to this person."""
    if not by.may(Permission.SUSPEND_USERS):
        return _("You may not send password resets.")
    if user.pk == by.pk:
        return _("Change your own password on the security page.")
    if user.role in STAFF_ROLES and not by.may(Permission.MANAGE_USERS):
        return _("Only an admin may send password resets to admins and moderators.")
    if not user.is_active:
        return _("%(person)s is suspended. Restore the account first.") % {"person": user.username}
    return None


def send_password_reset(*, user: User, by: User, request: HttpRequest) -> User:
    """Mail a person the link with which they choose a new password; nobody else sees it.

    The old password holds until they have.
    """
    _refuse(obstacle_to_resetting(user=user, by=by))
    form = ResetPasswordForm({"email": user.email})
    if not form.is_valid() or user not in form.users:
        raise AccountRejected(_("No mail can be sent to this person's address."))
    form.users = [user]  # an address that nobody has confirmed may be given twice
    form.save(request)
    record(
        kind=Activity.Kind.RESET_SENT,
        summary=f"{by.username} sent {user.username} a password reset",
        user=by, subject=user, address=client_address(request),
    )  # fmt: skip
    return user


def _lock(*, user: User, by: User) -> tuple[User, User]:
    """Read both rows again and hold them, so that two admins cannot undo each other at once."""
    rows = User.objects.select_for_update().filter(pk__in={user.pk, by.pk}).order_by("pk")
    found = {row.pk: row for row in rows}
    if user.pk not in found or by.pk not in found:
        raise AccountRejected(_("This account no longer exists."))
    return found[user.pk], found[by.pk]


def _refuse(sentence: str | None) -> None:
    if sentence:
        raise AccountRejected(sentence)
