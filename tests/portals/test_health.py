"""What works and what does not: workers, cost, budgets, and the part that asks again by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cryptopulse.dynamodb.metering import Totals
from cryptopulse.portals import statistics, workers
from market.models import FeedState

from .conftest import logged_in

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_jobs", "_failed"):
        monkeypatch.setattr(workers, name, 0)
    monkeypatch.setattr(workers, "_next_note", 0.0)


def test_a_worker_is_known_by_the_jobs_that_it_ends() -> None:
    workers.job_ended(state="SUCCESS")
    [(worker, is_silent)] = workers.known(now=timezone.now())
    assert (worker.jobs, worker.failed, is_silent) == (1, 0, False)


def test_it_says_so_once_in_a_while_and_not_for_each_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("SUCCESS", "FAILURE", "SUCCESS"):
        workers.job_ended(state=state)
    assert workers.known(now=timezone.now())[0][0].jobs == 1
    monkeypatch.setattr(workers, "_next_note", 0.0)
    workers.job_ended(state="SUCCESS")
    [(worker, _)] = workers.known(now=timezone.now())
    assert (worker.jobs, worker.failed) == (4, 1)


def test_one_that_says_nothing_is_silent_and_forgotten_in_the_end() -> None:
    workers.job_ended(state="SUCCESS")
    now = timezone.now()
    assert workers.known(now=now + timedelta(minutes=3))[0][1]
    assert workers.known(now=now + timedelta(hours=2)) == []


def test_a_cache_that_is_away_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr(cache, "get", away)
    workers.job_ended(state="SUCCESS")


def test_the_cost_goes_on_as_it_was(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DYNAMODB_READ_PRICE, settings.DYNAMODB_WRITE_PRICE = Decimal("0.5"), Decimal(2)
    used = Totals(requests=9, read_units=1_000_000, write_units=500_000)
    monkeypatch.setattr("cryptopulse.dynamodb.metering.totals", lambda: used)
    monkeypatch.setattr(statistics, "is_dynamodb", lambda: True)
    monkeypatch.setattr(statistics, "STARTED_AT", NOW - timedelta(hours=6))
    use = statistics.database_use(now=NOW)
    assert use is not None
    assert use.cost == Decimal("1.5")
    assert use.per_day == 6
    assert use.per_month == 180


def test_a_process_that_has_just_started_has_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptopulse.dynamodb.metering.totals", Totals)
    monkeypatch.setattr(statistics, "is_dynamodb", lambda: True)
    monkeypatch.setattr(statistics, "STARTED_AT", NOW)
    use = statistics.database_use(now=NOW)
    assert use is not None
    assert use.per_month == 0


@pytest.mark.django_db
def test_a_budget_says_what_is_used_and_when_it_begins_anew(root: User, settings: Any) -> None:
    options = settings.FEEDS["coingecko"]["OPTIONS"] | {"plan": "demo", "api_key": "x"}
    settings.FEEDS = {**settings.FEEDS, "coingecko": {**settings.FEEDS["coingecko"],
                                                     "OPTIONS": options}}  # fmt: skip
    FeedState.objects.create(name="coingecko", calls_this_month=6213, last_success_at=NOW)
    text = logged_in(root).get(reverse("portals:admin")).content.decode()
    assert "6,213" in text
    assert "of 10,000" in text
    assert "Begins anew on 1 " in text


@pytest.mark.django_db
def test_the_part_that_asks_again_is_no_whole_page(root: User) -> None:
    text = logged_in(root).get(reverse("portals:admin-health")).content.decode()
    assert "<html" not in text
    for word in ("Outbox", "Beat and workers", "Live now", "Errors", "Feeds", "Schedules"):
        assert word in text


@pytest.mark.django_db
def test_it_asks_the_same_however_much_there_is(
    root: User, django_assert_max_num_queries: Any
) -> None:
    client = logged_in(root)
    client.get(reverse("portals:admin-health"))
    with django_assert_max_num_queries(8):
        client.get(reverse("portals:admin-health"))
