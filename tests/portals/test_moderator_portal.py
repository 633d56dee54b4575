"""What a moderator sees first."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.models import Activity, Flag, User
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


def test_the_summary_counts_what_needs_a_look(mo: User, alice: User) -> None:
    now = timezone.now()
    Activity.objects.create(kind="login_failed", summary="Log-in failed", at=now)
    Activity.objects.create(kind="signed_up", summary="alice signed up", user=alice, at=now)
    Flag.objects.create(
        id=uuid.uuid4(), kind="trades", user=alice, count=40, first_at=now, last_at=now
    )
    services.suspend(user=alice, by=mo, reason="Spam")
    page = logged_in(mo).get(reverse("portals:moderator"))
    assert page.context["failures"].count == page.context["signed_up"].count == 1
    assert page.context["open_flags"].count == page.context["suspended"] == 1
    assert "Burst of trades" in page.content.decode()


@pytest.mark.parametrize("typed", ["bob", " BOB "])
def test_a_username_leads_to_the_person(mo: User, bob: User, typed: str) -> None:
    found = logged_in(mo).get(reverse("portals:moderator"), {"find": typed})
    assert found.headers["Location"] == reverse("accounts:person", args=[bob.pk])


@pytest.mark.parametrize("typed", ["bo", "bob@example.com", "<b>&q=1", "ünïcode", "x" * 3000])
def test_anything_else_leads_to_the_list_of_people(mo: User, bob: User, typed: str) -> None:
    found = logged_in(mo).get(reverse("portals:moderator"), {"find": typed}, follow=True)
    assert found.status_code == 200
    url, _ = found.redirect_chain[-1]
    assert url == f"{reverse('accounts:users')}?{urlencode({'q': typed[:254]})}"


def test_the_audit_trail_is_ones_own_and_only_what_one_did_to_others(
    mo: User, root: User, bob: User
) -> None:
    services.suspend(user=bob, by=mo, reason="Spam")
    services.restore(user=bob, by=root)
    services.add_note(user=bob, by=mo, text="Wrote to us")
    services.record(kind=Activity.Kind.LOGGED_IN, summary="mo logged in", user=mo)
    client = logged_in(mo)
    client.get(reverse("accounts:activity-export"))
    rows = client.get(reverse("portals:moderator-audit")).context["rows"]
    assert [row.kind for row in rows] == ["exported", "noted", "suspended"]


def test_the_audit_trail_says_when_it_is_empty(mo: User) -> None:
    text = logged_in(mo).get(reverse("portals:moderator-audit")).content.decode()
    assert "Nothing yet" in text
