"""How a notification looks as a mail: text for every program, HTML for those that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe

from accounts import services as accounts
from alerts.services.kinds import KINDS
from alerts.services.unsubscribing import mail_off_path

from .sns import link

if TYPE_CHECKING:
    from alerts.models import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail's two bodies, and the address that ends such mails."""

    text: str
    html: str
    off_url: str


def letter_of(notification: Notification) -> Letter:
    """Lay a notification to a person out, in their language, with the link that turns it off.

    `notification.html` is the middle of the page, made by one of our own templates; without it the
    paragraphs of the text stand there.
    """
    user, kind = notification.user, KINDS[notification.kind]
    assert user is not None  # noqa: S101 (what has no person is laid out by nobody)
    off_path = mail_off_path(user_id=user.pk, kind=notification.kind)
    context = {
        "subject": notification.subject,
        "body": notification.body,
        "paragraphs": [part for part in notification.body.split("\n") if part.strip()],
        "content": mark_safe(notification.html),  # noqa: S308 (written by our templates, escaped)
        "link": link(notification) if notification.url else "",
        "kind": kind.label,
        "off_url": f"{settings.SITE_URL}{off_path}",
        "settings_url": f"{settings.SITE_URL}/settings/",
    }
    with accounts.speaking_to(user):
        context["language"] = translation.get_language() or "en"
        text = render_to_string("alerts/mails/layout.txt", context)
        html = render_to_string("alerts/mails/layout.html", context)
    return Letter(text=text, html=html, off_url=context["off_url"])
