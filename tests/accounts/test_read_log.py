"""The reader of the log: hours are counted once, patterns flagged once, however often it runs."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import services
from accounts.models import Activity, ActivityHour, ActivityPosition, Flag, User
from accounts.moments import key_at, moment_of
from accounts.services import monitor
from accounts.signals import pattern_flagged

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FAILED, TRADED = Activity.Kind.LOGIN_FAILED, Activity.Kind.TRADED
HERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.FLAG_RULES = {
        "person_logins": (3, 600),
        "address_logins": (4, 600),
        "trades": (3, 60),
        "accounts": (3, 3600),
    }


@pytest.fixture
def told() -> Any:
    """Collect what `pattern_flagged` tells."""
    flags: list[Flag] = []

    def hear(*, flag: Flag, **_: Any) -> None:
        flags.append(flag)

    pattern_flagged.connect(hear)
    yield flags
    pattern_flagged.disconnect(hear)


def put(at: datetime, kind: str = FAILED, *, user: User | None = None, address: str = HERE,
        number: int = 0) -> None:  # fmt: skip
    key = uuid.UUID(int=key_at(at).int + number)
    Activity.objects.create(id=key, kind=kind, summary="x", user=user, address=address, at=at)


def minutes(*ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=one) for one in ago]


def flags() -> set[tuple[Any, ...]]:
    return set(
        Flag.objects.values_list("pk", "kind", "user_id", "address", "count", "first_at", "last_at")
    )


def test_failed_log_ins_of_a_person_are_flagged_and_told_once(alice: User, told: Any) -> None:
    for at in minutes(5, 4, 3):
        put(at, user=alice)
    assert services.read_log(now=NOW) == 3
    (flag,) = Flag.objects.all()
    assert (flag.kind, flag.user, flag.count, flag.state) == ("person_logins", alice, 3, "open")
    assert [one.pk for one in told] == [flag.pk]
    assert services.read_log(now=NOW) == 0
    ActivityPosition.objects.all().delete()  # read it all again
    services.read_log(now=NOW)
    assert Flag.objects.count() == len(told) == 1


def test_a_flag_grows_while_its_pattern_goes_on(alice: User, told: Any) -> None:
    for at in minutes(5, 4, 3):
        put(at, user=alice)
    services.read_log(now=NOW - timedelta(minutes=2))
    put(NOW - timedelta(minutes=1), user=alice, address="198.51.100.4")
    services.read_log(now=NOW)
    (flag,) = Flag.objects.all()
    assert (flag.count, flag.last_at) == (4, NOW - timedelta(minutes=1))
    assert len(told) == 1


def test_an_address_is_flagged_whoever_is_aimed_at(alice: User, bob: User) -> None:
    for at, user in zip(minutes(5, 4, 3, 2), (alice, bob, None, None), strict=True):
        put(at, user=user)
    services.read_log(now=NOW)
    assert [(flag.kind, flag.address) for flag in Flag.objects.all()] == [("address_logins", HERE)]


def test_a_burst_of_trades_and_many_accounts_are_flagged(alice: User, bob: User) -> None:
    for number in range(3):
        put(NOW - timedelta(minutes=5), TRADED, user=alice, number=number)
        put(NOW - timedelta(minutes=10 * number + 1), "signed_up", user=bob)
    services.read_log(now=NOW)
    assert sorted(Flag.objects.values_list("kind", flat=True)) == ["accounts", "trades"]


def test_lines_that_may_still_change_places_are_left_for_the_next_run(alice: User) -> None:
    for number in range(3):
        put(NOW - timedelta(seconds=5), user=alice, number=number)
    assert services.read_log(now=NOW) == 0
    assert services.read_log(now=NOW + timedelta(minutes=1)) == 3
    assert Flag.objects.count() == 1


def test_hours_are_counted_once() -> None:
    for number, at in enumerate(minutes(130, 70, 65, 1)):
        put(at, FAILED if number % 2 else TRADED)
    for _ in range(3):
        services.read_log(now=NOW)
    put(NOW, FAILED)
    services.read_log(now=NOW + timedelta(minutes=1))
    found = {row.hour.hour: (row.count, row.failed) for row in ActivityHour.objects.all()}
    assert found == {9: (1, 0), 10: (2, 1), 11: (1, 1), 12: (1, 1)}


def test_a_long_log_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    monkeypatch.setattr(monitor, "PAGE", 2)
    for at in minutes(59, 55, 50, 45, 44, 43, 4):
        put(at, user=alice)
    assert services.read_log(now=NOW) == 7
    assert sum(ActivityHour.objects.values_list("count", flat=True)) == 7
    page_by_page = flags()
    monkeypatch.setattr(monitor, "PAGE", 1000)
    for model in (ActivityPosition, ActivityHour, Flag):
        model.objects.all().delete()
    services.read_log(now=NOW)
    assert flags() == page_by_page
    assert len(page_by_page) == 2


def test_what_fails_half_way_is_done_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, alice: User, told: Any
) -> None:
    for at in minutes(5, 4, 3):
        put(at, user=alice)
    with monkeypatch.context() as patch:
        patch.setattr(monitor, "_move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.read_log(now=NOW)
    services.read_log(now=NOW)
    assert Flag.objects.count() == len(told) == 1
    assert ActivityHour.objects.get().count == 3


def test_who_cannot_be_told_does_not_keep_a_flag_from_being_raised(alice: User) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the outbox is full")

    pattern_flagged.connect(fail)
    try:
        for at in minutes(5, 4, 3):
            put(at, user=alice)
        services.read_log(now=NOW)
    finally:
        pattern_flagged.disconnect(fail)
    assert Flag.objects.get().announced_at is None


def test_of_two_runs_at_once_one_counts() -> None:
    put(NOW - timedelta(minutes=1))
    position = key_at(NOW - timedelta(hours=1))
    end, lines = key_at(NOW), monitor._lines(position, key_at(NOW))
    assert monitor._move(position, end, lines)
    assert not monitor._move(position, end, lines)
    assert ActivityHour.objects.get().count == 1


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 2400), st.booleans()), min_size=1, max_size=25),
    st.lists(st.integers(0, 2400), max_size=6),
    st.integers(0, 1000),
)
def test_however_it_is_run_the_same_is_flagged(
    alice: User, bob: User, events: list[tuple[int, bool]], runs: list[int], seed: int
) -> None:
    start = NOW - timedelta(seconds=2400)
    results = []
    for run_at in ([], sorted(runs)):
        for model in (Activity, ActivityHour, ActivityPosition, Flag):
            for row in model.objects.all():
                row.delete()
        pending = sorted(enumerate(events), key=lambda event: event[1][0])
        for stop in [*run_at, 2400 + 60]:
            due = [event for event in pending if event[1][0] <= stop]
            pending = [event for event in pending if event[1][0] > stop]
            random.Random(seed).shuffle(due)
            for number, (second, is_alice) in due:
                at = start + timedelta(seconds=second)
                put(at, user=alice if is_alice else bob, number=number)
            for _ in range(2):
                services.read_log(now=start + timedelta(seconds=stop) + monitor.LAG)
        total = sum(ActivityHour.objects.values_list("count", flat=True))
        results.append((flags(), total))
    assert results[0] == results[1]
    assert results[0][1] == len(events)


@given(st.integers(0, 7 * 10**15))
def test_a_moment_is_the_key_of_its_millisecond(microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert timedelta() <= moment - moment_of(key_at(moment)) < timedelta(milliseconds=1)
    assert key_at(moment).version == 7
