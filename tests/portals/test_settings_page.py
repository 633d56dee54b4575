"""What people set for themselves, and what is refused."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import ExchangeRate

from .conftest import logged_in

pytestmark = pytest.mark.django_db

URL = "portals:settings"


@pytest.fixture
def euro(db: None) -> ExchangeRate:
    return ExchangeRate.objects.create(
        id="EUR:2026-11-20", currency="EUR", day=date(2026, 11, 20), rate=Decimal("0.92"),
        source="coingecko", updated_at=timezone.now(),
    )  # fmt: skip


def choices(**changes: Any) -> dict[str, Any]:
    return {
        "theme": "dark",
        "palette": "blue-orange",
        "display_currency": "USD",
        "timezone": "Europe/Prague",
        "trade": ["in_app"],
        "price_alert": ["in_app"],
    } | changes


def as_stored(user: User) -> tuple[Any, ...]:
    user.refresh_from_db()
    return (user.theme, user.palette, user.display_currency, user.timezone,
            user.notification_choices)  # fmt: skip


def test_everything_is_saved_together_and_said_so(alice: User, euro: ExchangeRate) -> None:
    client = logged_in(alice)
    page = client.post(reverse(URL), choices(display_currency="EUR"), follow=True)
    assert page.status_code == 200
    assert "Settings saved." in page.content.decode()
    assert as_stored(alice) == (
        "dark", "blue-orange", "EUR", "Europe/Prague",
        {"trade": ["in_app"], "price_alert": ["in_app"]},
    )  # fmt: skip


def test_unticking_all_channels_turns_confirmations_off(alice: User) -> None:
    logged_in(alice).post(reverse(URL), choices(trade=[]))
    assert as_stored(alice)[-1]["trade"] == []
    assert "checked" not in field_of(logged_in(alice).get(reverse(URL)), "trade")


def field_of(page: Any, name: str) -> str:
    """Return the markup of one field's controls."""
    return str(page.context["form"][name])


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("theme", "purple", "Choose a theme from the list."),
        ("palette", "", "Choose a pair of colours from the list."),
        ("display_currency", "EUR", "There is no exchange rate for that currency"),
        ("display_currency", "XXX", "There is no exchange rate for that currency"),
        ("timezone", "Mars/Olympus", "That is not a time zone we know."),
        ("timezone", "../../etc/passwd", "That is not a time zone we know."),
        ("trade", ["sms"], "That channel is not set up"),
        ("price_alert", ["in_app", "pigeon"], "That channel is not set up"),
    ],
)
def test_a_bad_value_is_refused_in_a_sentence_and_nothing_is_lost(
    alice: User, field: str, value: Any, sentence: str
) -> None:
    before = as_stored(alice)
    page = logged_in(alice).post(reverse(URL), choices(**{field: value}))
    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert as_stored(alice) == before
    if field != "theme":  # the other choices are still chosen
        assert 'value="dark" checked' in re.sub(
            r' (required|id="[^"]*")', "", field_of(page, "theme")
        )


def test_only_currencies_with_a_rate_are_offered(alice: User, euro: ExchangeRate) -> None:
    page = logged_in(alice).get(reverse(URL))
    offered = [code for code, _ in page.context["form"].fields["display_currency"].choices]
    assert offered == ["USD", "EUR"]


def test_a_currency_that_lost_its_rate_is_explained(alice: User) -> None:
    alice.display_currency = "EUR"
    alice.save()
    page = logged_in(alice).get(reverse(URL))
    assert "There is no exchange rate for EUR" in page.content.decode()


def test_an_old_spelling_of_a_time_zone_may_stay(alice: User) -> None:
    alice.timezone = "US/Eastern"
    alice.save()
    page = logged_in(alice).post(reverse(URL), choices(timezone="US/Eastern"))
    assert page.status_code == 302
    assert as_stored(alice)[3] == "US/Eastern"


@pytest.mark.parametrize("person", ["root", "ana", "mo"])
def test_those_who_do_not_trade_are_not_asked_about_trades(
    person: str, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(person)
    page = logged_in(user).get(reverse(URL))
    assert "trade" not in page.context["form"].fields
    user.notification_choices = {"other": ["in_app"]}
    user.save()
    logged_in(user).post(reverse(URL), choices(trade=["in_app"]))
    kept = as_stored(user)[-1]
    assert kept["other"] == ["in_app"]
    assert "trade" not in kept


def test_nobody_makes_themselves_an_admin_here(alice: User) -> None:
    logged_in(alice).post(reverse(URL), choices(role="admin", is_staff="1", email="x@example.com"))
    alice.refresh_from_db()
    assert (alice.role, alice.is_staff, alice.email) == ("user", False, "alice@example.com")
