"""Mails and pages speak to a person as that person reads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django.utils import formats, timezone, translation

from accounts.models import User
from accounts.services import speaking_to, writing_the_log
from cryptopulse import figures, notation, words

GERMAN = User(language="de", timezone="Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_language_notation_and_zone_hold_inside_and_not_longer() -> None:
    with speaking_to(GERMAN):
        assert translation.get_language() == "de"
        assert figures.money(Decimal("1234.5")) == "$1.234,50"
        assert timezone.localtime(NOON).hour == 13
        assert formats.date_format(NOON, "F") == "November"
        assert words.gettext("never") == translation.gettext("never")
    assert translation.get_language() == "en"
    assert figures.money(Decimal("1234.5")) == "$1,234.50"
    assert timezone.get_current_timezone_name() == "UTC"


def test_who_has_chosen_no_language_gets_the_one_wished_for() -> None:
    with speaking_to(User(), language="de"):
        assert translation.get_language() == "de"
        assert notation.current().point == ","
    with speaking_to(User(number_format="space-comma")):
        assert translation.get_language() == "en"
        assert notation.current().code == "space-comma"


def test_a_visitor_gets_the_products_own_language_and_utc() -> None:
    with speaking_to(GERMAN), speaking_to(None):
        assert translation.get_language() == "en"
        assert timezone.get_current_timezone_name() == "UTC"


def test_the_log_is_written_in_one_language_whoever_acts() -> None:
    with speaking_to(GERMAN), writing_the_log():
        assert translation.get_language() == "en"
        assert figures.money(Decimal("1234.5")) == "$1,234.50"


def test_raw_numbers_have_a_point_in_every_language() -> None:
    with speaking_to(GERMAN):
        assert formats.localize(Decimal("1234.5")) == "1234.5"
        assert formats.localize(0.92) == "0.92"
