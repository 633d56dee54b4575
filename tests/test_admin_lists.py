"""The Django admin: its first page, its sidebar, and what each list costs with rows in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Activity, User
from accounts.roles import Role
from alerts.models import DeliveryAttempt, Notification, PriceAlert
from cryptopulse import admin_site
from cryptopulse.models import Announcement, Fault
from cryptopulse.portals import faults, growth
from market.models import Coin
from tests.conftest import make_coin
from tests.portals.conftest import make_closes, make_trade, person_of

pytestmark = pytest.mark.django_db

MOST = 10
ROWS = 12


@pytest.fixture
def busy(root: User, bitcoin: Coin) -> None:
    """Rows of different people in every table that a page lists."""
    now = timezone.now()
    for number in range(ROWS):
        person = person_of(Role.USER, f"p{number}")
        coin = make_coin(f"coin-{number}", rank=number + 2)
        make_closes(coin, [1, 2], last=now)
        make_trade(person, coin, at=now - timedelta(hours=number))
        accounts.record(kind=Activity.Kind.TRADED, summary="x", user=person, subject=root)
        accounts.invite(email=f"guest{number}@example.com", role="analyst", by=root)
        PriceAlert.objects.create(user=person, coin=coin, condition="above", target=1)
        key = Notification.key(person.pk, "x")
        row = Notification.objects.create(
            id=key, event_id=key, kind="trade", channel="email", user=person, subject="x"
        )
        DeliveryAttempt.objects.create(notification=row, succeeded=False)
        Announcement.objects.create(text=f"No. {number}")
        faults.note(source="job", place=f"job.{chr(97 + number)}", error=ValueError("x"))
    faults.write(force=True)
    growth.count_days(now=now)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_a_list_costs_few_queries(client: Client, root: User, mo: User, model: Any) -> None:
    by_moderators = {"accounts.Activity", "accounts.Flag", "accounts.Note"}
    client.force_login(mo if model._meta.label in by_moderators else root)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    client.get(url)
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    assert len(queries) <= MOST, "\n".join(one["sql"] for one in queries)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("name", ["root", "mo"])
def test_the_first_page_has_figures(
    client: Client, name: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(name))
    client.get(reverse("admin:index"))
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("admin:index"))
    assert len(queries) <= MOST
    text = answer.content.decode()
    trades = next(one for one in answer.context["growth"].series if one.name == "trades")
    assert trades.count == ROWS
    assert "of the last 12 deliveries failed" in text
    assert ("ValueError in job." in text) is (name == "root")


@pytest.mark.parametrize(("name", "sees"), [("root", "portals:admin"), ("mo", "portals:moderator")])
def test_the_sidebar_leads_back_and_shows_what_one_may_see(
    rf: Any, name: str, sees: str, request: pytest.FixtureRequest
) -> None:
    asked = rf.get("/admin/")
    asked.user = request.getfixturevalue(name)
    sections = admin_site.navigation(asked)
    links = {item["link"] for section in sections for item in section["items"]}
    assert reverse(sees) in links
    assert (reverse("admin:cryptopulse_fault_changelist") in links) is (name == "root")
    assert (reverse("admin:accounts_activity_changelist") in links) is (name == "mo")
    registered = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
        if asked.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    }
    assert registered <= links


@pytest.mark.parametrize(("debug", "word"), [(True, "Development"), (False, "Production")])
def test_it_says_which_installation_it_is(
    client: Client, root: User, settings: Any, debug: bool, word: str
) -> None:
    settings.DEBUG = debug
    client.force_login(root)
    assert word in client.get(reverse("admin:accounts_user_changelist")).content.decode()


def test_errors_are_marked_as_resolved(client: Client, root: User) -> None:
    now = datetime.now(UTC)
    Fault.objects.create(id="2026-11-20:a", source="job", place="x", exception="E", first_at=now,
                         last_at=now, expires_at=now)  # fmt: skip
    client.force_login(root)
    url = reverse("admin:cryptopulse_fault_changelist")
    client.post(url, {"action": "resolve", "_selected_action": ["2026-11-20:a"]})
    assert Fault.objects.get().state == "resolved"
    assert Activity.objects.get(kind="fault_resolved").user == root


def test_coins_are_tracked_and_not_by_an_action(client: Client, root: User, bitcoin: Coin) -> None:
    client.force_login(root)
    url = reverse("admin:market_coin_changelist")
    for action, tracked in (("stop_tracking", False), ("track", True)):
        client.post(url, {"action": action, "_selected_action": [bitcoin.pk]})
        assert Coin.objects.get(pk=bitcoin.pk).tracked is tracked
    kinds = set(Activity.objects.values_list("kind", flat=True))
    assert kinds - {"logged_in"} == {"coin_added", "coin_removed"}


def test_a_moderator_has_no_action_on_coins(client: Client, mo: User, bitcoin: Coin) -> None:
    client.force_login(mo)
    url = reverse("admin:market_coin_changelist")
    client.post(url, {"action": "stop_tracking", "_selected_action": [bitcoin.pk]})
    assert Coin.objects.get(pk=bitcoin.pk).tracked
