"""Schedules: made after a migration, the administrators' from then on."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.db.models.signals import post_migrate
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from cryptopulse.schedules import SCHEDULES, write_schedules

pytestmark = pytest.mark.django_db


def test_after_a_migration_every_schedule_is_there() -> None:
    found = PeriodicTask.objects.filter(enabled=True)
    assert {one.name: (one.task, one.interval.every) for one in found} == {
        schedule.name: (schedule.task, schedule.seconds) for schedule in SCHEDULES
    }
    assert all(one.expire_seconds >= one.interval.every for one in found)


def test_each_schedule_names_a_task_that_there_is() -> None:
    for schedule in SCHEDULES:
        module, name = schedule.task.rsplit(".", 1)
        assert getattr(importlib.import_module(module), name).name == schedule.task


def test_what_an_administrator_changed_stays() -> None:
    slow = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.filter(name="Refresh news").update(interval=slow, enabled=False)
    assert write_schedules() == 0
    news = PeriodicTask.objects.get(name="Refresh news")
    assert (news.interval, news.enabled) == (slow, False)


def test_a_deleted_schedule_comes_back_and_doubled_intervals_do_no_harm() -> None:
    every = {"every": 300, "period": IntervalSchedule.SECONDS}
    for _ in range(2):
        IntervalSchedule.objects.create(**every)
    PeriodicTask.objects.filter(name="Refresh news").delete()
    scheduler = apps.get_app_config("django_celery_beat")
    for _ in range(2):
        post_migrate.send(sender=scheduler, app_config=scheduler, using="default")
    assert PeriodicTask.objects.filter(name="Refresh news").count() == 1


def test_the_migration_of_another_app_writes_nothing() -> None:
    PeriodicTask.objects.all().delete()
    for label in ("market", "accounts"):
        config = apps.get_app_config(label)
        post_migrate.send(sender=config, app_config=config, using="default")
    assert not PeriodicTask.objects.filter(name__in=[one.name for one in SCHEDULES]).exists()
