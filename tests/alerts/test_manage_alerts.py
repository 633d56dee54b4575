"""Creating, pausing, resuming and deleting: what is refused, and with which sentence."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from accounts import services as accounts
from accounts.roles import Role
from alerts import services
from alerts.models import PriceAlert
from alerts.services import AlertRejected
from market.models import Coin
from tests.alerts.conftest import after, fired_events, tick, unevaluated
from tests.conftest import NOW, confirm, make_coin

Arm = Callable[..., PriceAlert]
pytestmark = pytest.mark.django_db


def refusal(operation: Callable[[], object]) -> AlertRejected:
    with pytest.raises(AlertRejected) as caught:
        operation()
    assert caught.value.sentence.endswith(".")
    return caught.value


def test_a_new_alert_is_armed_from_now_on(arm: Arm, alice: Any) -> None:
    alert = arm("above", "101000.50", now=after(5))
    alert.refresh_from_db()
    assert (alert.state, alert.armed_at, alert.user) == ("armed", after(5), alice)
    assert alert.target == Decimal("101000.50")


@pytest.mark.parametrize(
    ("condition", "target"),
    [("above", "100000"), ("above", "99999"), ("below", "100000"), ("below", "100001")],
)
def test_an_alert_that_is_met_already_is_refused(arm: Arm, condition: str, target: str) -> None:
    refused = refusal(lambda: arm(condition, target))
    assert (refused.code, refused.field) == ("already_met", "target")
    assert "it is $100,000.00" in refused.sentence


@pytest.mark.parametrize(
    "target", ["0", "-5", "NaN", "Infinity", "1e15", "1e-19", "1.0000000000000001"]
)
def test_a_target_that_is_no_price_is_refused(arm: Arm, target: str) -> None:
    assert refusal(lambda: arm("above", target)).code == "bad_target"


def test_a_tiny_target_is_kept_to_the_last_digit(arm: Arm, coin: Callable[..., Coin]) -> None:
    coin("pepe", price="0.000000002264888888")
    alert = arm("above", "0.000000002264999999", coin_id="pepe")
    alert.refresh_from_db()
    assert alert.target == Decimal("0.000000002264999999")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"coin_id": "no-such-coin"}, "unknown_coin"),
        ({"condition": "sideways"}, "bad_condition"),
        ({"channels": []}, "no_channel"),
        ({"channels": ["pigeon"]}, "bad_channel"),
        ({"channels": ["sns"]}, "bad_channel"),
        ({"channels": ["email"]}, "channel_not_ready"),
        ({"cooldown": 59}, "bad_cooldown"),
        ({"cooldown": 10**9}, "bad_cooldown"),
    ],
)
def test_what_cannot_be_is_refused(arm: Arm, changes: dict[str, Any], code: str) -> None:
    assert refusal(lambda: arm(**changes)).code == code
    assert not PriceAlert.objects.exists()


def test_a_coin_without_a_price_or_not_listed_any_more_is_refused(arm: Arm) -> None:
    make_coin("new", price=None)
    make_coin("gone", price="5", tracked=False)
    assert refusal(lambda: arm(coin_id="new")).code == "no_price"
    assert refusal(lambda: arm(coin_id="gone")).code == "unknown_coin"


def test_the_same_alert_twice_is_refused(arm: Arm, bob: Any) -> None:
    arm("above", "101000")
    assert refusal(lambda: arm("above", "101000.00")).code == "duplicate"
    arm("above", "101000", user=bob)
    arm("above", "101001")


def test_an_alert_that_fired_may_be_made_anew(arm: Arm) -> None:
    arm("above", "101000")
    tick("102000", 10)
    tick("100000", 20)
    arm("above", "101000", now=after(20))


def test_the_two_hundredth_alert_is_the_last(arm: Arm, alice: Any, bitcoin: Coin) -> None:
    PriceAlert.objects.bulk_create(
        PriceAlert(user=alice, coin=bitcoin, condition="above", target=200000 + number)
        for number in range(services.MAX_ALERTS - 1)
    )
    arm()
    refused = refusal(lambda: arm("above", "150000"))
    assert refused.code == "too_many_alerts"
    assert "200" in refused.sentence


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ANALYST, Role.MODERATOR])
def test_other_roles_are_refused(arm: Arm, alice: Any, role: Role) -> None:
    type(alice).objects.filter(pk=alice.pk).update(role=role)
    assert refusal(arm).code == "not_allowed"


def test_a_suspended_person_is_refused(arm: Arm, alice: Any) -> None:
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    assert refusal(arm).code == "not_allowed"


def test_pausing_twice_changes_nothing(arm: Arm, alice: Any) -> None:
    alert = arm()
    for _ in range(2):
        assert services.pause(user=alice, alert_id=alert.pk, now=NOW).state == "paused"


def test_pausing_what_has_fired_for_good_is_refused(arm: Arm, alice: Any) -> None:
    alert = arm()
    tick("102000", 10)
    refused = refusal(lambda: services.pause(user=alice, alert_id=alert.pk, now=NOW))
    assert refused.code == "already_fired"


def test_resuming_looks_at_the_price_again(arm: Arm, alice: Any) -> None:
    alert = arm("above", "101000")
    services.pause(user=alice, alert_id=str(alert.pk), now=NOW)
    tick("102000", 10)
    refused = refusal(lambda: services.resume(user=alice, alert_id=alert.pk, now=after(11)))
    assert refused.code == "already_met"
    tick("100000", 20)
    services.resume(user=alice, alert_id=alert.pk, now=after(21))
    tick("101000", 30)
    assert len(fired_events(alert)) == 1


def test_resuming_what_has_fired_arms_it_again(arm: Arm, alice: Any) -> None:
    alert = arm("above", "101000")
    tick("102000", 10)
    tick("100000", 20)
    services.resume(user=alice, alert_id=alert.pk, now=after(21))
    tick("103000", 30)
    assert len(fired_events(alert)) == 2


def test_resuming_beside_its_double_is_refused(arm: Arm, alice: Any) -> None:
    first = arm("above", "101000")
    tick("102000", 10)
    tick("100000", 20)
    arm("above", "101000", now=after(20))
    refused = refusal(lambda: services.resume(user=alice, alert_id=first.pk, now=after(21)))
    assert refused.code == "duplicate"


@pytest.mark.parametrize("operation", [services.pause, services.resume, services.delete_alert])
@pytest.mark.parametrize("key", ["theirs", "nonsense", "\x00", ""])
def test_only_ones_own_alerts_can_be_changed(
    arm: Arm, bob: Any, operation: Callable[..., object], key: str
) -> None:
    alert = arm()
    wanted = str(alert.pk) if key == "theirs" else key
    refused = refusal(lambda: operation(user=bob, alert_id=wanted, now=NOW))
    assert refused.code == "unknown_alert"
    assert PriceAlert.objects.filter(pk=alert.pk, state="armed").exists()


def test_own_alerts_have_the_distance_and_cost_one_query(
    arm: Arm, alice: Any, bob: Any, django_assert_num_queries: Any
) -> None:
    arm("above", "102660")
    arm("below", "93610")
    arm("above", "500000", user=bob)
    with django_assert_num_queries(1):
        views = services.own_alerts(user=alice, now=NOW)
    assert [str(view.distance_percent) for view in views] == ["-6.39", "2.66"]
    assert {view.coin.name for view in views} == {"Bitcoin"}


def test_a_suspended_persons_alerts_are_paused(arm: Arm, alice: Any, root: Any) -> None:
    armed, repeating, done = arm(), arm("above", "102000", repeats=True), arm("below", "99000")
    tick("98000", 5)
    tick("100000", 6)
    accounts.suspend(user=alice, by=root, reason="Testing")
    states = [PriceAlert.objects.get(pk=alert.pk).state for alert in (armed, repeating, done)]
    assert states == ["paused", "paused", "fired"]
    tick("150000", 10)
    assert not fired_events(armed)


def test_alerts_of_somebody_who_changes_role_are_paused(arm: Arm, alice: Any, root: Any) -> None:
    alert = arm()
    accounts.change_role(user=confirm(alice), role=Role.ANALYST, by=root)
    alert.refresh_from_db()
    assert alert.state == "paused"


def test_statistics_count_what_there_is(arm: Arm, alice: Any) -> None:
    arm()
    services.pause(user=alice, alert_id=arm("above", "102000").pk, now=NOW)
    arm("below", "99000")
    tick("98000", 10)
    found = services.alert_statistics(now=after(40))
    assert (found.armed, found.fired, found.paused, found.total) == (1, 1, 1, 3)
    assert found.waiting == 1
    assert found.longest_wait.total_seconds() == 30


def test_an_alert_may_be_made_while_prices_are_stale_and_waits_for_a_fresh_one(arm: Arm) -> None:
    late = settings.STALE_AFTER.total_seconds() * 3
    alert = arm("above", "101000", now=after(late))
    with unevaluated():
        tick("101500", late + 1)
    services.evaluate_waiting(now=after(late + 1))
    assert fired_events(alert)
