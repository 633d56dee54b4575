"""Django's mail goes into the outbox: no request ever waits for a mail server."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from alerts.models import Notification
from alerts.services import notify
from cryptopulse.keys import new_key

HTML = "text/html"


class AttachmentError(ValueError):
    """A mail with an attachment: the outbox keeps text and HTML, and loses nothing silently."""


class OutboxEmailBackend(BaseEmailBackend):
    """Writes each recipient's mail as a notification, in the caller's transaction if there is one.

    A task sends them by EMAIL_TRANSPORT, each to its one recipient, so that nobody sees who else
    got it. The sender is always DEFAULT_FROM_EMAIL.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            if message.attachments:
                raise AttachmentError(
                    f"The mail {message.subject!r} has an attachment. The outbox takes text and "
                    "HTML: put a link to the file into the text."
                )
        return sum(self._write(message) for message in email_messages)

    def _write(self, message: EmailMessage) -> int:
        recipients = list(dict.fromkeys(filter(None, message.recipients())))
        text, html = contents(message)
        event_id, now = new_key(), timezone.now()
        for address in recipients:
            notify(
                user=None,
                kind=Notification.Kind.MAIL,
                subject=str(message.subject),
                body=text,
                html=html,
                channels=["email"],
                event_id=event_id,
                now=now,
                address=address,
            )
        return 1 if recipients else 0


def contents(message: EmailMessage) -> tuple[str, str]:
    """Return a mail's text and its HTML, either of which may be empty."""
    if message.content_subtype == "html":
        return "", str(message.body)
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    html = next((str(body) for body, mimetype in alternatives if mimetype == HTML), "")
    return str(message.body), html
