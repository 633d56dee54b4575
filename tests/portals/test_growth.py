"""Figures per day: counted from the rows, again and again the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts import services as accounts
from accounts.models import Activity, User
from alerts.models import Notification
from cryptopulse.models import DailyFigure
from cryptopulse.portals.growth import BAR_HEIGHT, bars, count_days, growth, period
from market.models import Coin

from .conftest import logged_in, make_trade

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
Name = DailyFigure.Name


def counted(name: str) -> dict[str, int]:
    rows = DailyFigure.objects.filter(name=name).order_by("day")
    return {f"{row.day:%m-%d}": row.count for row in rows if row.count}


def series_of(name: str, days: int = 30) -> Any:
    return next(one for one in growth(now=NOW, days=days).series if one.name == name)


def fired(user: User, event: str, *, channels: tuple[str, ...], at: datetime) -> None:
    event_id = Notification.key(user.pk, event)
    for channel in channels:
        Notification.objects.create(
            id=Notification.key(event_id, channel), event_id=event_id, kind="price_alert",
            channel=channel, user=user, subject="BTC", created_at=at,
        )  # fmt: skip


@pytest.mark.django_db
def test_the_first_run_counts_what_there_was(alice: User, bitcoin: Coin) -> None:
    make_trade(alice, bitcoin, at=NOW - timedelta(days=40), amount="10.50")
    make_trade(alice, bitcoin, at=NOW, amount="1.25")
    make_trade(alice, bitcoin, at=NOW - timedelta(hours=1), amount="2")
    count_days(now=NOW)
    assert counted(Name.TRADES) == {"10-11": 1, "11-20": 2}
    assert DailyFigure.objects.get(pk="trades:2026-11-20").amount == Decimal("3.25")


@pytest.mark.django_db
def test_counting_twice_is_counting_once(alice: User, bitcoin: Coin) -> None:
    make_trade(alice, bitcoin, at=NOW)
    for _ in range(3):
        count_days(now=NOW)
    assert counted(Name.TRADES) == {"11-20": 1}


@pytest.mark.django_db
def test_a_day_that_was_not_over_is_counted_again(alice: User, bitcoin: Coin) -> None:
    count_days(now=NOW)
    make_trade(alice, bitcoin, at=NOW + timedelta(hours=11))
    make_trade(alice, bitcoin, at=NOW + timedelta(days=3))
    count_days(now=NOW + timedelta(days=4))  # nobody counted in between
    assert counted(Name.TRADES) == {"11-20": 1, "11-23": 1}


@pytest.mark.django_db
def test_one_firing_counts_once_however_many_channels(alice: User) -> None:
    fired(alice, "one", channels=("in_app", "email"), at=NOW)
    fired(alice, "two", channels=("in_app",), at=NOW)
    fired(alice, "three", channels=("in_app",), at=NOW - timedelta(days=1))
    count_days(now=NOW)
    assert counted(Name.ALERTS_FIRED) == {"11-19": 1, "11-20": 2}


@pytest.mark.django_db
def test_sign_ups_and_alerts_are_read_from_the_log(alice: User) -> None:
    for kind in ("signed_up", "signed_up", "alert_created", "logged_in"):
        accounts.record(kind=Activity.Kind(kind), summary="x", user=alice)
    today = datetime.now(UTC)
    count_days(now=today)
    day = f"{today:%m-%d}"
    assert counted(Name.SIGN_UPS) == {day: 2}
    assert counted(Name.ALERTS_SET) == {day: 1}


@pytest.mark.django_db
def test_a_period_is_compared_with_the_one_before(alice: User, bitcoin: Coin) -> None:
    for days in (0, 29, 29, 30, 59, 60):
        make_trade(alice, bitcoin, at=NOW - timedelta(days=days), amount="50")
    count_days(now=NOW)
    trades, volume = series_of("trades"), series_of("trades_amount")
    assert (trades.count, trades.before, trades.change) == (3, 2, 50)
    assert (volume.amount, volume.before, volume.change) == (150, 100, 50)
    assert len(trades.bars) == 30
    assert series_of("signups").change is None


@pytest.mark.django_db
def test_a_range_is_one_query(django_assert_num_queries: Any) -> None:
    count_days(now=NOW)
    with django_assert_num_queries(1):
        growth(now=NOW, days=90)


@pytest.mark.django_db
def test_the_page_draws_the_days_that_it_is_asked_for(root: User) -> None:
    count_days(now=datetime.now(UTC))
    client = logged_in(root)
    assert client.get(reverse("portals:admin")).context["growth"].days == 30
    page = client.get(reverse("portals:admin"), {"days": "90"})
    assert [len(one.bars) for one in page.context["growth"].series] == [90] * 5


@pytest.mark.parametrize(
    ("text", "days"), [("90", 90), ("30", 30), ("", 30), ("9999999", 30), ("x", 30), ("-1", 30)]
)
def test_only_offered_periods_are_drawn(text: str, days: int) -> None:
    assert period(text) == days


@given(st.lists(st.integers(0, 10**9), max_size=90))
def test_bars_stay_in_their_drawing_and_something_can_be_seen(counts: list[int]) -> None:
    first = NOW.date()
    drawn = bars([(first + timedelta(days=n), c, Decimal(0)) for n, c in enumerate(counts)])
    assert [bar.count for bar in drawn] == counts
    for bar in drawn:
        assert bar.y + bar.height == BAR_HEIGHT
        assert bar.height >= (2 if bar.count else 1)
    if any(counts):
        assert max(bar.height for bar in drawn) == BAR_HEIGHT
