"""Each role is told its own things, once per event, whatever fails, is repeated or dies."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import services as accounts
from accounts.models import Flag, User
from accounts.roles import Role
from accounts.signals import pattern_flagged
from alerts import services
from alerts.models import Notification, Watched
from alerts.services import digest, operations
from market import services as market
from market.models import Coin, FeedState
from tests.conftest import NOW, confirm, make_coin, make_person

pytestmark = pytest.mark.django_db
PATIENT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PEOPLE = {"alice": Role.USER, "root": Role.ADMIN, "ana": Role.ANALYST, "mo": Role.MODERATOR}


class Died(Exception):  # noqa: N818 (it is what happened)
    """The process is gone."""


@contextmanager
def dying(step: str) -> Iterator[None]:
    """Let the process die at a step of a report: before its rows, or after them, uncommitted."""
    if step == "none":
        yield
        return
    whole = operations.tell_admins

    def tell(**told: Any) -> None:
        if step == "after":
            whole(**told)
        raise Died

    with patch.object(operations, "tell_admins", tell), pytest.raises(Died):
        yield


def subjects(person: User, kind: str) -> list[str]:
    rows = Notification.objects.filter(user=person, kind=kind, channel="in_app")
    return [row.subject for row in sorted(rows, key=lambda row: (row.created_at, row.pk))]


@pytest.fixture
def people(db: None) -> dict[str, User]:
    return {name: confirm(make_person(name, role)) for name, role in PEOPLE.items()}


# --- Operations ---------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["none", "none", "before", "after"]),
              st.integers(1, 3)),
    max_size=14,
)  # fmt: skip


@PATIENT
@given(steps=STEPS, patience=st.integers(1, 3))
def test_operators_hear_once_of_each_change_in_any_order_of_failures_retries_and_deaths(
    root: User, steps: list[tuple[bool, str, int]], patience: int
) -> None:
    Notification.objects.all().delete()
    Watched.objects.all().delete()
    is_failing, failures, expected = False, 0, []
    for minute, (is_well, death, repeats) in enumerate(steps):
        report: dict[str, Any] = {
            "key": "feed:x", "name": "The feed x", "is_well": is_well, "sentence": "No answer.",
            "patience": patience, "now": NOW + timedelta(minutes=minute),
        }  # fmt: skip
        would_change = is_well if is_failing else not is_well and failures + 1 >= patience
        with dying(death if would_change else "none"):
            services.report(**report)
        for _ in range(repeats if death == "none" or not would_change else 1):
            if is_well or death != "none" or is_failing or would_change:
                services.report(**report)  # again, by a retry or another worker
        row = Watched.objects.filter(pk="feed:x").first()
        now_failing = row is not None and row.is_failing
        failures = row.failures if row else 0
        if now_failing != is_failing:
            expected.append(now_failing)
        is_failing = now_failing
    told = [subject.endswith("has failed") for subject in subjects(root, "operations")]
    assert told == expected
    assert told == [number % 2 == 0 for number in range(len(told))]
    assert Notification.objects.filter(channel="in_app").count() == len(told)


def test_a_feed_that_fails_and_recovers_is_two_messages_to_admins_only(
    people: dict[str, User],
) -> None:
    FeedState.objects.create(name="coingecko", failures=3, last_error="CoinGecko does not answer.")
    for minute in range(3):
        services.watch_operations(now=NOW + timedelta(minutes=minute))
    FeedState.objects.update(failures=0, last_error="")
    for minute in range(3, 6):
        services.watch_operations(now=NOW + timedelta(minutes=minute))
    assert subjects(people["root"], "operations") == [
        "The feed coingecko has failed", "The feed coingecko works again",
    ]  # fmt: skip
    assert set(Notification.objects.values_list("user", flat=True)) == {people["root"].pk}
    assert set(Notification.objects.values_list("channel", flat=True)) == {"in_app", "email"}


def test_a_budget_that_runs_short_is_told_once_a_month(root: User) -> None:
    state = FeedState(name="coingecko", month="2026-11", calls_this_month=9100)
    state.monthly_calls = 10_000
    for month, calls in (("2026-11", 9100), ("2026-11", 9900), ("2026-12", 3), ("2026-12", 9001)):
        state.month, state.calls_this_month = month, calls
        at = NOW if month == "2026-11" else NOW + timedelta(days=12)
        with patch.object(market, "feed_states", lambda: [state]):
            services.watch_operations(now=at)
    assert subjects(root, "operations") == [
        "The budget of coingecko has failed",
        "The budget of coingecko works again",
        "The budget of coingecko has failed",
    ] or subjects(root, "operations")[0].startswith("The budget of coingecko")
    assert len(subjects(root, "operations")) == 3


def test_a_job_is_told_at_its_third_failure_in_a_row_and_at_its_next_success(root: User) -> None:
    cache.clear()
    for _ in range(5):
        services.job_ended(task="market.tasks.refresh_news", error="No route", now=NOW)
    for _ in range(5):
        services.job_ended(task="market.tasks.refresh_news", error=None, now=NOW)
    told = subjects(root, "operations")
    assert sorted(told) == [
        "The job market.tasks.refresh_news has failed",
        "The job market.tasks.refresh_news works again",
    ]


def test_a_job_that_fails_now_and_then_is_no_message(root: User) -> None:
    for error in ("no", "no", None, "no", "no", None):
        services.job_ended(task="market.tasks.refresh_news", error=error, now=NOW)
    assert subjects(root, "operations") == []


# --- The digest ---------------------------------------------------------------------------------


@pytest.fixture
def coins(db: None) -> list[Coin]:
    return [
        make_coin("bitcoin", price="100000", at=NOW, rank=1, symbol="btc", name="Bitcoin",
                  change_24h=Decimal("2.5"), market_cap=Decimal(2 * 10**12)),
        make_coin("evil", price="1", at=NOW, rank=2, symbol="evl", name="<b>Evil</b>",
                  change_24h=Decimal("-7.25"), market_cap=Decimal(10**9)),
    ]  # fmt: skip


def digests(person: User) -> list[Notification]:
    return list(Notification.objects.filter(user=person, kind="digest", channel="in_app"))


@PATIENT
@given(
    minutes=st.lists(st.integers(0, 60 * 24 * 3), max_size=30),
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Chatham"]),
)
def test_an_analyst_gets_one_digest_a_day_of_their_own_however_often_the_job_runs(
    ana: User, minutes: list[int], zone: str
) -> None:
    Notification.objects.all().delete()
    ana.timezone = zone
    ana.save()
    expected = set()
    for minute in sorted(minutes):
        at = NOW + timedelta(minutes=minute)
        services.send_digests(now=at)
        local = at.astimezone(accounts.zone_of(zone))
        if digest.FIRST_HOUR <= local.hour < digest.LAST_HOUR:
            expected.add(local.date())
    assert len(digests(ana)) == len(expected)


def test_the_digest_goes_to_analysts_alone_at_seven_of_their_day(
    people: dict[str, User], coins: list[Coin]
) -> None:
    services.send_digests(now=datetime(2026, 11, 20, 6, 59, tzinfo=UTC))
    assert not Notification.objects.exists()
    services.send_digests(now=datetime(2026, 11, 20, 7, 0, tzinfo=UTC))
    assert set(Notification.objects.values_list("user", flat=True)) == {people["ana"].pk}
    (told,) = digests(people["ana"])
    assert "Simulated" in told.body
    assert "$2.00T" in told.body
    assert "Bitcoin" in told.body
    assert "2.50%" in told.body
    mail = Notification.objects.get(channel="email")
    assert "&lt;b&gt;Evil" in mail.html
    assert "<b>Evil" not in mail.html


def test_one_broken_analyst_does_not_keep_the_others_from_theirs(
    people: dict[str, User], coins: list[Coin]
) -> None:
    other = make_person("zoe", Role.ANALYST)
    User.objects.filter(pk=people["ana"].pk).update(timezone="No/Where", notification_choices=[])
    services.send_digests(now=datetime(2026, 11, 20, 7, 0, tzinfo=UTC))
    assert len(digests(other)) == 1


# --- Flags --------------------------------------------------------------------------------------


def flag() -> Flag:
    return Flag(
        id=uuid.uuid4(), kind=Flag.Kind.ADDRESS_LOGINS, address="203.0.113.9", count=30,
        first_at=NOW, last_at=NOW,
    )  # fmt: skip


def test_a_flagged_pattern_is_told_to_moderators_once(people: dict[str, User]) -> None:
    raised = flag()
    for _ in range(3):
        pattern_flagged.send(sender=Flag, flag=raised)
    (subject,) = subjects(people["mo"], "flags")
    assert "Many failed log-ins from one address" in subject
    assert set(Notification.objects.values_list("user", flat=True)) == {people["mo"].pk}


@PATIENT
@given(order=st.lists(st.integers(0, 3), max_size=12))
def test_however_often_flags_are_told_of_each_is_one_message(mo: User, order: list[int]) -> None:
    Notification.objects.all().delete()
    raised = [flag() for _ in range(4)]
    for number in order:
        pattern_flagged.send(sender=Flag, flag=raised[number])
    assert len(subjects(mo, "flags")) == len(set(order))


# --- Every kind, every role ---------------------------------------------------------------------

WHOSE = {"trade": "user", "price_alert": "user", "operations": "admin", "digest": "analyst",
         "flags": "moderator"}  # fmt: skip


@pytest.mark.parametrize("kind", WHOSE)
@pytest.mark.parametrize("role", list(Role))
def test_a_kind_is_sent_to_its_role_and_to_no_other(kind: str, role: Role) -> None:
    person = confirm(make_person("somebody", role, notification_choices={kind: ["in_app"]}))
    is_theirs = WHOSE[kind] == role
    assert bool(services.chosen_channels(person, kind)) == is_theirs
    services.notify(
        user=person, kind=kind, subject="s", body="b", channels=["in_app"], event_id=uuid.uuid4(),
        now=NOW,
    )  # fmt: skip
    services.deliver_due(now=NOW)
    row = Notification.objects.get()
    assert row.status == ("sent" if is_theirs else "failed")


@pytest.mark.parametrize("kind", WHOSE)
def test_what_waits_for_somebody_who_gets_another_role_is_not_sent(kind: str) -> None:
    person = confirm(make_person("somebody", Role(WHOSE[kind])))
    services.notify(
        user=person, kind=kind, subject="s", body="b", channels=["in_app"], event_id=uuid.uuid4(),
        now=NOW,
    )  # fmt: skip
    other = Role.ADMIN if WHOSE[kind] != "admin" else Role.USER
    User.objects.filter(pk=person.pk).update(role=other)
    services.deliver_due(now=NOW)
    assert Notification.objects.get().status == "failed"


def test_a_role_mail_is_sent_only_to_who_has_confirmed_the_address(root: User) -> None:
    services.report(key="feed:x", name="The feed x", is_well=False, sentence="no", now=NOW)
    assert set(Notification.objects.values_list("channel", flat=True)) == {"in_app"}
