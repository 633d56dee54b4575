"""A visitor's language: chosen in the footer, kept in a cookie; members have settings."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from market.models import Coin

pytestmark = pytest.mark.django_db


def choose(client: Client, language: str, back: str = "/about/") -> str:
    answer = client.post(reverse("portals:language"), {"language": language, "next": back})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_a_visitor_reads_on_in_the_chosen_language(client: Client, bitcoin: Coin) -> None:
    markets = reverse("market:list") + "?sort=-price"
    page = client.get(markets).content.decode()
    assert 'name="next" value="/markets/?sort=-price"' in page
    assert 'value="en" lang="en" aria-current="true"' in page
    assert choose(client, "de", markets) == markets
    page = client.get(markets, headers={"accept-language": "en"}).content.decode()
    assert '<html lang="de"' in page
    assert 'value="de" lang="de" aria-current="true"' in page
    choose(client, "en")
    english = client.get(markets, headers={"accept-language": "de"}).content.decode()
    assert '<html lang="en"' in english


def test_a_language_that_we_do_not_speak_and_a_foreign_address_are_passed_over(
    client: Client,
) -> None:
    assert choose(client, "tlh", "https://evil.example/") == "/"
    assert "django_language" not in client.cookies


def test_the_choice_needs_the_token_of_the_page() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(reverse("portals:language"), {"language": "de"}).status_code == 403


def test_a_member_chooses_in_the_settings(client: Client, alice: User) -> None:
    client.cookies["django_language"] = "de"
    User.objects.filter(pk=alice.pk).update(language="en")
    client.force_login(alice)
    page = client.get(reverse("portals:settings")).content.decode()
    assert '<html lang="en"' in page
    assert reverse("portals:language") not in page
    assert reverse("portals:privacy") in page
