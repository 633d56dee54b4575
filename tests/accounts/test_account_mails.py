"""The mails about an account: text and HTML, each with the link, nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import User

pytestmark = pytest.mark.django_db

SIGN_UP = {
    "email": "new@example.com",
    "username": "newcomer",
    "password1": "violet-anchor-72",
    "password2": "violet-anchor-72",
}


def parts(message: EmailMultiAlternatives) -> tuple[str, str]:
    """Return the text and the HTML of a mail, which are to be sound."""
    ((html, mimetype),) = message.alternatives
    assert mimetype == "text/html"
    assert message.subject == message.subject.strip() != ""
    for part in (str(message.body), str(html)):
        assert "{{" not in part
        assert "{%" not in part
        assert set(re.findall(r"https?://[^/\s\"<]+", part)) == {"http://localhost:8000"}
    assert "<" not in str(message.body)
    assert "<script" not in str(html)
    assert "<img" not in str(html)  # nobody is told who opens it
    return str(message.body), str(html)


def test_a_new_address_is_asked_for_confirmation(client: Client, mailoutbox: Any) -> None:
    client.post(reverse("account_signup"), SIGN_UP)
    text, html = parts(mailoutbox[0])
    assert mailoutbox[0].subject == "Confirm your e-mail address"
    assert "newcomer gave this address" in text
    assert re.search(r'href="http://localhost:8000/accounts/confirm-email/[^"]+"', html)


def test_a_forgotten_password_is_chosen_anew(client: Client, alice: User, mailoutbox: Any) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    text, html = parts(mailoutbox[0])
    assert mailoutbox[0].subject == "Reset your password"
    link = re.search(r"http://localhost:8000/accounts/password/reset/key/\S+", text)
    assert link
    assert link[0] in html


def test_who_has_no_account_is_told_so(client: Client, mailoutbox: Any) -> None:
    client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    text, html = parts(mailoutbox[0])
    assert mailoutbox[0].subject == "There is no account with this address"
    assert reverse("account_signup") in text
    assert reverse("account_signup") in html


def test_who_signs_up_twice_is_reminded(client: Client, alice: User, mailoutbox: Any) -> None:
    client.post(reverse("account_signup"), {**SIGN_UP, "email": alice.email})
    for message in mailoutbox:
        text, _ = parts(message)
        assert "already" in text


def test_an_invitation_names_who_sent_it_and_until_when(root: User, mailoutbox: Any) -> None:
    User.objects.filter(pk=root.pk).update(timezone="Asia/Tokyo")
    invitation, token = services.invite(email="new@example.com", role="analyst", by=root)
    text, html = parts(mailoutbox[0])
    for part in (text, html):
        assert "root invites you to CryptoPulse as analyst" in part
        assert f"{invitation.expires_at:%H:%M} UTC" in part
        assert f"/invitations/{token}/" in part


def test_a_name_is_no_markup_in_a_mail(client: Client, mailoutbox: Any) -> None:
    client.post(reverse("account_reset_password"), {"email": "a&b@example.com"})
    text, html = parts(mailoutbox[0])
    assert "a&b@example.com" in text
    assert "a&amp;b@example.com" in html
