"""Prices come in; exactly the right alerts fire, once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from alerts import services
from alerts.models import Notification, PriceAlert
from alerts.services import evaluation, firing, outbox_rows
from cryptopulse.engine import is_dynamodb
from market import services as market
from market.models import Coin
from tests.alerts.conftest import after, fired_events, quote, tick, unevaluated
from tests.conftest import NOW, make_coin

Arm = Callable[..., PriceAlert]
pytestmark = pytest.mark.django_db


def test_an_alert_fires_when_the_price_reaches_its_target(arm: Arm) -> None:
    alert = arm("above", "101000", channels=["in_app"])
    tick("101000", 60)
    alert.refresh_from_db()
    assert alert.state == "fired"
    assert alert.last_fired_price == 101000
    assert alert.last_fired_at == after(60)
    assert alert.times_fired == 1
    row = Notification.objects.get()
    assert (row.kind, row.channel, row.user_id) == ("price_alert", "in_app", alert.user_id)
    assert row.event_id == uuid.uuid5(alert.pk, "1")
    assert row.subject == "Bitcoin rose to $101,000.00"
    assert "Your alert: Bitcoin rises to or above $101,000.00." in row.body
    assert "This price is simulated." in row.body
    assert row.url == "/markets/bitcoin/"


def test_an_alert_below_fires_when_the_price_falls_to_it(arm: Arm) -> None:
    alert = arm("below", "99000")
    tick("98000", 60)
    assert fired_events(alert)
    assert Notification.objects.get().subject == "Bitcoin fell to $98,000.00"


def test_an_alert_waits_while_the_price_is_short_of_its_target(arm: Arm) -> None:
    above, below = arm("above", "101000"), arm("below", "99000")
    tick("100999.99", 60)
    tick("99000.01", 120)
    assert not fired_events(above)
    assert not fired_events(below)


def test_an_alert_on_another_coin_is_left_alone(arm: Arm, ethereum: Coin) -> None:
    other = arm("above", "3500", coin_id="ethereum")
    tick("200000", 60)
    assert not fired_events(other)


def test_an_alert_that_fired_stays_quiet(arm: Arm) -> None:
    alert = arm("above", "101000")
    for number, price in enumerate(["102000", "90000", "103000"], 1):
        tick(price, 60 * number)
    assert len(fired_events(alert)) == 1


def test_a_paused_alert_never_fires(arm: Arm, alice: Any) -> None:
    alert = arm("above", "101000")
    services.pause(user=alice, alert_id=alert.pk, now=NOW)
    tick("105000", 60)
    assert not fired_events(alert)


def test_one_notification_for_each_chosen_channel(arm: Arm, settings: Any) -> None:
    settings.SNS_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:alerts"
    alert = arm("above", "101000")
    PriceAlert.objects.update(channels=["in_app", "email"])
    tick("101000", 60)
    rows = Notification.objects.order_by("channel")
    assert [row.channel for row in rows] == ["email", "in_app", "sns"]
    assert {row.event_id for row in rows} == {uuid.uuid5(alert.pk, "1")}
    assert all(row.address == "" for row in rows)


# --- Wicks, gaps and stale prices ---------------------------------------------------------------


def test_a_wick_between_two_evaluations_counts(arm: Arm) -> None:
    alert = arm("above", "105000")
    tick("100500", 10)
    with unevaluated():
        tick("106000", 20)
    tick("100000", 30)
    alert.refresh_from_db()
    assert alert.state == "fired"
    assert alert.last_fired_price == 106000


def test_a_wick_before_the_alert_does_not_count(arm: Arm) -> None:
    with unevaluated():
        tick("106000", 20)
        tick("100000", 30)
    alert = arm("above", "105000", now=after(35))
    tick("100100", 40)
    assert not fired_events(alert)


def test_a_wick_before_an_alert_was_resumed_does_not_count(arm: Arm, alice: Any) -> None:
    alert = arm("above", "105000")
    services.pause(user=alice, alert_id=alert.pk, now=after(1))
    with unevaluated():
        tick("106000", 20)
        tick("100000", 30)
    services.resume(user=alice, alert_id=alert.pk, now=after(35))
    tick("100100", 40)
    assert not fired_events(alert)


def test_several_prices_in_one_batch_count_each(arm: Arm) -> None:
    above, below = arm("above", "105000"), arm("below", "95000")
    batch = [quote("106000", 20), quote("94000", 30), quote("100000", 40)]
    market.ingest(quotes=batch, now=after(40))
    assert fired_events(above)
    assert fired_events(below)


def test_after_a_gap_the_first_fresh_price_counts_as_it_stands(arm: Arm) -> None:
    above, below = arm("above", "105000"), arm("below", "95000")
    with unevaluated():
        tick("94000", 10)
    gap = settings.STALE_AFTER.total_seconds() + 60
    tick("106000", gap)
    assert fired_events(above)
    assert not fired_events(below), "what was before the gap is history"


def test_a_stale_price_fires_nothing_and_stays_unevaluated(arm: Arm) -> None:
    alert = arm("above", "101000")
    with unevaluated():
        tick("102000", 10)
    late = settings.STALE_AFTER.total_seconds() + 11
    assert services.evaluate(coin_ids=["bitcoin"], now=after(late)) == 0
    assert not fired_events(alert)
    coin = Coin.objects.get()
    assert coin.evaluated_at is None or coin.evaluated_at < after(10)


def test_a_price_at_the_limit_of_staleness_still_counts(arm: Arm) -> None:
    alert = arm("above", "101000")
    with unevaluated():
        tick("102000", 10)
    late = settings.STALE_AFTER.total_seconds() + 10
    assert services.evaluate(coin_ids=["bitcoin"], now=after(late)) == 1
    assert fired_events(alert)


def test_the_beat_evaluates_what_no_tick_has(arm: Arm) -> None:
    alert = arm("above", "101000")
    with unevaluated():
        tick("102000", 10)
    assert services.evaluate_waiting(now=after(20)) == 1
    assert fired_events(alert)
    assert services.evaluate_waiting(now=after(20)) == 0


def test_an_older_price_that_comes_late_fires_nothing(arm: Arm) -> None:
    alert = arm("above", "101000")
    tick("100500", 60)
    market.ingest(quotes=[quote("150000", 30)], now=after(61))
    assert not fired_events(alert)


def test_a_price_that_comes_while_the_alert_is_made_is_not_missed(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alerts.services import alerts as operations

    def meanwhile(*arguments: Any) -> None:
        monkeypatch.undo()
        tick("102000", 5)

    monkeypatch.setattr(operations, "refuse_already_met", meanwhile)
    alert = arm("above", "101000", now=after(5))
    assert fired_events(alert)


# --- Repeating alerts ---------------------------------------------------------------------------


def test_a_repeating_alert_fires_again_after_the_price_was_back(arm: Arm) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=60)
    tick("102000", 10)
    tick("100000", 80)
    alert.refresh_from_db()
    assert (alert.state, alert.armed_at, alert.rearm_at) == ("armed", after(80), None)
    tick("101500", 90)
    assert len(fired_events(alert)) == 2


def test_a_repeating_alert_stays_quiet_while_the_price_stays_beyond(arm: Arm) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=60)
    for number in range(1, 20):
        tick(f"10{2 + number % 3}000", 60 * number)
    assert len(fired_events(alert)) == 1


def test_a_repeating_alert_does_not_storm_when_the_price_oscillates(arm: Arm) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=3600)
    for number in range(1, 61):
        tick("102000" if number % 2 else "100000", 10 * number)
    assert len(fired_events(alert)) == 1


def test_the_price_must_be_back_after_the_cooldown_not_only_during_it(arm: Arm) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=60)
    tick("102000", 10)
    tick("100000", 30)
    tick("102000", 100)
    assert len(fired_events(alert)) == 1
    tick("100000", 110)
    tick("102000", 120)
    assert len(fired_events(alert)) == 2


def test_a_wick_that_fired_does_not_fire_again(arm: Arm) -> None:
    alert = arm("above", "105000", repeats=True, cooldown=60)
    with unevaluated():
        tick("106000", 20)
    tick("100000", 30)
    tick("100000.5", 95)  # armed again: the price is back, the cooldown over
    tick("100001", 100)
    alert.refresh_from_db()
    assert alert.state == "armed"
    assert len(fired_events(alert)) == 1


def test_a_paused_repeating_alert_is_not_armed_again(arm: Arm, alice: Any) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=60)
    tick("102000", 10)
    services.pause(user=alice, alert_id=alert.pk, now=after(11))
    tick("100000", 100)
    tick("102000", 110)
    assert len(fired_events(alert)) == 1


def test_a_repeating_alert_below_works_the_same_way_round(arm: Arm) -> None:
    alert = arm("below", "99000", repeats=True, cooldown=60)
    for number, price in enumerate(["98000", "100000", "98000"], 1):
        tick(price, 100 * number)
    assert len(fired_events(alert)) == 2


# --- Failures half-way and repetition -----------------------------------------------------------


def test_evaluating_twice_fires_once(arm: Arm) -> None:
    alert = arm("above", "101000")
    tick("102000", 10)
    assert services.evaluate(coin_ids=["bitcoin"], now=after(11)) == 0
    assert len(fired_events(alert)) == 1


def test_a_crash_between_two_chunks_loses_nothing_and_doubles_nothing(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [arm("above", f"10100{number}") for number in range(6)]
    most = getattr(connection.features, "max_transaction_actions", None) or 1000
    monkeypatch.setattr(firing, "actions_of", lambda _: most // 2)  # two alerts in a chunk
    fire, calls = firing._fire, []

    def dies_at_the_second_chunk(*arguments: Any, **named: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("the machine is gone")
        return fire(*arguments, **named)

    monkeypatch.setattr(firing, "_fire", dies_at_the_second_chunk)
    monkeypatch.setattr("cryptopulse.atomic.ATTEMPTS", 1)
    with unevaluated():
        tick("102000", 10)
    services.evaluate(coin_ids=["bitcoin"], now=after(10))
    assert sum(len(fired_events(alert)) for alert in alerts) == 2
    coin = Coin.objects.get()
    assert coin.evaluated_at != coin.price_at, "it was not evaluated to the end"

    services.evaluate_waiting(now=after(20))
    assert [len(fired_events(alert)) for alert in alerts] == [1] * 6
    assert Notification.objects.count() == 6


def test_a_crash_before_the_mark_fires_nothing_twice(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = arm("above", "101000", repeats=True, cooldown=60)
    with monkeypatch.context() as broken, unevaluated():
        broken.setattr(market, "mark_evaluated", lambda **_: 1 / 0)
        tick("102000", 10)
        with pytest.raises(ZeroDivisionError):
            services.evaluate(coin_ids=["bitcoin"], now=after(10))
    services.evaluate_waiting(now=after(20))
    tick("102500", 90)
    assert len(fired_events(alert)) == 1


def test_a_failure_undoes_the_state_and_the_notification_together(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = arm("above", "101000")
    with monkeypatch.context() as broken:
        broken.setattr(outbox_rows, "insert", lambda *_, **__: 1 / 0)
        tick("102000", 10)
    alert.refresh_from_db()
    assert alert.state == "armed"
    tick("102001", 20)
    assert len(fired_events(alert)) == 1


def test_one_coin_that_fails_does_not_hold_up_another(
    arm: Arm, ethereum: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_bitcoin, on_ethereum = arm("above", "101000"), arm("above", "3500", coin_id="ethereum")
    evaluate_coin = evaluation._evaluate_coin

    def fails_on_bitcoin(coin: Coin, *arguments: Any, **named: Any) -> int:
        if coin.pk == "bitcoin":
            raise OperationalError("no")
        return evaluate_coin(coin, *arguments, **named)

    monkeypatch.setattr(evaluation, "_evaluate_coin", fails_on_bitcoin)
    market.ingest(quotes=[quote("102000", 10), quote("3600", 10, "ethereum")], now=after(10))
    assert fired_events(on_ethereum)
    monkeypatch.undo()
    services.evaluate_waiting(now=after(20))
    assert fired_events(on_bitcoin)


def test_a_listener_that_fails_does_not_stop_the_price(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = arm("above", "101000")
    monkeypatch.setattr(services, "evaluate", lambda **_: 1 / 0)
    tick("102000", 10)
    monkeypatch.undo()
    assert Coin.objects.get().last_price == 102000
    assert services.evaluate_waiting(now=after(20)) == 1
    assert fired_events(alert)


# --- Cost ---------------------------------------------------------------------------------------


def test_what_rests_costs_nothing(
    arm: Arm, alice: Any, bitcoin: Coin, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def rest(number: int) -> None:
        PriceAlert.objects.bulk_create(
            PriceAlert(user=alice, coin=bitcoin, condition=side, target=target, channels=["in_app"])
            for step in range(number)
            for side, target in (("above", 200000 + step), ("below", 50000 - step))
        )

    with unevaluated():
        tick("100001", 1)
    rest(10)
    # The probe; then the mark: begin, read, write, commit. On DynamoDB two small reads come
    # before the probe, for the coins that need none.
    queries = 7 if is_dynamodb() else 5
    with django_assert_num_queries(queries):
        services.evaluate(coin_ids=["bitcoin"], now=after(1))
    rest(2000)
    with unevaluated():
        tick("100002", 2)
    with django_assert_num_queries(queries):
        services.evaluate(coin_ids=["bitcoin"], now=after(2))


def test_many_coins_are_probed_by_one_query(
    alice: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [make_coin(f"coin-{number}").pk for number in range(100)]
    with django_assert_num_queries(1):
        assert len(evaluation.probe(keys)) == 100


# --- Any sequence of prices ---------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(90, 110), st.integers(1, 400), st.booleans()), min_size=1, max_size=12
)


@given(
    steps=STEPS,
    side=st.sampled_from(["above", "below"]),
    target=st.integers(90, 110).filter(lambda target: target != 100),
    cooldown=st.integers(60, 900),
)
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_prices_fire_what_a_simple_reading_of_the_rules_says(
    alice: Any, steps: list[tuple[int, int, bool]], side: str, target: int, cooldown: int
) -> None:
    """Each step is a price, the seconds since the last, and whether somebody evaluates it."""
    PriceAlert.objects.all().delete()
    Notification.objects.all().delete()
    Coin.objects.all().delete()
    make_coin(price="100", evaluated_at=NOW)
    if (target <= 100) if side == "above" else (target >= 100):
        side = "above" if side == "below" else "below"
    alert = services.create_alert(
        user=alice, coin_id="bitcoin", condition=side, target=Decimal(target),
        channels=["in_app"], repeats=True, cooldown=cooldown, now=NOW,
    )  # fmt: skip

    def met(price: int) -> bool:
        return price >= target if side == "above" else price <= target

    unseen: list[int] = []
    expected, armed, ready_at, seconds = 0, True, 0, 0
    for price, pause, is_evaluated in steps:
        seconds += pause
        gap = pause > settings.STALE_AFTER.total_seconds()
        unseen = [price] if gap else [*unseen, price]
        if not is_evaluated:
            with unevaluated():
                tick(str(price), seconds)
            continue
        tick(str(price), seconds)
        if armed and any(met(one) for one in unseen):
            expected, armed, ready_at = expected + 1, False, seconds + cooldown
        elif not armed and not met(price) and seconds >= ready_at:
            armed = True
        unseen = []
    assert len(fired_events(alert)) == expected
    assert Notification.objects.count() == expected
