"""Account mail waits sealed in the outbox, and is sent in clear."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives, send_mail
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from alerts import sealing, services
from alerts.channels.email import EmailChannel
from alerts.models import Notification
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
LINK = "https://example.com/reset/very-secret/"


def stored() -> str:
    """Return what the database holds of the only body."""
    if connection.vendor not in {"sqlite", "postgresql"}:
        plain = Notification.objects.annotate(raw=Cast("body", TextField()))
        return str(plain.values_list("raw", flat=True).get())
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM alerts_notification")
        return str(cursor.fetchone()[0])


def test_account_mail_is_sealed_in_the_database_and_sent_in_clear(settings: Any) -> None:
    settings.EMAIL_BACKEND = "alerts.mail.OutboxEmailBackend"  # Django's tests have another
    send_mail("Reset", f"Follow {LINK}", None, ["a@example.com"], html_message=f"<a>{LINK}</a>")
    assert "very-secret" not in stored()
    row = Notification.objects.get()
    assert row.body == f"Follow {LINK}"
    EmailChannel(backend="django.core.mail.backends.locmem.EmailBackend").send(row)
    assert LINK in str(mail.outbox[0].body)
    sent = mail.outbox[0]
    assert isinstance(sent, EmailMultiAlternatives)
    assert "very-secret" in str(sent.alternatives[0][0])


def test_what_everybody_may_know_is_not_sealed(alice: Any) -> None:
    services.notify(user=alice, kind="trade", subject="s", body="Paid: $5", channels=["in_app"],
                    event_id=uuid.uuid4(), now=NOW)  # fmt: skip
    assert stored() == "Paid: $5"


def test_a_rotated_key_still_opens_and_a_lost_one_says_so(settings: Any) -> None:
    sealed = sealing.seal("text")
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [old]
    assert sealing.unseal(sealed) == "text"
    settings.SECRET_KEY_FALLBACKS = []
    assert sealing.unseal(sealed) == sealing.LOST


def test_nothing_and_old_rows_stay_what_they_are() -> None:
    assert sealing.seal("") == ""
    assert sealing.unseal("written before") == "written before"
