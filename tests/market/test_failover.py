"""Which stream is listened to: the best that is well, and no hammering of one that is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.failover import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_PAUSE_ELSEWHERE,
    STABLE_AFTER,
    FailOver,
)

from .feed_support import unhurried

pytestmark = pytest.mark.once


def longest(_: float, high: float) -> float:
    return high


def three() -> FailOver:
    return FailOver(["coinbase", "kraken", "binance"], draw=longest)


def test_the_best_feed_comes_first() -> None:
    assert three().choose(0.0) == ("coinbase", 0.0)


def test_a_feed_that_fails_once_is_tried_once_more() -> None:
    order = three()
    order.failed("coinbase", 10.0)
    assert order.choose(10.0) == ("coinbase", FIRST_PAUSE)
    order.failed("coinbase", 11.0)
    assert order.choose(11.0) == ("kraken", 0.0)


def test_a_feed_that_is_not_for_us_makes_room_at_once() -> None:
    order = three()
    order.failed("coinbase", 0.0, is_elsewhere=True)
    assert order.choose(0.0) == ("kraken", 0.0)
    assert order.better_than("kraken", 10.0) == ("coinbase", 20.0)


def test_a_feed_that_asks_for_time_gets_it() -> None:
    order = three()
    assert order.failed("coinbase", 0.0, at_least=45.0) == 45.0
    assert order.choose(0.0) == ("kraken", 0.0)
    assert order.better_than("kraken", 44.0) == ("coinbase", 1.0)
    assert order.better_than("kraken", 45.0) == ("coinbase", 0.0)


def test_the_best_feed_has_none_better() -> None:
    assert three().better_than("coinbase", 0.0) is None


def test_when_all_have_failed_the_one_that_is_due_first_is_waited_for() -> None:
    order = three()
    for name, times in (("coinbase", 4), ("kraken", 2), ("binance", 3)):
        for _ in range(times):
            order.failed(name, 0.0)
    assert order.choose(0.0) == ("kraken", 2.0)


def test_a_feed_that_was_well_for_a_while_starts_anew() -> None:
    order = three()
    for _ in range(5):
        order.failed("coinbase", 0.0)
    order.delivered("coinbase", 100.0)
    assert order.failures("coinbase") == 5
    order.delivered("coinbase", 100.0 + STABLE_AFTER)
    assert order.failures("coinbase") == 0
    order.failed("coinbase", 101.0 + STABLE_AFTER)
    assert order.failures("coinbase") == 1


def test_one_that_delivers_and_falls_again_and_again_waits_longer_each_time() -> None:
    order = three()
    pauses = []
    for number in range(5):
        order.delivered("coinbase", 100.0 * number)
        pauses.append(order.failed("coinbase", 100.0 * number + 1))
    assert pauses == [1, 2, 4, 8, 16]


def test_a_connection_that_ended_as_it_had_to_is_opened_again_at_once() -> None:
    order = three()
    order.delivered("coinbase", 0.0)
    assert order.ended("coinbase", 5.0)
    assert order.choose(5.0) == ("coinbase", 0.0)
    assert not order.ended("coinbase", 5.0)  # it has not delivered since


@unhurried
@given(failures=st.lists(st.tuples(st.booleans(), st.floats(0, 100)), min_size=1, max_size=60))
def test_pauses_are_bounded_however_often_it_fails(failures: list[tuple[bool, float]]) -> None:
    order = FailOver(["coinbase"])
    for is_elsewhere, now in failures:
        pause = order.failed("coinbase", now, is_elsewhere=is_elsewhere)
        assert 0 <= pause <= (LONGEST_PAUSE_ELSEWHERE if is_elsewhere else LONGEST_PAUSE)
        assert order.choose(now)[1] == pytest.approx(pause)
