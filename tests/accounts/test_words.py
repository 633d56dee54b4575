"""The pages of allauth speak as the rest does: sentence case, "e-mail", "log in"."""

from __future__ import annotations

import gettext
import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.logging_in import log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

FOLDER = settings.BASE_DIR / "locale" / "en" / "LC_MESSAGES"
FOREIGN = re.compile(r"\b[Ee]mail\b|\bSign In\b|\b[Ss]ign in\b|[a-z] (Password|Codes?|App|Keys?)\b")


def words_of(html: str) -> str:
    main = html.split("<main")[1].split("</main>", maxsplit=1)[0]
    return re.sub(r"<[^>]*>", " ", main)


def test_what_is_compiled_is_what_is_written() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    written = (FOLDER / "django.po").read_text()
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, re.MULTILINE)
    assert len(pairs) > 30
    for ours, theirs in pairs:
        assert compiled.gettext(ours.replace('\\"', '"')) == theirs.replace('\\"', '"')


@pytest.mark.parametrize("name", ["account_reset_password", "account_reset_password_done"])
def test_the_words_for_visitors(client: Client, name: str) -> None:
    words = words_of(client.get(reverse(name)).content.decode())
    assert not FOREIGN.search(words), words


@pytest.mark.parametrize(
    "name", ["account_change_password", "account_reauthenticate", "mfa_index", "mfa_activate_totp"]
)
def test_the_words_for_members(client: Client, alice: User, name: str) -> None:
    log_in(client, "alice")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    words = words_of(client.get(reverse(name)).content.decode())
    assert not FOREIGN.search(words), words


def test_a_changed_password_leads_back_to_the_page_with_the_link(
    client: Client, alice: User
) -> None:
    log_in(client, "alice")
    new = {
        "oldpassword": PASSWORD,
        "password1": "violet-anchor-72",
        "password2": "violet-anchor-72",
    }
    page = client.post(reverse("account_change_password"), new, follow=True)
    assert page.redirect_chain[-1][0] == reverse("accounts:security")
    assert "Your password is changed." in page.content.decode()
