"""Operators hear of a feed in trouble once, on their own topic."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from alerts import services
from alerts.models import Notification
from market.budget import record_failure, record_success
from market.feeds.base import FeedError
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

TOPIC = "arn:aws:sns:us-east-1:123456789012:operations"


def fail(minute: int, *, misconfigured: bool = False) -> None:
    record_failure(
        name="coingecko",
        error=FeedError("CoinGecko does not answer.", misconfigured=misconfigured),
        now=NOW + timedelta(minutes=minute),
    )


def alarms() -> list[Notification]:
    return list(Notification.objects.filter(channel="sns_ops"))


def test_the_third_failure_in_a_row_is_told_and_the_fourth_is_not(settings: Settings) -> None:
    settings.SNS_OPS_TOPIC_ARN = TOPIC
    for minute in range(2):
        fail(minute)
    assert alarms() == []

    for minute in range(10, 60, 10):
        fail(minute)

    (alarm,) = alarms()
    assert alarm.kind == "operations"
    assert alarm.subject == "The feed coingecko has failed"
    assert "CoinGecko does not answer." in alarm.body
    assert alarm.user_id is None


def test_a_wrong_key_is_told_at_once(settings: Settings) -> None:
    settings.SNS_OPS_TOPIC_ARN = TOPIC

    fail(0, misconfigured=True)

    assert len(alarms()) == 1


def test_after_a_recovery_the_next_trouble_is_told_again(settings: Settings) -> None:
    settings.SNS_OPS_TOPIC_ARN = TOPIC
    fail(0, misconfigured=True)
    record_success(name="coingecko", now=NOW + timedelta(minutes=1))
    services.watch_operations(now=NOW + timedelta(minutes=2))

    fail(3, misconfigured=True)

    told = sorted(alarms(), key=lambda row: row.created_at)
    assert [row.subject for row in told] == [
        "The feed coingecko has failed",
        "The feed coingecko works again",
        "The feed coingecko has failed",
    ]


def test_without_a_topic_nothing_is_written(settings: Settings) -> None:
    settings.SNS_OPS_TOPIC_ARN = ""

    fail(0, misconfigured=True)

    assert not Notification.objects.exists()
