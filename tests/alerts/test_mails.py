"""Mails to people: readable in text and HTML, escaped, with a way out from the mail itself."""

from __future__ import annotations

import re
import uuid
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from alerts import services
from alerts.channels.email import EmailChannel
from alerts.models import Notification
from tests.conftest import NOW, confirm, make_person

pytestmark = pytest.mark.django_db
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
WHOSE = {"trade": Role.USER, "price_alert": Role.USER, "operations": Role.ADMIN,
         "digest": Role.ANALYST, "flags": Role.MODERATOR}  # fmt: skip
VOID = {"meta", "br", "img", "link", "hr"}


class Checker(HTMLParser):
    """Reads a mail's HTML: every tag is closed, nothing runs, nothing is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "iframe", "img", "link", "form", "object", "table"}, tag
        given = dict(attrs)
        assert not {name for name in given if name.startswith("on")}
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def read(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


def sent_to(person: User, kind: str, **changes: Any) -> Any:
    """Return the mail that tells this person something of this kind."""
    words = {"subject": "Bitcoin rose", "body": "One line.\nAnother.", "url": "/markets/bitcoin/"}
    (row,) = services.notify(user=person, kind=kind, channels=["email"], event_id=uuid.uuid4(),
                             now=NOW, **(words | changes))  # fmt: skip
    mail.outbox.clear()
    EmailChannel(backend=LOCMEM).send(row)
    return mail.outbox[0]


def off_url(message: Any) -> str:
    return str(message.extra_headers["List-Unsubscribe"]).strip("<>")


@pytest.fixture
def person(db: None) -> User:
    return confirm(make_person("ana", Role.ANALYST))


@pytest.mark.parametrize("kind", WHOSE)
def test_every_mail_is_text_and_html_that_say_the_same(kind: str, settings: Any) -> None:
    person = confirm(make_person("somebody", WHOSE[kind]))
    message = sent_to(person, kind)
    (html, mimetype), = message.alternatives  # fmt: skip
    page = read(html)
    assert mimetype == "text/html"
    for text in ("One line.", "Another.", "Turn these mails off"):
        assert text in message.body
        assert text in " ".join(page.text)
    assert f"{settings.SITE_URL}/markets/bitcoin/" in message.body
    assert all(link.startswith(f"{settings.SITE_URL}/") for link in page.links)
    assert off_url(message) in page.links
    assert 'color-scheme" content="light dark"' in html
    assert all(len(line) < 990 for line in message.message().as_string().splitlines())


@settings(max_examples=30, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(text=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_whatever_stands_in_a_name_is_text_in_the_html(person: User, text: str) -> None:
    nasty = f"<script>alert(1)</script><b>{text}&"
    message = sent_to(person, "digest", body=nasty, subject=f"S {nasty}"[:150])
    (html, _), = message.alternatives  # fmt: skip
    assert nasty in message.body
    assert "<script>alert(1)" in "".join(read(html).text)


def test_a_mail_to_somebody_who_reads_german_is_marked_so(person: User) -> None:
    person.language = "de"
    person.save()
    (html, _), = sent_to(person, "digest").alternatives  # fmt: skip
    assert '<html lang="de">' in html


# --- The way out --------------------------------------------------------------------------------


def choices(person: User) -> list[str]:
    return services.chosen_channels(User.objects.get(pk=person.pk), "digest")


def test_the_link_asks_the_button_turns_off_and_on_again(person: User) -> None:
    url = off_url(sent_to(person, "digest")).removeprefix("http://localhost:8000")
    visitor = Client(enforce_csrf_checks=True)
    page = visitor.get(url).content.decode()
    assert "Turn these mails off?" in page
    assert "the daily market digest" in page
    assert choices(person) == ["in_app", "email"]
    assert "Turned off" in visitor.post(url).content.decode()
    assert choices(person) == ["in_app"]
    assert "Turn on again" in visitor.get(url).content.decode()
    again = url.replace("/off/", "/on/")
    assert visitor.post(again).status_code == 403  # from our own page only
    page = Client().post(again).content.decode()
    assert "Turned on again" in page
    assert choices(person) == ["in_app", "email"]


def test_one_click_of_a_mail_program_is_enough_and_twice_is_once(person: User) -> None:
    url = off_url(sent_to(person, "digest")).removeprefix("http://localhost:8000")
    program = Client(enforce_csrf_checks=True)
    for _ in range(2):
        response = program.post(url, {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert choices(person) == ["in_app"]
    assert User.objects.get(pk=person.pk).notification_choices["mail_off"] == ["digest"]


def test_what_is_off_is_not_mailed_even_if_it_waits_already(alice: User) -> None:
    confirm(alice)
    services.notify(user=alice, kind="price_alert", subject="s", body="b", channels=["email"],
                    event_id=uuid.uuid4(), now=NOW)  # fmt: skip
    services.set_mail(token=services.mail_token(user_id=alice.pk, kind="price_alert"), on=False)
    services.deliver_due(now=NOW)
    row = Notification.objects.get()
    assert (row.status, row.error) == ("failed", "These mails are turned off.")


def test_one_kind_off_leaves_the_others_on(person: User) -> None:
    services.set_mail(token=services.mail_token(user_id=person.pk, kind="operations"), on=False)
    assert choices(person) == ["in_app", "email"]


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_a_link_that_was_changed_is_a_sentence_and_changes_nothing(
    person: User, data: st.DataObject
) -> None:
    token = services.mail_token(user_id=person.pk, kind="digest")
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_:.é%"))
    forged = token[:at] + letter + token[at + 1 :]
    # The last letter of base64 has bits that say nothing: such a token is the same signature.
    if forged == token or at == len(token) - 1:
        return
    for method in ("get", "post"):
        response = getattr(Client(), method)(reverse("alerts:mail-off", args=[forged]))
        assert response.status_code == 404
        assert "This link does not work" in response.content.decode()
    assert choices(person) == ["in_app", "email"]


@pytest.mark.parametrize("token", ["x", ":", "W10:abc", "a" * 5000, "💰", "..%2e"])
def test_nonsense_is_a_sentence(token: str) -> None:
    response = Client().post(reverse("alerts:mail-off", args=[token]))
    assert response.status_code == 404
    assert "This link does not work" in response.content.decode()


def test_the_link_of_an_account_that_is_gone_or_of_no_kind_is_a_sentence(person: User) -> None:
    nobody = services.mail_token(user_id=uuid.uuid4(), kind="digest")
    nothing = services.mail_token(user_id=person.pk, kind="pigeons")
    for token in (nobody, nothing):
        assert Client().get(reverse("alerts:mail-off", args=[token])).status_code == 404


def test_a_link_outlives_a_change_of_the_secret_key(person: User, settings: Any) -> None:
    token = services.mail_token(user_id=person.pk, kind="digest")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert Client().post(reverse("alerts:mail-off", args=[token])).status_code == 200


def test_ticking_mail_in_the_settings_turns_it_on_again(person: User) -> None:
    services.set_mail(token=services.mail_token(user_id=person.pk, kind="digest"), on=False)
    kept = User.objects.get(pk=person.pk).notification_choices
    assert services.with_chosen(kept, {"digest": ["email"]})["mail_off"] == []
    assert services.with_chosen(kept, {"digest": ["in_app"]})["mail_off"] == ["digest"]


def test_every_person_of_a_role_sees_its_kinds_in_the_settings(client: Client) -> None:
    for number, (kind, role) in enumerate(WHOSE.items()):
        client.force_login(confirm(make_person(f"p{number}", role)))
        page = client.get(reverse("portals:settings")).content.decode()
        assert set(re.findall(r'name="(trade|price_alert|operations|digest|flags)"', page)) == {
            one for one, whose in WHOSE.items() if whose == role
        }, kind
