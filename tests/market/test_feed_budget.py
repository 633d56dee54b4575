"""What a feed may still do: turns, months, minutes and the circuit, in rows that outlive us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market import budget
from market.feeds import FeedError
from market.models import FeedState
from tests.conftest import NOW

from .coingecko_server import Answer, CoinGeckoServer, market_row
from .feed_support import MakeFeed, make_feed, pauses, server

__all__ = ["make_feed", "pauses", "server"]

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BROKEN = FeedError("CoinGecko did not answer in time.")


def state() -> FeedState:
    return FeedState.objects.get(name="coingecko")


# --- Turns ------------------------------------------------------------------------------------


def claim(at: datetime, interval: timedelta = MINUTE) -> bool:
    return budget.claim_fetch(name="coingecko", interval=interval, now=at)


def test_a_fetch_is_claimed_once() -> None:
    assert claim(NOW)
    assert not claim(NOW)
    assert not claim(NOW + 50 * SECOND)
    assert claim(NOW + MINUTE)


def test_of_two_workers_that_see_the_same_due_time_one_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim(NOW)
    seen = state()  # both read before either writes
    monkeypatch.setattr(budget, "_state", lambda name: seen)

    assert [claim(NOW + MINUTE), claim(NOW + MINUTE)] == [True, False]


def test_of_two_workers_the_first_time_one_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = FeedState.objects.create(name="coingecko")
    monkeypatch.setattr(budget, "_state", lambda name: seen)

    assert [claim(NOW), claim(NOW)] == [True, False]


def test_workers_that_come_late_do_not_make_the_rhythm_drift() -> None:
    claim(NOW)
    assert claim(NOW + 70 * SECOND)
    assert state().next_fetch_at == NOW + 120 * SECOND


def test_a_scheduler_that_is_a_little_early_is_not_sent_away() -> None:
    claim(NOW, 2 * SECOND)
    assert claim(NOW + 1.95 * SECOND, 2 * SECOND)
    assert state().next_fetch_at == NOW + 4 * SECOND


def test_a_rhythm_that_was_missed_starts_anew() -> None:
    claim(NOW)
    assert claim(NOW + timedelta(hours=3))
    assert state().next_fetch_at == NOW + timedelta(hours=3) + MINUTE


def test_a_due_time_left_over_from_a_longer_interval_does_not_hold() -> None:
    claim(NOW, timedelta(hours=6))
    assert not claim(NOW + SECOND, timedelta(hours=6))
    assert claim(NOW + SECOND, MINUTE)


def test_feeds_take_turns_each_for_itself() -> None:
    assert claim(NOW)
    assert budget.claim_fetch(name="simulated", interval=MINUTE, now=NOW)


# --- The circuit ------------------------------------------------------------------------------


def fail(at: datetime, error: FeedError = BROKEN) -> None:
    budget.record_failure(name="coingecko", error=error, now=at)


def is_open(at: datetime) -> bool:
    return budget.is_open(name="coingecko", now=at)


def test_the_third_failure_in_a_row_opens_the_circuit() -> None:
    fail(NOW)
    fail(NOW)
    assert not is_open(NOW)

    fail(NOW)

    assert is_open(NOW + 59 * SECOND)
    assert not is_open(NOW + 60 * SECOND)  # half open: one fetch may try
    assert (state().failures, state().last_error) == (3, str(BROKEN))


def test_a_failure_while_half_open_opens_it_for_longer_up_to_five_minutes() -> None:
    at = NOW
    waits = []
    for _ in range(7):
        fail(at)
        until = state().open_until
        if until is not None:
            waits.append((until - at).total_seconds())
            at = until
    assert waits == [60, 120, 240, 300, 300]


def test_a_success_closes_it_and_forgets() -> None:
    for _ in range(3):
        fail(NOW)

    budget.record_success(name="coingecko", now=NOW + MINUTE)

    row = state()
    assert (row.failures, row.open_until, row.last_error) == (0, None, "")
    assert row.last_success_at == NOW + MINUTE
    fail(NOW + 2 * MINUTE)
    assert not is_open(NOW + 2 * MINUTE)


def test_what_the_source_asks_for_is_waited_even_after_one_failure() -> None:
    fail(NOW, FeedError("slow down", retry_after=timedelta(seconds=119)))

    assert is_open(NOW + 118 * SECOND)
    assert not is_open(NOW + 119 * SECOND)


def test_a_fault_of_the_settings_is_marked_and_tried_again_every_five_minutes() -> None:
    fail(NOW, FeedError("wrong key", misconfigured=True))

    assert state().is_misconfigured
    assert is_open(NOW + 299 * SECOND)
    assert not is_open(NOW + 300 * SECOND)
    budget.record_success(name="coingecko", now=NOW + 300 * SECOND)
    assert not state().is_misconfigured


def test_a_single_question_that_was_wrong_does_not_speak_against_the_feed() -> None:
    for _ in range(5):
        fail(NOW, FeedError("CoinGecko does not know this coin.", permanent=True))

    assert (state().failures, state().open_until) == (0, None)
    assert state().last_error == "CoinGecko does not know this coin."


def test_being_held_back_by_ourselves_is_no_failure() -> None:
    for _ in range(3):
        fail(NOW)
    opened_until = state().open_until

    fail(NOW + SECOND, budget.FeedPaused("left alone", retry_after=MINUTE))

    assert (state().failures, state().open_until) == (3, opened_until)
    assert state().last_error == str(BROKEN)


def test_long_messages_fit_their_column() -> None:
    fail(NOW, FeedError("x" * 1000))
    assert state().last_error == "x" * 300


def test_an_open_circuit_holds_back_every_call_and_outlives_the_process(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json([market_row("bitcoin", 1)]))
    for _ in range(3):
        fail(NOW)

    with pytest.raises(budget.FeedPaused) as caught:
        make_feed().quotes(["bitcoin"], now=NOW + SECOND)  # a new process: a new feed

    assert str(caught.value) == (
        "coingecko is left alone until 12:01:00 UTC. The last error: " + str(BROKEN)
    )
    assert caught.value.retry_after == 59 * SECOND
    assert server.calls == []
    assert len(make_feed().quotes(["bitcoin"], now=NOW + MINUTE)) == 1


# --- The month --------------------------------------------------------------------------------


def spend(times: int, at: datetime = NOW, monthly: int | None = 10) -> None:
    for _ in range(times):
        budget.spend_call(name="coingecko", monthly=monthly, now=at)


def test_a_spent_budget_says_when_it_renews() -> None:
    spend(10)

    with pytest.raises(budget.FeedPaused) as caught:
        spend(1)

    assert str(caught.value) == (
        "coingecko has spent its 10 calls of this month. The budget renews on 01 December 2026 "
        "at 00:00 UTC; a larger plan (COINGECKO_PLAN) ends the wait."
    )
    assert caught.value.retry_after == datetime(2026, 12, 1, tzinfo=UTC) - NOW
    assert state().calls_this_month == 10


def test_a_new_month_in_utc_begins_at_zero() -> None:
    east = datetime.fromisoformat("2026-12-01T00:30:00+01:00")  # still November in UTC
    spend(10)
    with pytest.raises(budget.FeedPaused):
        spend(1, east)

    spend(1, datetime(2026, 12, 1, tzinfo=UTC))

    assert (state().month, state().calls_this_month) == ("2026-12", 1)


def test_a_clock_that_lags_behind_midnight_does_not_bring_the_old_month_back() -> None:
    spend(3, datetime(2026, 12, 1, tzinfo=UTC))
    spend(1, datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))

    assert (state().month, state().calls_this_month) == ("2026-12", 4)


def test_a_plan_without_a_monthly_limit_is_counted_all_the_same() -> None:
    spend(50, monthly=None)
    assert state().calls_this_month == 50


def test_an_exhausted_budget_sends_nothing(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    FeedState.objects.create(name="coingecko", month="2026-11", calls_this_month=10_000)

    with pytest.raises(budget.FeedPaused, match="has spent its 10000 calls of this month"):
        make_feed(plan="demo", api_key="CG-x").quotes(["bitcoin"], now=NOW)

    assert server.calls == []


# --- The pace ---------------------------------------------------------------------------------


def test_each_plan_has_its_pace(make_feed: MakeFeed) -> None:
    assert make_feed().interval(now=NOW) == 60 * SECOND
    assert make_feed(plan="demo", api_key="CG-x").interval(now=NOW) == 300 * SECOND
    assert make_feed(plan="pro", api_key="CG-x").interval(now=NOW) == 60 * SECOND


def test_below_a_tenth_what_is_left_is_stretched_over_the_rest_of_the_month(
    make_feed: MakeFeed,
) -> None:
    feed = make_feed(plan="demo", api_key="CG-x")
    row = FeedState.objects.create(name="coingecko", month="2026-11", calls_this_month=9_000)
    assert feed.interval(now=NOW) == 300 * SECOND

    row.calls_this_month = 9_900
    row.save()

    seconds_left = (datetime(2026, 12, 1, tzinfo=UTC) - NOW).total_seconds()
    assert feed.interval(now=NOW).total_seconds() == pytest.approx(seconds_left / 100)


def test_with_nothing_left_the_next_fetch_is_at_the_renewal(make_feed: MakeFeed) -> None:
    FeedState.objects.create(name="coingecko", month="2026-11", calls_this_month=10_000)

    interval = make_feed(plan="demo", api_key="CG-x").interval(now=NOW)

    assert NOW + interval == datetime(2026, 12, 1, tzinfo=UTC)


def test_last_months_calls_do_not_slow_this_month(make_feed: MakeFeed) -> None:
    FeedState.objects.create(name="coingecko", month="2026-10", calls_this_month=10_000)

    assert make_feed(plan="demo", api_key="CG-x").interval(now=NOW) == 300 * SECOND


def test_more_coins_than_one_call_takes_are_fetched_less_often(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json([]))
    feed = make_feed(plan="demo", api_key="CG-x")

    feed.quotes([f"coin-{i}" for i in range(500)], now=NOW)

    assert feed.interval(now=NOW) == 2 * timedelta(days=30) / 9_000  # 576 s


def test_a_month_of_fetches_on_the_demo_plan_stays_within_its_calls() -> None:
    at, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    fetches = 0
    while at < end:
        fetches += 1
        at += budget.paced_interval(
            name="coingecko",
            shortest=timedelta(seconds=300),
            monthly=1_000,  # a tenth of what the plan has
            calls_per_fetch=1,
            now=at,
        )
    assert fetches == 900


# --- The minute -------------------------------------------------------------------------------


def take(at: datetime) -> None:
    budget.take_turn(name="coingecko", per_minute=5, now=at)


def test_a_minute_has_its_calls_and_then_says_how_long_to_wait() -> None:
    for _ in range(5):
        take(NOW + 20 * SECOND)

    with pytest.raises(budget.FeedPaused, match="its 5 calls of this minute; try again in 40 s"):
        take(NOW + 20 * SECOND)


def test_the_turn_of_a_minute_does_not_let_twice_as_many_through() -> None:
    for _ in range(5):
        take(NOW + 59 * SECOND)

    with pytest.raises(budget.FeedPaused):
        take(NOW + 60 * SECOND)
    take(NOW + 90 * SECOND)  # half of the last minute still counts
    take(NOW + 90 * SECOND)
    with pytest.raises(budget.FeedPaused):
        take(NOW + 90 * SECOND)


def test_a_refused_turn_costs_nothing() -> None:
    for _ in range(5):
        take(NOW)
    for _ in range(100):
        with pytest.raises(budget.FeedPaused):
            take(NOW)

    take(NOW + 119 * SECOND)


def test_the_feed_stops_at_its_calls_per_minute(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/search", Answer.json({"coins": []}))
    feed = make_feed(calls_per_minute=3)
    for _ in range(3):
        feed.search("bitcoin", now=NOW)

    with pytest.raises(budget.FeedPaused, match="3 calls of this minute"):
        feed.search("bitcoin", now=NOW)

    assert len(server.calls) == 3
    assert state().calls_this_month == 3
