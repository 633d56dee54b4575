"""What a fired alert tells each person in their own words and numbers, at one query for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from alerts import services
from alerts.models import Notification, PriceAlert

from .conftest import after, tick, unevaluated

pytestmark = pytest.mark.django_db


def people(number: int, **choices: str) -> list[User]:
    return [
        User.objects.create_user(username=name, email=f"{name}@example.com", **choices)
        for name in (f"p{choices.get('language', '')}{one}" for one in range(number))
    ]


def arm_each(owners: list[User], target: int) -> None:
    PriceAlert.objects.bulk_create(
        PriceAlert(
            user=one, coin_id="bitcoin", condition="above", target=target, channels=["in_app"],
            armed_at=after(-60),
        )
        for one in owners
    )  # fmt: skip


def test_an_alert_speaks_its_owners_language_and_notation(
    arm: Callable[..., PriceAlert], alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    arm("above", "101000.5", channels=["in_app"])
    tick("101234.56", 60)
    row = Notification.objects.get()
    assert row.subject == "Bitcoin ist auf $101.234,56 gestiegen"
    assert "Ihr Kursalarm: Bitcoin steigt auf $101.000,50 oder höher." in row.body
    assert "Dieser Kurs ist simuliert." in row.body


def test_an_alert_below_repeats_in_german(arm: Callable[..., PriceAlert], alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="de", number_format="apostrophe-point")
    arm("below", "99000", channels=["in_app"], repeats=True)
    tick("98000", 60)
    row = Notification.objects.get()
    assert row.subject == "Bitcoin ist auf $98'000.00 gefallen"
    assert "fällt auf $99'000.00 oder tiefer." in row.body
    assert "Er wiederholt sich" in row.body


def test_people_of_one_price_are_each_told_in_their_own_words(bitcoin: Any) -> None:
    english, german = people(3), people(3, language="de")
    arm_each([*english, *german], 101000)
    tick("102000", 60)
    said = {row.user_id: row.subject for row in Notification.objects.all()}
    assert {said[one.pk] for one in english} == {"Bitcoin rose to $102,000.00"}
    assert {said[one.pk] for one in german} == {"Bitcoin ist auf $102.000,00 gestiegen"}


@pytest.mark.parametrize("number", [1, 20])
def test_how_people_read_is_asked_once_for_a_chunk(number: int, bitcoin: Any) -> None:
    arm_each(people(number, language="de"), 101000)
    with unevaluated():
        tick("102000", 60)
    with CaptureQueriesContext(connection) as asked:
        assert services.evaluate(coin_ids=["bitcoin"], now=after(60)) == number
    reads = sum('FROM "accounts_user"' in one["sql"] for one in asked.captured_queries)
    # SQL takes all of them in one chunk; DynamoDB's chunks hold a few.
    assert 1 <= reads <= max(1, number // 5)


def test_nobody_is_asked_how_they_read_where_nothing_fires(bitcoin: Any) -> None:
    arm_each(people(3), 150000)
    with unevaluated():
        tick("102000", 60)
    with CaptureQueriesContext(connection) as asked:
        assert services.evaluate(coin_ids=["bitcoin"], now=after(60)) == 0
    assert not any("accounts_user" in one["sql"] for one in asked.captured_queries)
