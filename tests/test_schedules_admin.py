"""Administrators change when jobs run, and not what they do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
)

from accounts.models import User
from cryptopulse.schedules import write_schedules

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(client: Client, root: User) -> PeriodicTask:
    write_schedules()
    client.force_login(root)
    return PeriodicTask.objects.get(name="Fetch prices")


def change(job: PeriodicTask) -> str:
    return reverse("admin:django_celery_beat_periodictask_change", args=[job.pk])


def test_a_job_is_switched_off_and_runs_less_often(client: Client, job: PeriodicTask) -> None:
    hourly = IntervalSchedule.objects.get(every=3600, period="seconds")

    client.post(change(job), {"interval": hourly.pk, "crontab": ""})

    job.refresh_from_db()
    assert (job.enabled, job.interval) == (False, hourly)


def test_what_a_job_does_cannot_be_typed(client: Client, job: PeriodicTask) -> None:
    client.post(
        change(job),
        {
            "enabled": "on",
            "interval": job.interval_id,
            "task": "alerts.tasks.delete_topic",
            "regtask": "alerts.tasks.delete_topic",
            "args": '["arn:aws:sns:us-east-1:1:operations"]',
            "kwargs": "{}",
            "name": "Mine",
        },
    )

    job.refresh_from_db()
    assert (job.name, job.task, job.args) == ("Fetch prices", "market.tasks.fetch_prices", "[]")


def test_no_job_is_added_or_deleted(client: Client, job: PeriodicTask) -> None:
    added = client.post(reverse("admin:django_celery_beat_periodictask_add"), {"name": "Mine"})
    deleted = client.post(
        reverse("admin:django_celery_beat_periodictask_delete", args=[job.pk]), {"post": "yes"}
    )

    assert (added.status_code, deleted.status_code) == (403, 403)
    assert PeriodicTask.objects.filter(pk=job.pk).exists()


@pytest.mark.parametrize(
    ("every", "period"),
    [("2000000000", "days"), ("367", "days"), ("1", "microseconds"), ("0", "seconds")],
)
def test_an_interval_that_beat_cannot_count_with_is_refused(
    client: Client, job: PeriodicTask, every: str, period: str
) -> None:
    before = IntervalSchedule.objects.count()

    response = client.post(
        reverse("admin:django_celery_beat_intervalschedule_add"),
        {"every": every, "period": period},
    )

    assert response.status_code == 200
    assert IntervalSchedule.objects.count() == before


def test_no_page_of_schedules_brings_an_inline_script(client: Client, job: PeriodicTask) -> None:
    page = client.get(change(job)).content.decode()

    assert "<script>" not in page
    assert 'script type="text/javascript">' not in page


def test_a_run_while_the_form_was_open_stays(
    client: Client, job: PeriodicTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = PeriodicTask.save

    def save_after_a_run(self: PeriodicTask, **more: Any) -> None:
        PeriodicTask.objects.filter(pk=self.pk).update(total_run_count=7)
        save(self, **more)

    monkeypatch.setattr(PeriodicTask, "save", save_after_a_run)
    client.post(
        change(job), {"enabled": "on", "interval": job.interval_id, "description": "Prices"}
    )

    job.refresh_from_db()
    assert (job.description, job.total_run_count) == ("Prices", 7)


def test_beat_hears_of_a_change(client: Client, job: PeriodicTask) -> None:
    before = PeriodicTasks.last_change()
    client.post(change(job), {"interval": job.interval_id})
    assert PeriodicTasks.last_change() != before


def test_a_job_has_exactly_one_schedule(client: Client, job: PeriodicTask) -> None:
    nightly = CrontabSchedule.objects.create(hour="3", minute="0")
    for both_or_none in ({"interval": job.interval_id, "crontab": nightly.pk}, {}):
        page = client.post(change(job), {"enabled": "on", **both_or_none})
        assert "Choose either an interval or a crontab." in page.content.decode()
    answer = client.post(change(job), {"enabled": "on", "crontab": nightly.pk})
    assert answer.status_code == 302
    job.refresh_from_db()
    assert (job.interval, job.crontab) == (None, nightly)


def test_a_schedule_that_jobs_use_names_them_and_is_not_deleted(
    client: Client, job: PeriodicTask
) -> None:
    name = "admin:django_celery_beat_intervalschedule"
    assert (
        "Fetch prices"
        in client.get(reverse(f"{name}_change", args=[job.interval_id])).content.decode()
    )
    gone = client.post(reverse(f"{name}_delete", args=[job.interval_id]), {"post": "yes"})
    assert gone.status_code == 403
    assert PeriodicTask.objects.filter(pk=job.pk).exists()


def test_a_row_with_another_kind_of_schedule_is_only_read(
    client: Client, job: PeriodicTask
) -> None:
    once = ClockedSchedule.objects.create(clocked_time="2030-01-01T00:00Z")
    row = PeriodicTask.objects.create(name="Once", task="x", clocked=once, one_off=True)
    assert client.get(change(row)).status_code == 200
    assert client.post(change(row), {"interval": job.interval_id}).status_code == 403
