"""When background jobs run: one table, written into the database after a migration.

From then on the rows are the administrators': a changed interval, a disabled job or a changed
argument stays as it is. A job that is deleted comes back with the next migration; disable it
instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils import timezone


class Schedule(NamedTuple):
    """One job: its name in the admin, the task, and the seconds between two runs."""

    name: str
    task: str
    seconds: int
    description: str


MINUTE, HOUR, DAY = 60, 3600, 86400

#: How often each job looks whether there is something to do. Feeds decide by themselves how often
#: they are really asked (`Feed.interval`), and due work is claimed, so that looking too often or
#: from two places costs a query and nothing more.
SCHEDULES = (
    Schedule(
        "Fetch prices", "market.tasks.fetch_prices", 2,
        "Asks the feed for prices when it is due, as its plan and budget allow.",
    ),
    Schedule(
        "Load history", "market.tasks.load_history", MINUTE,
        "Loads past prices of coins that have none yet, the most important ones first.",
    ),
    Schedule(
        "Refresh exchange rates", "market.tasks.refresh_exchange_rates", 10 * MINUTE,
        "Asks for exchange rates four times a day.",
    ),
    Schedule(
        "Refresh news", "market.tasks.refresh_news", 5 * MINUTE,
        "Reads the news feeds, each at most every ten minutes.",
    ),
    Schedule(
        "Work out figures", "market.tasks.refresh_figures", 5 * MINUTE,
        "Works out once a day what each coin's days say, so that analysis pages need not.",
    ),
    Schedule(
        "Delete expired market data", "market.tasks.purge_expired", HOUR,
        "Deletes candles and headlines that are past their time.",
    ),
    Schedule(
        "Evaluate waiting alerts", "alerts.tasks.evaluate_alerts", 15,
        "Evaluates prices that a process left behind when it died.",
    ),
    Schedule(
        "Deliver notifications", "alerts.tasks.deliver_due", 5,
        "Sends what is due, and tries again what failed.",
    ),
    Schedule(
        "Watch operations", "alerts.tasks.watch_operations", MINUTE,
        "Tells admins when a feed or its budget fails, and when it works again.",
    ),
    Schedule(
        "Send market digests", "alerts.tasks.send_digests", 10 * MINUTE,
        "Writes each analyst's digest at seven in the morning of their time zone.",
    ),
    Schedule(
        "Refresh channels", "alerts.tasks.refresh_channels", 5 * MINUTE,
        "Looks whether people have confirmed their e-mail topics.",
    ),
    Schedule(
        "Record portfolio values", "portfolio.tasks.record_equity", HOUR,
        "Stores what each portfolio was worth at the full hours since the last run.",
    ),
    Schedule(
        "Read the activity log", "accounts.tasks.read_log", MINUTE,
        "Counts what happened in each hour and flags patterns for the moderators.",
    ),
    Schedule(
        "Delete ended sessions", "accounts.tasks.clear_sessions", DAY,
        "Deletes the sessions of people who have not been here for two weeks, and old invitations.",
    ),
    Schedule(
        "Erase deleted accounts", "accounts.tasks.erase_accounts", 5 * MINUTE,
        "Goes on erasing the accounts whose owners have left, where a worker has died.",
    ),
    Schedule(
        "Delete old notifications", "alerts.tasks.purge_notifications", DAY,
        "Deletes notifications whose time is over.",
    ),
    Schedule(
        "Count the day", "cryptopulse.tasks.count_days", 15 * MINUTE,
        "Counts sign-ups, trades and alerts of each day, and deletes old error reports.",
    ),
)  # fmt: skip

#: A run that waited longer than this (or than its interval) is left out: the next one does it.
SHORTEST_EXPIRY = 30


def write_schedules() -> int:
    """Add the schedules that are missing; return how many. What is there is not touched."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    known = set(
        PeriodicTask.objects.filter(name__in=[schedule.name for schedule in SCHEDULES]).values_list(
            "name", flat=True
        )
    )
    missing = [schedule for schedule in SCHEDULES if schedule.name not in known]
    for schedule in missing:
        every = {"every": schedule.seconds, "period": IntervalSchedule.SECONDS}
        # Not get_or_create: nothing keeps an administrator from making the same interval twice.
        interval = IntervalSchedule.objects.filter(**every).first()
        PeriodicTask.objects.get_or_create(
            name=schedule.name,
            defaults={
                "task": schedule.task,
                "interval": interval or IntervalSchedule.objects.create(**every),
                "expire_seconds": max(schedule.seconds, SHORTEST_EXPIRY),
                "start_time": timezone.now(),  # without one, the first run waits an interval
                "description": schedule.description,
            },
        )
    return len(missing)


def _after_migrate(*, app_config: AppConfig, using: str, **_: Any) -> None:
    """Write the schedules once their tables are there.

    Heard for the scheduler's own app: Django sends the signal only for apps with models, and
    `migrate accounts` on a new database comes before the scheduler's tables are made.
    """
    if app_config.label == "django_celery_beat" and using == DEFAULT_DB_ALIAS and _has_tables():
        write_schedules()


def _has_tables() -> bool:
    from django.db import connection
    from django_celery_beat.models import PeriodicTask

    with connection.cursor() as cursor:
        return PeriodicTask._meta.db_table in connection.introspection.table_names(cursor)  # noqa: SLF001 (Django's public API)


def connect() -> None:
    """Have the schedules written after each migration."""
    post_migrate.connect(_after_migrate, dispatch_uid="cryptopulse.schedules")
