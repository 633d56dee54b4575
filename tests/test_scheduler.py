"""Beat goes on when an administrator's row cannot be scheduled."""

from __future__ import annotations

import time

import pytest
from celery.beat import Scheduler
from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from cryptopulse.celery import app
from cryptopulse.scheduler import SkippingScheduler
from cryptopulse.schedules import SCHEDULES

pytestmark = pytest.mark.django_db

OURS = {schedule.name for schedule in SCHEDULES}


@pytest.fixture(autouse=True)
def _keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beat lets go of its connection between two looks; a test's transaction is on it."""
    monkeypatch.setattr("django_celery_beat.schedulers.close_old_connections", lambda: None)


def endless(days: int, *, name: str = "Never") -> PeriodicTask:
    every = IntervalSchedule.objects.create(every=days, period=IntervalSchedule.DAYS)
    task: PeriodicTask = PeriodicTask.objects.create(
        name=name, task="market.tasks.fetch_prices", interval=every
    )
    return task


def test_the_settings_name_this_scheduler() -> None:
    named = import_string(settings.CELERY_BEAT_SCHEDULER.replace(":", "."))
    assert named is SkippingScheduler


def test_every_row_that_can_run_is_scheduled() -> None:
    assert set(SkippingScheduler(app=app).schedule) == OURS


@pytest.mark.parametrize("days", [2_000_000_000, 999_999_999])
def test_an_interval_beyond_all_dates_is_left_out_and_named(
    days: int, caplog: pytest.LogCaptureFixture
) -> None:
    endless(days)
    scheduler = SkippingScheduler(app=app)

    assert set(scheduler.schedule) == OURS
    assert "“Never” cannot be scheduled" in caplog.text


def test_arguments_that_are_no_arguments_do_not_stop_the_others() -> None:
    PeriodicTask.objects.filter(name="Refresh news").update(args="{", headers="[1]")

    assert set(SkippingScheduler(app=app).schedule) == OURS - {"Refresh news"}


def test_a_broken_row_that_comes_while_beat_runs_leaves_the_others_running() -> None:
    scheduler = SkippingScheduler(app=app)
    assert len(scheduler.schedule) == len(OURS)
    endless(2_000_000_000)
    scheduler._initial_read = True  # as after any change of a row

    Scheduler.populate_heap(scheduler)
    assert {event.entry.name for event in scheduler._heap} == OURS


def test_a_mended_row_runs_again() -> None:
    broken = endless(2_000_000_000)
    IntervalSchedule.objects.filter(pk=broken.interval_id).update(every=1)

    assert "Never" in SkippingScheduler(app=app).schedule


def test_a_database_that_does_not_answer_is_no_rows_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(SkippingScheduler, "Entry", gone)
    with pytest.raises(DatabaseError):
        SkippingScheduler(app=app)


def test_writing_a_run_down_leaves_an_administrators_change_alone() -> None:
    scheduler = SkippingScheduler(app=app)
    ran = next(scheduler.schedule["Refresh news"])
    PeriodicTask.objects.filter(name="Refresh news").update(description="Changed meanwhile")
    ran.save()
    row = PeriodicTask.objects.get(name="Refresh news")
    assert (row.total_run_count, row.description) == (1, "Changed meanwhile")
    assert row.last_run_at == ran.last_run_at


def test_a_job_that_was_disabled_meanwhile_has_no_last_run() -> None:
    scheduler = SkippingScheduler(app=app)
    ran = next(scheduler.schedule["Refresh news"])
    PeriodicTask.objects.filter(name="Refresh news").update(enabled=False, last_run_at=None)
    ran.save()
    assert PeriodicTask.objects.get(name="Refresh news").last_run_at is None


def test_runs_are_written_down_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = SkippingScheduler(app=app)
    monkeypatch.setattr(scheduler, "_last_sync", time.monotonic() - 6)
    assert scheduler.should_sync()
