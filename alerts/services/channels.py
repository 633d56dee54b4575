"""Where a person may be told things: what is offered, what is verified, and how it gets so.

No request here talks to anybody else's server: a code is a notification in the outbox, and a
topic of one's own is made, and its confirmation looked up, by a task.
"""

from __future__ import annotations

import hmac
import logging
import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import services as accounts
from alerts.channels import sns
from alerts.channels.base import DeliveryError
from alerts.channels.sms import E164
from alerts.models import Channel, Notification
from alerts.refusals import AlertRejected
from alerts.services.kinds import is_mail_off
from alerts.services.notifications import notify
from alerts.services.outbox import wake
from cryptopulse import limits
from cryptopulse.atomic import run_atomic
from cryptopulse.keys import new_key

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

CODE_LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
#: SNS forgets a subscription that is not confirmed by then.
CONFIRMATION_LIFETIME = timedelta(hours=48)

LABELS = {
    "in_app": gettext_lazy("In app"),
    "email": gettext_lazy("E-mail"),
    "sms": gettext_lazy("SMS"),
    "sns_email": gettext_lazy("E-mail by Amazon SNS"),
    "console": gettext_lazy("Server log"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """One kind of channel as one person has it.

    `status` is "ready", "pending" (asked for, not confirmed), "missing" (not set up), "off".
    """

    kind: str
    label: str
    status: str
    address: str = ""
    note: str = ""

    @property
    def usable(self) -> bool:
        """Tell whether something can be sent there now."""
        return self.status == "ready"


def channels_for(*, user: User, kind: str = "") -> list[ChannelState]:
    """Return the channels that this installation offers a person, and how far each one is set up.

    For messages of one `kind`, e-mail is "off" where the person has turned those mails off. Two
    queries at most, one where neither SMS nor SNS e-mail is switched on.
    """
    states = [
        ChannelState(kind="in_app", label=channel_label("in_app"), status="ready"),
        _email(user, kind),
    ]
    personal = _personal_kinds()
    if personal:
        keys = [Channel.key(user.pk, kind) for kind in personal]
        rows = {row.kind: row for row in Channel.objects.filter(pk__in=keys)}
        states += [_personal(kind, rows.get(kind)) for kind in personal]
    if settings.DEBUG:
        states.append(ChannelState(kind="console", label=channel_label("console"), status="ready"))
    return states


def channel_label(kind: str) -> str:
    """Name a channel as people know it."""
    return str(LABELS.get(kind, kind))


def check_channels(*, user: User, kinds: Sequence[str]) -> list[str]:
    """Return the kinds without repetition if the person can be told things there.

    Raises AlertRejected: no_channel, bad_channel, channel_not_ready.
    """
    wanted = list(dict.fromkeys(kinds))
    if not wanted:
        raise AlertRejected(_("Choose where to tell you."), "no_channel", field="channels")
    if wanted == ["in_app"]:  # always ready: what is set up besides need not be asked
        return wanted
    offered = {state.kind: state for state in channels_for(user=user, kind="price_alert")}
    for kind in wanted:
        if kind not in offered:
            raise AlertRejected(
                _("That channel is not offered here."), "bad_channel", field="channels"
            )
        if not offered[kind].usable:
            sentence = (
                _("You have turned mails about alerts off. Turn them on in the settings first.")
                if offered[kind].status == "off"
                else _("%(channel)s is not set up yet: confirm it in the settings first.")
            )
            words = {"channel": offered[kind].label}
            raise AlertRejected(sentence % words, "channel_not_ready", field="channels")
    return wanted


def start_sms(*, user: User, number: str, now: datetime) -> Channel:
    """Send a code to this number; it replaces the number there was, verified or not.

    Each code costs us money, and a stranger a message: it takes a confirmed e-mail address, and
    a number gets few, whoever asks. Raises AlertRejected: not_offered, bad_number,
    no_verified_email, too_many_codes.
    """
    _refuse_unless_offered("sms")
    number = re.sub(r"[\s().-]", "", number)
    if not E164.fullmatch(number):
        raise AlertRejected(
            _("Enter the number with its country code, for example +420601123456."),
            "bad_number",
            field="number",
        )
    if accounts.verified_email(user_id=user.pk) is None:
        raise AlertRejected(
            _("Confirm your e-mail address first; then we send a code to your number."),
            "no_verified_email",
            field="number",
        )
    _refuse_too_many_codes(number=number, now=now)
    code = f"{secrets.randbelow(10**6):06d}"
    key = Channel.key(user.pk, Channel.Kind.SMS)

    def operation() -> Channel:
        channel, _created = Channel.objects.update_or_create(
            id=key,
            defaults={
                "user": user,
                "kind": Channel.Kind.SMS,
                "address": number,
                "code_hash": _hash(key, number, code),
                "code_expires_at": now + CODE_LIFETIME,
                "code_tries": 0,
                "verified_at": None,
                "created_at": now,
            },
        )
        notify(
            user=user,
            kind=Notification.Kind.MAIL,  # its body is a secret, and is blanked once it is sent
            subject=_("Your CryptoPulse code"),
            body=render_to_string(
                "alerts/messages/sms_code.txt",
                {"code": code, "minutes": CODE_LIFETIME // timedelta(minutes=1)},
            ),
            channels=["sms"],
            event_id=new_key(),
            now=now,
            address=number,
        )
        return channel

    return run_atomic(operation)


def confirm_sms(*, user: User, code: str, now: datetime) -> Channel:
    """Verify the number with the code that was sent to it.

    A wrong code costs one of CODE_TRIES. Raises AlertRejected: no_code, code_expired,
    too_many_tries, wrong_code.
    """

    def operation() -> Channel | AlertRejected:
        key = Channel.key(user.pk, Channel.Kind.SMS)
        channel = Channel.objects.select_for_update().filter(pk=key).first()
        if channel is None or not channel.code_hash or channel.code_expires_at is None:
            return AlertRejected(_("Ask for a code first."), "no_code", field="code")
        if now > channel.code_expires_at:
            return AlertRejected(
                _("This code has expired. Ask for a new one."), "code_expired", field="code"
            )
        if channel.code_tries >= CODE_TRIES:
            return AlertRejected(
                _("Too many wrong codes. Ask for a new one."), "too_many_tries", field="code"
            )
        if not hmac.compare_digest(channel.code_hash, _hash(key, channel.address, code.strip())):
            channel.code_tries += 1
            channel.save(update_fields=["code_tries"])
            return AlertRejected(_("That is not the code we sent."), "wrong_code", field="code")
        channel.verified_at, channel.code_hash, channel.code_expires_at = now, "", None
        channel.save(update_fields=["verified_at", "code_hash", "code_expires_at"])
        return channel

    outcome = run_atomic(operation)  # a refusal is returned, so that the try it cost is committed
    if isinstance(outcome, AlertRejected):
        raise outcome
    return outcome


def subscribe_sns_email(*, user: User, now: datetime) -> Channel:
    """Ask for a topic of one's own with one's verified e-mail address on it.

    A task makes it; the person then confirms in Amazon's mail. Asking again sends that mail
    again. Raises AlertRejected: not_offered, no_verified_email.
    """
    _refuse_unless_offered("sns_email")
    address = accounts.verified_email(user_id=user.pk)
    if address is None:
        raise AlertRejected(_("Confirm your e-mail address first."), "no_verified_email")
    channel, _created = Channel.objects.update_or_create(
        id=Channel.key(user.pk, Channel.Kind.SNS_EMAIL),
        defaults={
            "user": user,
            "kind": Channel.Kind.SNS_EMAIL,
            "address": address,
            "topic_arn": "",
            "subscription_arn": "",
            "verified_at": None,
            "created_at": now,
        },
    )
    wake("refresh_channel", channel.pk)
    return channel


def remove_channel(*, user: User, kind: str) -> None:
    """Forget the person's address of this kind; a topic of theirs is deleted by a task."""
    channel = Channel.objects.filter(pk=Channel.key(user.pk, kind)).first()
    if channel is None:
        return
    topic = channel.topic_arn
    channel.delete()
    if topic:
        wake("delete_topic", topic)


def delete_topic(*, topic_arn: str) -> None:
    """Delete the topic of somebody who does not want it any more.

    For a task, whose argument may come from anywhere: only a topic that was made for a person is
    deleted, and not while that person has the channel (again). What another address of theirs had
    subscribed then ends instead. Raises DeliveryError.
    """
    user_id = sns.owner_of(topic_arn)
    if user_id is None:
        logger.warning("%r is no topic of a person and is not deleted", topic_arn)
        return
    rows = Channel.objects.filter(pk=Channel.key(user_id, Channel.Kind.SNS_EMAIL))
    channel = rows.first()
    if channel is not None:
        sns.unsubscribe_others(topic_arn, address=channel.address)
        return
    sns.delete_topic(topic_arn)
    # Who subscribed again while we deleted gets a new topic at the next look.
    rows.update(topic_arn="", subscription_arn="", verified_at=None)


def refresh_channel(*, channel_id: str, now: datetime) -> str:
    """Bring one personal topic a step further; return its status afterwards.

    Makes the topic and the subscription, or asks SNS whether it has been confirmed. Called by
    tasks only: it talks to AWS. One that is never confirmed is forgotten.
    """
    channel = Channel.objects.filter(pk=channel_id, kind=Channel.Kind.SNS_EMAIL).first()
    if channel is None or channel.verified_at is not None:
        return "missing" if channel is None else "ready"
    rows = Channel.objects.filter(pk=channel.pk, address=channel.address, verified_at=None)
    try:
        if not channel.topic_arn:
            made = sns.make_personal_topic(user_id=channel.user_id, address=channel.address)
            rows.update(topic_arn=made.topic_arn, subscription_arn=made.subscription_arn)
            channel.topic_arn, channel.subscription_arn = made.topic_arn, made.subscription_arn
        if confirmed := sns.confirmed_subscription(channel):
            rows.update(verified_at=now, subscription_arn=confirmed)
            return "ready"
    except DeliveryError as error:
        logger.warning("the topic of %s is not ready: %s", channel.pk, error)
    if now - channel.created_at > CONFIRMATION_LIFETIME:
        remove_channel(user=channel.user, kind=channel.kind)
        return "missing"
    return "pending"


def refresh_channels(*, now: datetime) -> int:
    """Bring every personal topic that waits a step further; return how many were looked at."""
    waiting = Channel.objects.filter(kind=Channel.Kind.SNS_EMAIL, verified_at__isnull=True)
    keys = list(waiting.order_by("created_at").values_list("pk", flat=True)[:100])
    for key in keys:
        refresh_channel(channel_id=key, now=now)
    return len(keys)


def _email(user: User, kind: str) -> ChannelState:
    address = accounts.verified_email(user_id=user.pk)
    if address and kind and is_mail_off(user, kind):
        note = _("You have turned these mails off. The settings turn them on again.")
        return ChannelState(
            kind="email", label=channel_label("email"), status="off", address=address, note=note
        )
    return ChannelState(
        kind="email",
        label=channel_label("email"),
        status="ready" if address else "pending",
        address=address or user.email,
        note="" if address else _("Confirm your address: mail goes to confirmed addresses only."),
    )


def _personal(kind: str, row: Channel | None) -> ChannelState:
    if row is None:
        return ChannelState(kind=kind, label=channel_label(kind), status="missing")
    if row.verified_at:
        return ChannelState(
            kind=kind, label=channel_label(kind), status="ready", address=row.address
        )
    note = (
        _("Enter the code that we sent.")
        if kind == Channel.Kind.SMS
        else _("Waiting for you to confirm in Amazon's mail.")
    )
    return ChannelState(
        kind=kind, label=channel_label(kind), status="pending", address=row.address, note=note
    )


def _personal_kinds() -> list[str]:
    offered = {"sms": settings.SMS_ENABLED, "sns_email": settings.SNS_EMAIL_ENABLED}
    return [kind for kind, is_on in offered.items() if is_on]


def _refuse_unless_offered(kind: str) -> None:
    if kind not in _personal_kinds():
        raise AlertRejected(
            _("%(channel)s is not offered here.") % {"channel": channel_label(kind)}, "not_offered"
        )


def _refuse_too_many_codes(*, number: str, now: datetime) -> None:
    """Count one more code to this number, and one more of all that we send."""
    wait = limits.allowed("sms_number", number, now)
    sentence = _("This number has got enough codes for now.")
    if wait is None:
        wait = limits.allowed("sms_all", "everybody", now)
        sentence = _("We cannot send more codes for now.")
    if wait is not None:
        minutes = math.ceil(wait.seconds / 60)
        again = ngettext("Try again in a minute.", "Try again in %(count)s minutes.", minutes) % {
            "count": minutes
        }
        raise AlertRejected(f"{sentence} {again}", "too_many_codes", field="number")


def _hash(key: str, number: str, code: str) -> str:
    return salted_hmac("alerts.sms-code", f"{key}:{number}:{code}", algorithm="sha256").hexdigest()
