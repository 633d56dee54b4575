"""E-mail, through whatever carries it: the console, SMTP or Amazon SES."""

from __future__ import annotations

import smtplib
from email.utils import parseaddr
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from accounts import services as accounts
from alerts.models import Notification
from alerts.services.kinds import KINDS
from cryptopulse.clients import aws

from .amazon import aws_errors
from .base import DeliveryError, NotificationChannel
from .layout import letter_of

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

TRANSPORTS = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
}
REFUSED = 500  # SMTP: 4xx is "later", 5xx is "never"


class EmailChannel(NotificationChannel):
    """Sends one mail to one address.

    `backend`: "console", "smtp", "ses", or the dotted path of one of Django's e-mail backends.
    Account mail goes to the address it was written for; everything else to the address that the
    person has verified, asked again at the moment of sending.
    """

    def __init__(self, *, backend: str = "console") -> None:
        self.backend = backend

    def send(self, notification: Notification) -> None:
        message = mail_of(notification, to=address_of(notification))
        if self.backend == "ses":
            send_by_ses(message)
        else:
            send_by_django(message, TRANSPORTS.get(self.backend, self.backend))


def address_of(notification: Notification) -> str:
    """Return whom to write to. Raises a permanent DeliveryError where there is nobody."""
    if notification.kind == Notification.Kind.MAIL:
        address: str | None = notification.address
    else:
        user_id = notification.user_id
        address = accounts.verified_email(user_id=user_id) if user_id else None
    if not address:
        raise DeliveryError("There is no confirmed e-mail address.", permanent=True)
    return address


def mail_of(notification: Notification, *, to: str) -> EmailMultiAlternatives:
    """Return the mail; its Message-ID is the row's key, so that a second copy is recognised."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    headers = {
        "Message-ID": f"<{notification.pk}@{domain}>",
        "X-CryptoPulse-Event": str(notification.event_id),
        "Auto-Submitted": "auto-generated",
    }
    text, html = notification.body, notification.html
    if notification.user is not None and notification.kind in KINDS:
        letter = letter_of(notification)
        text, html = letter.text, letter.html
        headers["List-Unsubscribe"] = f"<{letter.off_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail = EmailMultiAlternatives(notification.subject, text, to=[to], headers=headers)
    if html:
        mail.attach_alternative(html, "text/html")
    return mail


def send_by_django(message: EmailMessage, backend: str) -> None:
    """Send by one of Django's e-mail backends."""
    message.connection = get_connection(backend)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        permanent = all(code >= REFUSED for code in codes)
        raise DeliveryError(f"The address was refused: {codes}", permanent=permanent) from error
    except smtplib.SMTPResponseException as error:
        # A log-in or a sender that is refused is for an operator to mend.
        is_ours = isinstance(error, (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused))
        raise DeliveryError(
            f"The mail server refused: {error.smtp_code}",
            permanent=error.smtp_code >= REFUSED and not is_ours,
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(f"The mail server was not reached: {type(error).__name__}") from error
    except ValueError as error:  # Django's BadHeaderError among them
        raise DeliveryError(f"This is no mail: {error}", permanent=True) from error


def send_by_ses(message: EmailMessage) -> None:
    """Send the mail as it stands, headers and all, by Amazon SES."""
    with aws_errors():
        aws("sesv2").send_email(
            FromEmailAddress=message.from_email,
            Destination={"ToAddresses": message.to},
            Content={"Raw": {"Data": message.message().as_bytes()}},
        )
