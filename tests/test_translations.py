"""Every text of ours is translated, and the machinery that finds and keeps them is right."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path
from typing import Any

import allauth
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from cryptopulse import translations
from market.models import Coin

from .template_texts import bare_texts

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
LANGUAGES = translations.languages()


# --- Ours --------------------------------------------------------


@pytest.mark.parametrize("domain", ["django", "djangojs"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_its_placeholders(language: str, domain: str) -> None:
    found = list(translations.problems(language, domain))
    assert not found, f"{len(found)} problems; `make messages`, then:\n" + "\n".join(found[:40])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_shows_words_that_cannot_be_translated(template: Path) -> None:
    assert list(bare_texts(template.read_text())) == []


def test_what_we_say_otherwise_than_allauth_is_said_in_german_too() -> None:
    ours = translations.read(translations.LOCALES / "en/LC_MESSAGES/django.po")
    with translation.override("de"):
        texts = [m.id for m in ours if m.id and isinstance(m.id, str)]
        english = [text for text in texts if translation.gettext(text) == text]
    assert english == []


def test_no_words_of_allauths_say_du() -> None:
    """Their German is half "du", half "Sie"; pages and mails that we do not draw are "Sie" too."""
    du = re.compile(r"\b([Dd]u|[Dd]eine?[mnrs]?|[Dd]ich|[Dd]ir|[Bb]itte gib|[Kk]lick)\b")
    path = Path(allauth.__file__).parent / "locale/de/LC_MESSAGES/django.po"
    with path.open("rb") as file:
        theirs = read_po(file, locale="de")
    met = re.compile(r"\baccount/(adapter|forms)|templates/(account|mfa|usersessions)/")
    with translation.override("de"):
        said = [
            translation.gettext(m.id)
            for m in theirs
            if isinstance(m.id, str) and any(met.search(name) for name, _line in m.locations)
        ]
    assert len(said) > 100
    assert [text for text in said if du.search(text)] == []


def test_the_english_words_are_compiled() -> None:
    path = translations.LOCALES / "en/LC_MESSAGES/django.po"
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(translations.read(path))


# --- The machinery -----------------------------------------------


def test_texts_of_a_template_are_found_as_they_are_looked_up() -> None:
    source = """{% translate "Log in" %}{% translate "May" context "month" %}
      {% blocktranslate trimmed count n=coins %}
        {{ n }} coin
      {% plural %}
        {{ n }} coins
      {% endblocktranslate %}
      {% include "components/empty.html" with title=_("No trades yet") %}{{ _("Ready")|upper }}
      {% translate variable %}{# _("not this") #}"""
    assert set(translations.template_texts(source)) == {
        ("Log in", None),
        ("May", "month"),
        (("%(n)s coin", "%(n)s coins"), None),
        ("No trades yet", None),
        ("Ready", None),
    }


def test_texts_of_a_script_are_found() -> None:
    source = r"""
      pulse.say("Delayed {age}", { age }); pulse.say('He said "no"');
      pulse.say("One " +
        "sentence"); pulse.say(text); pulse.say("caf\u00e9 \"x\"");"""
    assert list(translations.script_texts(source)) == [
        "Delayed {age}", 'He said "no"', "One sentence", 'café "x"',
    ]  # fmt: skip


def test_texts_of_a_module_are_found() -> None:
    source = (
        b"""a = _("One"); b = ngettext("%(n)s day", "%(n)s days", n); c = pgettext("m", "May")"""
    )
    assert set(translations.python_texts(source)) == {
        ("One", None), (("%(n)s day", "%(n)s days"), None), ("May", "m"),
    }  # fmt: skip


def catalogue(**texts: str) -> Catalog:
    made = Catalog(locale="de", fuzzy=False)
    for text, said in texts.items():
        made.add(text, said)
    return made


def test_bringing_a_catalogue_up_to_date_keeps_what_was_translated() -> None:
    kept = translations.merged(catalogue(Buy="Kaufen", Gone="Weg"), catalogue(Buy="", Sell=""))
    assert kept["Buy"].string == "Kaufen"
    assert kept["Sell"].string == ""
    assert "Gone" not in kept
    assert translations.merged(kept, catalogue(Gone=""))["Gone"].string == "Weg"


def test_what_has_no_words_yet_is_shown_in_english() -> None:
    half = catalogue(Buy="Kaufen", Sell="")
    half.add(("coin", "coins"), ("", ""))
    words = gettext.GNUTranslations(io.BytesIO(translations.compiled(half)))
    assert words.gettext("Buy") == "Kaufen"
    assert words.gettext("Sell") == "Sell"
    assert words.ngettext("coin", "coins", 2) == "coins"


@pytest.mark.parametrize(
    ("text", "said", "flaw"),
    [
        ("%(n)s of %(m)s", "%(n)s von %(m)s", False),
        ("%(n)s of %(m)s", "%(n)s von", True),
        ("Delayed {age}", "Verspätet {alter}", True),
        ("<a>Log in</a>", "Anmelden", True),
        (("%(n)s coin", "%(n)s coins"), ("eine Münze", "%(n)s Münzen"), False),
        (("%(n)s coin", "%(n)s coins"), ("eine Münze", "Münzen"), True),
        ("Buy", "", True),
    ],
)
def test_placeholders_and_tags_must_be_the_same(text: Any, said: Any, flaw: bool) -> None:
    made = Catalog(locale="de", fuzzy=False)
    assert bool(list(translations._flaws(made.add(text, said)))) is flaw


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{% translate "Hello" %}</p>', []),
        ("{% blocktranslate %}Hello {{ x }}{% endblocktranslate %}", []),
        ('<button aria-label="Log out"></button>', ["Log out"]),
        ('{% include "x.html" with title="No trades" %}', ["No trades"]),
        ('{% include "x.html" with title=_("No trades") %}', []),
        ("{% comment %}Hello{% endcomment %}<b>CryptoPulse</b> · 12 %", []),
        ('<i class="icon">{{ count }} of</i>', ["of"]),
    ],
)
def test_bare_words_are_found_and_names_are_not(source: str, bare: list[str]) -> None:
    assert list(bare_texts(source)) == bare


