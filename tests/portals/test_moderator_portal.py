"""What a moderator sees first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity, User
from cryptopulse.portals.moderator import failed_logins_today
from market.models import Coin

from .conftest import logged_in, make_trade

pytestmark = pytest.mark.django_db


def test_people_trades_and_doings_are_there(mo: User, alice: User, bitcoin: Coin) -> None:
    make_trade(alice, bitcoin, at=timezone.now(), amount="77.70")
    Activity.objects.create(kind="traded", user=alice, summary="Bought <i>0.001</i> BTC")
    page = logged_in(mo).get(reverse("portals:moderator"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "$77.70" in text
    assert "Bought &lt;i&gt;0.001&lt;/i&gt; BTC" in text
    assert [person.username for person in page.context["newest"]] == ["alice", "mo"]
    for url in ("accounts:users", "accounts:activity", "portfolio:all-transactions"):
        assert f'href="{reverse(url)}"' in text


def test_nothing_yet_is_said(mo: User) -> None:
    Activity.objects.all().delete()
    text = logged_in(mo).get(reverse("portals:moderator")).content.decode()
    assert "No trades yet" in text


def test_failed_log_ins_count_since_midnight() -> None:
    now = timezone.now().replace(hour=12)
    for at in (
        now,
        now.replace(hour=0, minute=0, second=0, microsecond=0),
        now - timedelta(days=1),
    ):
        Activity.objects.create(kind="login_failed", summary="Log-in failed", at=at)
    Activity.objects.create(kind="logged_in", summary="Logged in", at=now)
    failures = failed_logins_today(now=now)
    assert (failures.count, failures.is_more) == (2, False)


def test_more_failures_than_are_counted_are_said_to_be_more() -> None:
    now = timezone.now()
    Activity.objects.bulk_create(
        Activity(kind="login_failed", summary="Log-in failed", at=now) for _ in range(201)
    )
    failures = failed_logins_today(now=now)
    assert (failures.count, failures.is_more) == (200, True)
