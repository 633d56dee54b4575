"""Deliveries leave threads of a worker free for prices and alerts."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import services, tasks
from alerts.turns import Turns

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
def test_half_of_the_threads_may_deliver_and_one_at_least(threads: int, most: int) -> None:
    turns = Turns(threads=threads)

    assert [turns.take() for _ in range(threads + 1)].count(True) == most


def test_who_was_turned_away_is_remembered_once() -> None:
    turns = Turns(threads=2)
    assert turns.take()
    assert not turns.take()

    assert turns.give_back()
    assert turns.take()
    assert not turns.give_back()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    woken: list[str] = []
    monkeypatch.setattr(tasks, "wake_delivery", lambda: woken.append("woken"))
    monkeypatch.setattr(tasks, "turns", Turns(threads=2))
    return woken


def test_a_delivery_beside_another_ends_at_once_and_another_look_follows(
    monkeypatch: pytest.MonkeyPatch, woken: list[str]
) -> None:
    beside: list[int] = []

    def deliver(**_: Any) -> int:
        beside.append(tasks.deliver_due())
        return 7

    monkeypatch.setattr(services, "deliver_due", deliver)

    assert tasks.deliver_due() == 7
    assert beside == [0]
    assert woken == ["woken"]


def test_a_delivery_that_breaks_gives_its_turn_back(
    monkeypatch: pytest.MonkeyPatch, woken: list[str]
) -> None:
    def break_off(**_: Any) -> int:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(services, "deliver_due", break_off)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="the database is away"):
            tasks.deliver_due()
    assert woken == []
