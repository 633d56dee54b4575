"""What an alert's row and form say, in which currency, and what the activity log keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Activity
from alerts.models import PriceAlert
from market.models import Coin, ExchangeRate
from tests.alerts.conftest import tick
from tests.conftest import NOW

Arm = Callable[..., PriceAlert]
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def page(browser: Client, name: str = "alerts:list") -> str:
    return browser.get(reverse(name)).content.decode()


def test_the_choice_of_a_direction_is_short(browser: Client, bitcoin: Coin) -> None:
    text = page(browser)
    assert ">rises to</option>" in text
    assert ">falls to</option>" in text


def test_alerts_are_in_dollars_whatever_currency_prices_are_shown_in(
    browser: Client, alice: Any, arm: Arm
) -> None:
    ExchangeRate.objects.create(
        id="EUR:2026-01-01",
        currency="EUR",
        day=date(2026, 1, 1),
        rate=Decimal("0.5"),
        updated_at=NOW,
    )
    alice.display_currency = "EUR"
    alice.save()
    arm(target="101000")
    text = page(browser)
    content = text[text.index('id="alerts-page"') :]
    assert "$101,000.00" in content
    assert content.count("data-dollars>$100,000.00<") == 2  # the row and the form
    assert "€" not in content.split("</main>")[0]


def test_a_fired_alert_that_repeats_waits_for_the_price_to_come_back(
    browser: Client, arm: Arm
) -> None:
    arm(target="101000", repeats=True)
    assert "waits for the price to come back" not in page(browser)
    tick("102000", 10)
    assert "waits for the price to come back" in page(browser)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["pause"], Activity.Kind.ALERT_CHANGED),
        (["pause", "resume"], Activity.Kind.ALERT_CHANGED),
        (["delete"], Activity.Kind.ALERT_DELETED),
    ],
)
def test_the_log_keeps_where_a_change_came_from(
    browser: Client, arm: Arm, names: list[str], kind: str
) -> None:
    alert = arm(target="101000")
    for name in names:
        browser.post(reverse(f"alerts:{name}", args=[alert.pk]), REMOTE_ADDR="203.0.113.9")
    rows = Activity.objects.filter(kind=kind)
    assert [row.address for row in rows] == ["203.0.113.9"] * len(names)


def test_a_notification_is_a_row_that_leads_there_with_its_time_in_ones_own_zone(
    browser: Client, alice: Any, arm: Arm
) -> None:
    alice.timezone = "Asia/Tokyo"
    alice.save()
    arm(target="101000")
    tick("102000", 10)
    text = page(browser, "alerts:bell")
    assert '<h3><a href="/markets/bitcoin/">' in text
    assert " JST" in text