# --- Pages -------------------------------------------------------


@pytest.mark.django_db
def test_a_visitor_is_spoken_to_as_the_browser_asks(client: Client, bitcoin: Coin) -> None:
    page = client.get(reverse("market:list"), headers={"accept-language": "de-AT,de;q=0.9"})
    html = page.content.decode()
    assert '<html lang="de" data-group="." data-point=","' in html
    assert page["Content-Language"] == "de"
    assert "Accept-Language" in page["Vary"]
    assert 'id="words"' in html
    english = client.get(reverse("market:list")).content.decode()
    assert '<html lang="en" data-group="," data-point="."' in english
    assert 'id="words"' not in english


@pytest.mark.django_db
def test_a_members_own_language_and_notation_win(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="de", number_format="apostrophe-point")
    client.force_login(alice)
    page = client.get(reverse("portals:settings"), headers={"accept-language": "en"})
    html = page.content.decode()
    assert '<html lang="de" data-group="&#x27;" data-point="."' in html
    assert "$1&#x27;234&#x27;567.89" in html or "$1'234'567.89" in html


@pytest.mark.django_db
def test_a_language_that_we_do_not_speak_is_english(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="tlh")
    client.force_login(alice)
    assert (
        client.get(reverse("portals:settings"), headers={"accept-language": "fr"}).status_code
        == 200
    )


@pytest.mark.django_db
def test_what_scripts_and_attributes_read_has_a_point_in_every_language(
    client: Client, alice: User, bitcoin: Coin
) -> None:
    client.force_login(alice)
    page = client.get(reverse("market:list"), headers={"accept-language": "de"}).content.decode()
    assert 'data-rate="1"' in page
    assert re.search(r'data-usd="100000(\.0+)?"', page)


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "is_read"), [("0.001", True), ("0,001", False)])
def test_the_api_takes_a_point_whoever_sends_it(
    client: Client, alice: User, bitcoin: Coin, typed: str, is_read: bool
) -> None:
    client.force_login(alice)
    answer = client.post(
        "/api/buy_coin",
        {"coin_id": "nothing", "quantity": typed, "client_order_id": "one"},
        content_type="application/json",
        headers={"accept-language": "de"},
    )
    assert answer.json()["code"] == ("unknown_coin" if is_read else "not_a_number")
