"""Inviting people to a role. The token is in the mail and nowhere else."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import AccountRejected
from accounts.models import Activity, Invitation, User
from accounts.roles import Permission, Role
from cryptopulse.atomic import run_atomic
from cryptopulse.engine import reading_all

from .activity import record
from .people import ALREADY_THERE, check_credentials, clean_email, create_person, verified_email
from .speaking import speaking_to

UNCONFIRMED_INVITED = gettext_lazy(
    "There is already an account with this e-mail address, but nobody has confirmed the address, "
    "so it may belong to somebody else. Have the address confirmed, or suspend the account."
)
UNCONFIRMED_ACCEPTING = gettext_lazy(
    "There is already an account with this e-mail address, but nobody has confirmed the address. "
    "If it is yours, reset its password; if not, ask the admin who invited you to suspend it."
)
NOT_VALID = gettext_lazy("This invitation is not valid any more. Ask for a new one.")
NOT_PENDING = gettext_lazy("This invitation was accepted or withdrawn in the meantime.")


def invite(
    *, email: str, role: str, by: User, address: str | None = None, now: datetime | None = None
) -> tuple[Invitation, str]:
    """Invite somebody to a role and mail them the link; return the invitation and its token.

    A second invitation to the same address replaces the first.
    """
    if not by.may(Permission.MANAGE_USERS):
        raise AccountRejected(_("Only an admin may invite people."))
    if role not in Role.values:
        raise AccountRejected(_("There is no such role."), field="role")
    email = clean_email(email)
    _refuse_existing(email)
    created_at = now or timezone.now()
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        token_hash=_hash(token),
        email=email,
        role=role,
        invited_by=by,
        created_at=created_at,
        expires_at=created_at + settings.INVITATION_LIFETIME,
    )

    def operation() -> None:
        Invitation.objects.filter(email=email, accepted_at=None).delete()
        invitation.save(force_insert=True)
        summary = f"{by.username} invited {email} as {invitation.get_role_display()}"
        record(kind=Activity.Kind.INVITED, summary=summary, user=by, address=address)
        _mail(invitation, token)  # into the outbox, so with the invitation or not at all

    run_atomic(operation)
    return invitation, token


def _refuse_existing(email: str) -> None:
    """Refuse to invite whom we have, and don't recommend to promote who may be an impostor."""
    there = User.objects.filter(email=email).first()
    if there is None:
        return
    if verified_email(user_id=there.pk) is None:
        raise AccountRejected(UNCONFIRMED_INVITED, field="email")
    raise AccountRejected(
        _(
            "There is already an account with this e-mail address, which is confirmed. "
            "Change its role instead."
        ),
        field="email",
    )


def pending_invitations(*, now: datetime, limit: int = 100) -> list[Invitation]:
    """Return the invitations that still open something, newest first, with who sent them."""
    rows = Invitation.objects.prefetch_related("invited_by").filter(
        accepted_at=None, expires_at__gt=now
    )
    with reading_all("an admin looks at the invitations of the last days"):
        return list(rows.order_by("-created_at")[:limit])


def resend_invitation(
    *, email: str, by: User, address: str | None = None, now: datetime | None = None
) -> tuple[Invitation, str]:
    """Send an invitation again with a new link; the old link opens nothing any more."""
    found = _pending(email=email, by=by)
    return invite(email=found.email, role=found.role, by=by, address=address, now=now)


def withdraw_invitation(*, email: str, by: User, address: str | None = None) -> Invitation:
    """Make the link of an invitation worthless. One that was accepted stays an account."""
    found = _pending(email=email, by=by)

    def operation() -> None:
        if not Invitation.objects.filter(pk=found.pk, accepted_at=None).delete()[0]:
            raise AccountRejected(NOT_PENDING)
        summary = f"{by.username} withdrew the invitation of {found.email}"
        record(kind=Activity.Kind.UNINVITED, summary=summary, user=by, address=address)

    run_atomic(operation)
    return found


def _pending(*, email: str, by: User) -> Invitation:
    if not by.may(Permission.MANAGE_USERS):
        raise AccountRejected(_("Only an admin may invite people."))
    email = email.strip().lower().replace("\0", "")
    found = Invitation.objects.filter(email=email, accepted_at=None).first()
    if found is None:
        raise AccountRejected(NOT_PENDING)
    return found


def open_invitation(*, token: str, now: datetime) -> Invitation | None:
    """Return the invitation that this token opens, if it still does.

    It holds no longer than its inviter's right to invite.
    """
    found = Invitation.objects.filter(pk=_hash(token), accepted_at=None, expires_at__gt=now).first()
    return found if found and found.invited_by.may(Permission.MANAGE_USERS) else None


def accept_invitation(
    *, token: str, username: str, password: str, now: datetime, address: str | None = None
) -> User:
    """Make the invited person's account. An invitation serves once, whoever comes twice.

    The address counts as verified: only its owner has read the token.
    """
    invitation = open_invitation(token=token, now=now)
    if invitation is None:
        raise AccountRejected(NOT_VALID)
    username = username.strip().lower()
    check_credentials(username=username, email=invitation.email, password=password)
    try:
        get_adapter().clean_username(username)
    except ValidationError as error:
        raise AccountRejected(" ".join(error.messages), field="username") from None
    password_hash = make_password(password)

    def operation() -> User:
        # Locked, so that a suspension comes either before this or after it.
        inviter = User.objects.select_for_update().filter(pk=invitation.invited_by_id).first()
        if inviter is None or not inviter.may(Permission.MANAGE_USERS):
            raise AccountRejected(NOT_VALID)
        open_still = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, expires_at__gt=now
        )
        if not open_still.update(accepted_at=now):
            raise AccountRejected(NOT_VALID)
        user = create_person(
            username=username,
            email=invitation.email,
            role=Role(invitation.role),
            password_hash=password_hash,
        )
        summary = f"{username} accepted an invitation as {invitation.get_role_display()}"
        record(kind=Activity.Kind.SIGNED_UP, summary=summary, user=user, address=address)
        return user

    try:
        return run_atomic(operation)
    except IntegrityError:
        there = User.objects.filter(email=invitation.email).first()
        if there is not None and verified_email(user_id=there.pk) is None:
            raise AccountRejected(UNCONFIRMED_ACCEPTING) from None
        raise AccountRejected(ALREADY_THERE) from None


def _hash(token: str) -> str:
    """Hash a token for the database; it is random enough to need no salt and no slowness."""
    return hashlib.sha256(token.encode()).hexdigest()


def _mail(invitation: Invitation, token: str) -> None:
    domain = urlsplit(settings.SITE_URL).netloc
    context = {
        "invitation": invitation,
        "url": settings.SITE_URL + reverse("accounts:invitation", args=[token]),
        "current_site": {"name": domain, "domain": domain},
    }
    with speaking_to(None):  # nobody knows yet what the invited person reads
        send_mail(
            _("Your invitation to CryptoPulse"),
            render_to_string("accounts/email/invitation.txt", context),
            None,
            [invitation.email],
            html_message=render_to_string("accounts/email/invitation.html", context),
        )
