"""The rules of firing, by scenario and by property."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import rules
from alerts.models import Condition
from market.quotes import PRICE_CONTEXT
from tests.conftest import NOW

SIDES = st.sampled_from(list(rules.Side))
PRICES = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False).map(PRICE_CONTEXT.plus)


def seen(price: str, low: str = "", high: str = "", *, since: int = 0, at: int = 0) -> Any:
    return rules.Observation(
        price=Decimal(price),
        price_at=NOW + timedelta(seconds=at),
        low=Decimal(low or price),
        high=Decimal(high or price),
        since=NOW + timedelta(seconds=since),
    )


def fires(
    side: str, target: str, observation: Any, *, armed: int = -10, rearmed: bool = False
) -> Any:
    return rules.firing_price(
        side=side,
        target=Decimal(target),
        armed_at=NOW + timedelta(seconds=armed),
        seen=observation,
        was_rearmed=rearmed,
    )


def test_the_two_names_of_a_side_are_the_same() -> None:
    assert [str(side) for side in rules.Side] == list(Condition.values)


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        ("above", "99.99", None),
        ("above", "100", "100"),
        ("above", "100.01", "100.01"),
        ("below", "100.01", None),
        ("below", "100", "100"),
        ("below", "99.99", "99.99"),
    ],
)
def test_the_target_itself_counts(side: str, price: str, expected: str | None) -> None:
    assert fires(side, "100", seen(price)) == (None if expected is None else Decimal(expected))


def test_a_wick_up_fires_an_alert_that_was_armed_before_it() -> None:
    assert fires("above", "105", seen("100", high="106")) == Decimal(106)


def test_a_wick_down_fires_an_alert_that_was_armed_before_it() -> None:
    assert fires("below", "95", seen("100", low="94")) == Decimal(94)


def test_a_wick_that_began_before_the_alert_does_not_fire_it() -> None:
    assert fires("above", "105", seen("100", high="106", since=0), armed=1) is None


def test_a_wick_to_the_other_side_fires_nothing() -> None:
    assert fires("above", "105", seen("100", low="50")) is None


def test_the_latest_price_fires_an_alert_that_was_armed_during_the_interval() -> None:
    assert fires("above", "105", seen("105", since=0, at=5), armed=3) == Decimal(105)


def test_an_old_price_is_no_news_to_an_alert_that_a_newer_one_armed_again() -> None:
    late_worker = seen("106", since=0, at=0)
    assert fires("above", "105", late_worker, armed=5, rearmed=True) is None
    assert fires("above", "105", seen("106", since=6, at=6), armed=5, rearmed=True) == Decimal(106)


def may_rearm(side: str, target: str, price: str, **times: int) -> bool:
    at = {"fired": 0, "rearm": 10, "seen": 20, "now": 20} | times
    moment = {name: NOW + timedelta(seconds=seconds) for name, seconds in at.items()}
    return rules.may_rearm(
        side=side,
        target=Decimal(target),
        fired_at=moment["fired"],
        rearm_at=moment["rearm"],
        price=Decimal(price),
        price_at=moment["seen"],
        now=moment["now"],
    )


def test_an_alert_is_armed_again_on_the_other_side_when_its_cooldown_is_over() -> None:
    assert may_rearm("above", "100", "99")
    assert may_rearm("below", "100", "101")


def test_an_alert_is_not_armed_again_while_the_price_is_at_the_target_or_beyond() -> None:
    assert not may_rearm("above", "100", "100")
    assert not may_rearm("above", "100", "101")
    assert not may_rearm("below", "100", "100")


def test_an_alert_is_not_armed_again_during_its_cooldown() -> None:
    assert not may_rearm("above", "100", "99", now=9)
    assert may_rearm("above", "100", "99", now=10)


def test_an_alert_is_not_armed_again_by_a_price_older_than_the_one_that_fired_it() -> None:
    assert not may_rearm("above", "100", "99", seen=-1)


@given(side=SIDES, target=PRICES, price=PRICES)
def test_an_alert_that_is_armed_again_by_a_price_is_never_fired_by_it(
    side: str, target: Decimal, price: Decimal
) -> None:
    rearms = may_rearm(side, str(target), str(price))
    observation = seen(str(price), since=20, at=20)
    assert not (rearms and fires(side, str(target), observation, armed=20, rearmed=True))


@given(side=SIDES, target=PRICES, prices=st.lists(PRICES, min_size=1, max_size=6))
def test_an_interval_fires_exactly_when_one_of_its_prices_would_have(
    side: str, target: Decimal, prices: list[Decimal]
) -> None:
    whole = seen(str(prices[-1]), str(min(prices)), str(max(prices)))
    one_by_one = [fires(side, str(target), seen(str(price))) for price in prices]
    assert (fires(side, str(target), whole) is not None) == any(one_by_one)


@given(target=PRICES, price=PRICES)
def test_a_target_that_is_met_on_both_sides_is_the_price(target: Decimal, price: Decimal) -> None:
    both = all(rules.is_met(side=side, target=target, price=price) for side in rules.Side)
    assert both == (target == price)


@given(target=PRICES, price=PRICES)
def test_the_distance_has_the_sign_of_the_way_to_go(target: Decimal, price: Decimal) -> None:
    distance = rules.distance_percent(target=target, price=price)
    assert distance is not None
    exact = (target - price) / price * 100
    assert abs(distance - exact) <= max(Decimal("0.0051"), abs(exact) * Decimal("1e-12"))


def test_the_distance_in_percent() -> None:
    distance = rules.distance_percent
    assert distance(target=Decimal(100000), price=Decimal("97412.20")) == Decimal("2.66")
    assert distance(target=Decimal(3200), price=Decimal("3418.55")) == Decimal("-6.39")
    assert distance(target=Decimal(1), price=None) is None
    assert distance(target=Decimal(1), price=Decimal(0)) is None


@pytest.mark.parametrize(
    "target",
    ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "1e15", "1e400", "1e-19", "1e-400",
     "1234567890123.456", "0.1234567890123456", "1.5e-18"],
)  # fmt: skip
def test_a_target_that_no_price_can_reach_exactly_is_refused(target: str) -> None:
    assert rules.target_problem(Decimal(target)).endswith(".")


@pytest.mark.parametrize(
    "target",
    ["1", "0.01", "1e-18", "999999999999999", "123456789012.345", "100000.000000000000000000000",
     "2.264e-9", "0.123456789012345"],
)  # fmt: skip
def test_a_target_of_up_to_15_digits_is_a_target(target: str) -> None:
    assert rules.target_problem(Decimal(target)) == ""
