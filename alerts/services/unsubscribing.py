"""Turning mails off from the mail itself: a signed link per person and kind, without a log-in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core import signing
from django.urls import reverse

from accounts import services as accounts
from cryptopulse.atomic import run_atomic

from .kinds import KINDS, MessageKind, is_mail_off, with_mail

if TYPE_CHECKING:
    from accounts.models import User

#: The link never ends: a mail may lie for years before somebody has had enough.
SALT = "alerts.mail-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One person's mails of one kind, as a link of such a mail names them."""

    user: User
    kind: MessageKind

    @property
    def is_off(self) -> bool:
        return is_mail_off(self.user, self.kind.code)


def mail_token(*, user_id: uuid.UUID, kind: str) -> str:
    """Return what stands in the links of a mail of this kind to this person."""
    return signing.Signer(salt=SALT).sign_object([user_id.hex, kind])


def mail_off_path(*, user_id: uuid.UUID, kind: str) -> str:
    """Return the path of the page that turns such mails off."""
    return reverse("alerts:mail-off", args=[mail_token(user_id=user_id, kind=kind)])


def subscription(*, token: str) -> Subscription | None:
    """Return what a link is about; None where it is not ours, or its person or kind is gone."""
    try:
        hexadecimal, kind = signing.Signer(salt=SALT).unsign_object(token)
        user = accounts.person(user_id=uuid.UUID(hexadecimal))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None
    if user is None or not user.is_active or kind not in KINDS:
        return None
    return Subscription(user=user, kind=KINDS[kind])


def set_mail(*, token: str, on: bool) -> Subscription | None:
    """Turn the mails of a link off, or on again; as often as one likes. None as above."""
    known = subscription(token=token)
    if known is None:
        return None

    def operation() -> User | None:
        person: User | None = (
            get_user_model().objects.select_for_update(no_key=True).filter(pk=known.user.pk).first()
        )
        if person is not None:
            person.notification_choices = with_mail(
                person.notification_choices, kind=known.kind.code, on=on
            )
            person.save(update_fields=["notification_choices"])
        return person

    person = run_atomic(operation)
    return Subscription(user=person, kind=known.kind) if person is not None else None
