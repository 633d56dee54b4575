"""Notifications: channels, e-mail, topics."""

from __future__ import annotations

import re

from django.conf import settings

from .findings import Findings, checked, error, warning

CHANNEL_KINDS = frozenset({"in_app", "email", "console", "sms", "sns_email", "sns", "sns_ops"})
EMAIL_TRANSPORTS = frozenset({"console", "smtp", "ses"})

_ARN = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")


@checked()
def check_notifications() -> Findings:
    """Channels are known, e-mail has a way out, topics are topics."""
    for kind in settings.NOTIFICATION_CHANNELS.keys() - CHANNEL_KINDS:
        yield error(
            13,
            f"NOTIFICATION_CHANNELS has {kind!r}, and there is no such channel.",
            f"Choose among: {', '.join(sorted(CHANNEL_KINDS))}.",
        )
    transport = _email_transport()
    if transport not in EMAIL_TRANSPORTS:
        yield error(
            14,
            f"EMAIL_TRANSPORT is {transport!r}.",
            f"Choose among: {', '.join(sorted(EMAIL_TRANSPORTS))}.",
        )
    for name in ("SNS_TOPIC_ARN", "SNS_OPS_TOPIC_ARN"):
        arn = getattr(settings, name)
        if arn and not _ARN.fullmatch(arn):
            yield error(
                15,
                f"{name} is {arn!r}, which does not name an SNS topic.",
                "It looks like arn:aws:sns:us-east-1:123456789012:cryptopulse",
            )


def _email_transport() -> str:
    email = settings.NOTIFICATION_CHANNELS.get("email", {})
    return str(email.get("OPTIONS", {}).get("backend", "console"))


@checked(deploy=True)
def check_mail() -> Findings:
    """Password resets reach people, from an address that is ours."""
    if _email_transport() == "console":
        yield warning(
            5,
            "E-mail is printed on the console: nobody can reset a password.",
            "Set EMAIL_TRANSPORT=ses, or smtp with EMAIL_HOST.",
        )
    elif settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        yield warning(
            6,
            f"E-mail would be sent from {settings.DEFAULT_FROM_EMAIL}.",
            "Set DEFAULT_FROM_EMAIL to an address that your mail service may send from.",
        )
