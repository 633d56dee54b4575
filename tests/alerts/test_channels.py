"""Channels: the person's pages, e-mail by each transport, and what counts as for good."""

from __future__ import annotations

import smtplib
import uuid
from email import message_from_bytes
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from botocore.exceptions import ClientError, EndpointConnectionError
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from hypothesis import given
from hypothesis import strategies as st

from alerts import services
from alerts.channels import amazon, email, in_app, sns
from alerts.channels.base import DeliveryError, channel_for
from alerts.mail import AttachmentError
from alerts.models import Notification
from tests.conftest import NOW

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
OUTBOX = "alerts.mail.OutboxEmailBackend"
pytestmark = pytest.mark.django_db


def row(user: Any = None, **extra: Any) -> Notification:
    details = {
        "kind": "price_alert",
        "channel": "email",
        "subject": "Bitcoin rose to $101,000.00",
        "body": "The text.",
        "url": "/markets/bitcoin/",
        "coin_id": "bitcoin",
    } | extra
    return Notification(
        id=uuid.uuid4(), event_id=uuid.uuid4(), user=user, created_at=NOW, **details
    )


def verify(user: Any, *, verified: bool = True) -> None:
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=verified)


# --- In app -------------------------------------------------------------------------------------


class Layer:
    """Remembers what is pushed to a group, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.pushed: list[tuple[str, dict[str, Any]]] = []
        self.error = error

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self.error:
            raise self.error
        self.pushed.append((group, message))


def test_a_notification_is_pushed_to_the_persons_own_group(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, told = Layer(), row(alice, channel="in_app")
    monkeypatch.setattr(in_app, "get_channel_layer", lambda: layer)
    channel_for("in_app").send(told)
    event = {
        "type": "alert",
        "id": str(told.pk),
        "title": "Bitcoin rose to $101,000.00",
        "body": "The text.",
        "url": "/markets/bitcoin/",
        "at": "2026-11-20T12:00:00+00:00",
    }
    assert layer.pushed == [(f"user.{alice.pk.hex}", {"type": "personal.event", "event": event})]


@pytest.mark.parametrize("error", [ConnectionError("no redis"), RuntimeError("no loop")])
def test_a_push_that_fails_is_no_failure(
    alice: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(in_app, "get_channel_layer", lambda: Layer(error))
    services.notify(
        user=alice, kind="trade", subject="Bought", body="", channels=["in_app"],
        event_id=uuid.uuid4(), now=NOW,
    )  # fmt: skip
    assert services.deliver_due(now=NOW) == 1
    assert [told.subject for told in services.bell(user=alice)] == ["Bought"]


# --- E-mail -------------------------------------------------------------------------------------


def test_mail_goes_to_the_verified_address_with_a_way_out(alice: Any, settings: Any) -> None:
    verify(alice)
    told = row(alice)
    email.EmailChannel(backend=LOCMEM).send(told)
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.com"]
    assert sent.subject == told.subject
    way_out = sent.extra_headers["List-Unsubscribe"]
    assert way_out.startswith(f"<{settings.SITE_URL}/notifications/off/")
    assert way_out.strip("<>") in sent.body
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent.extra_headers["Message-ID"] == f"<{told.pk}@localhost>"
    assert f"{settings.SITE_URL}/markets/bitcoin/" in sent.body


@pytest.mark.parametrize("has_address", [True, False])
def test_mail_is_never_sent_to_an_address_that_is_not_verified(
    alice: Any, has_address: bool
) -> None:
    if has_address:
        verify(alice, verified=False)
    with pytest.raises(DeliveryError) as caught:
        email.EmailChannel(backend=LOCMEM).send(row(alice))
    assert caught.value.permanent
    assert mail.outbox == []


def test_account_mail_goes_to_its_address_and_has_no_list(alice: Any) -> None:
    told = row(kind="mail", address="new@example.com", html="<p>Hi</p>", url="")
    email.EmailChannel(backend=LOCMEM).send(told)
    (sent,) = mail.outbox
    assert sent.to == ["new@example.com"]
    assert sent.body == "The text."
    assert "List-Unsubscribe" not in sent.extra_headers
    assert isinstance(sent, EmailMultiAlternatives)
    assert [tuple(part) for part in sent.alternatives] == [("<p>Hi</p>", "text/html")]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"no")}), True),
        (smtplib.SMTPRecipientsRefused({"a@example.com": (450, b"later")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPAuthenticationError(535, b"who"), False),
        (smtplib.SMTPSenderRefused(550, b"no", "us@example.com"), False),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (TimeoutError("slow"), False),
        (ConnectionRefusedError("closed"), False),
    ],
)
def test_what_a_mail_server_says_is_for_good_or_for_now(
    alice: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, permanent: bool
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise error

    verify(alice)
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    with pytest.raises(DeliveryError) as caught:
        email.EmailChannel(backend=LOCMEM).send(row(alice))
    assert caught.value.permanent is permanent
    assert "example.com" not in str(caught.value)


@given(text=st.text(max_size=300))
def test_no_subject_breaks_a_header(text: str) -> None:
    from alerts.services.notifications import one_line

    subject = one_line(text)
    assert len(subject) <= 200
    assert len(subject.splitlines()) <= 1
    ascii_subject = sns.subject_of(row(subject=subject))
    assert ascii_subject.isascii()
    assert 1 <= len(ascii_subject) <= 100


# --- The outbox as Django's e-mail backend ------------------------------------------------------


def test_djangos_mail_goes_into_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    count = send_mail("Hello", "Text", None, ["a@example.com", "b@example.com"], html_message="<b>")
    assert count == 1
    rows = Notification.objects.order_by("address")
    assert [(told.address, told.kind, told.channel) for told in rows] == [
        ("a@example.com", "mail", "email"),
        ("b@example.com", "mail", "email"),
    ]
    assert {(told.body, told.html, told.user_id) for told in rows} == {("Text", "<b>", None)}
    assert mail.outbox == []


def test_each_mail_is_an_event_of_its_own(settings: Any) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    for _ in range(2):
        send_mail("Hello", "Text", None, ["a@example.com"])
    assert Notification.objects.count() == 2


def test_a_mail_in_html_alone_stays_html(settings: Any) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    message = EmailMessage("Hello", "<b>Hi</b>", to=["a@example.com"], cc=["c@example.com"])
    message.content_subtype = "html"
    message.send()
    assert [told.html for told in Notification.objects.all()] == ["<b>Hi</b>"] * 2


def test_an_attachment_is_refused_and_nothing_is_written(settings: Any) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    message = EmailMessage("Report", "Text", to=["a@example.com"])
    message.attach("report.csv", "1,2", "text/csv")
    with pytest.raises(AttachmentError, match="'Report' has an attachment"):
        message.send()
    assert not Notification.objects.exists()


def test_a_password_reset_is_sent_and_its_link_forgotten(
    client: Any, alice: Any, settings: Any
) -> None:
    settings.EMAIL_BACKEND = OUTBOX
    settings.NOTIFICATION_CHANNELS = settings.NOTIFICATION_CHANNELS | {
        "email": {"BACKEND": "alerts.channels.email.EmailChannel", "OPTIONS": {"backend": LOCMEM}}
    }
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    assert mail.outbox == [], "no request sends mail"
    told = Notification.objects.get(kind="mail")
    assert "/accounts/password/reset/key/" in told.body
    from django.utils import timezone

    services.deliver_due(now=timezone.now())
    assert "/accounts/password/reset/key/" in str(mail.outbox[0].body)
    told.refresh_from_db()
    assert told.status == "sent"
    assert (told.body, told.html) == ("", "")


# --- What AWS says ------------------------------------------------------------------------------


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "to alice@example.com"}}, "Publish")


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (refused("InvalidParameter"), True),
        (refused("NotFound"), True),
        (refused("OptedOutException"), True),
        (refused("EndpointDisabled"), True),
        (refused("MessageRejected"), True),
        (refused("Throttling"), False),
        (refused("TooManyRequestsException"), False),
        (refused("InternalError"), False),
        (refused("AuthorizationError"), False),
        (refused("ExpiredToken"), False),
        (refused("SomethingNew"), False),
        (EndpointConnectionError(endpoint_url="https://sns.example"), False),
    ],
)
def test_what_aws_says_is_for_good_or_for_now(error: Exception, permanent: bool) -> None:
    with pytest.raises(DeliveryError) as caught, amazon.aws_errors():
        raise error
    assert caught.value.permanent is permanent
    assert "alice" not in str(caught.value)


def test_mail_by_ses_is_the_same_mail(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    class Client:
        def send_email(self, **arguments: Any) -> None:
            calls.append(arguments)

    monkeypatch.setattr(email, "aws", lambda service: Client() if service == "sesv2" else None)
    verify(alice)
    email.EmailChannel(backend="ses").send(row(alice))
    (call,) = calls
    assert call["Destination"] == {"ToAddresses": ["alice@example.com"]}
    sent = message_from_bytes(call["Content"]["Raw"]["Data"])
    assert sent["To"] == "alice@example.com"
    assert sent["List-Unsubscribe"]
