"""Saved screens: named, overwritten, counted, deleted, one person's own."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.models import User
from market import services as market
from market.models import Screen
from market.services import screens as limits

pytestmark = pytest.mark.django_db


def save(user: User, name: str, now: datetime, **filters: str) -> Screen:
    return market.save_screen(user=user, name=name, filters=filters, now=now)


def test_a_screen_is_saved_and_listed_by_name(ana: User, now: datetime) -> None:
    save(ana, "  oversold   coins ", now, max_rsi="30")
    save(ana, "Cheap", now, max_price="1")
    found = market.saved_screens(user=ana)
    assert [(one.name, one.filters) for one in found] == [
        ("Cheap", {"max_price": "1"}), ("oversold coins", {"max_rsi": "30"})
    ]  # fmt: skip


def test_the_same_name_overwrites_whatever_its_capitals(ana: User, now: datetime) -> None:
    save(ana, "Cheap", now, max_price="1")
    save(ana, "CHEAP", now, max_price="2")
    (one,) = market.saved_screens(user=ana)
    assert (one.name, one.filters) == ("CHEAP", {"max_price": "2"})


@pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 61])
def test_a_name_that_is_none_is_refused(ana: User, now: datetime, name: str) -> None:
    with pytest.raises(market.MarketRejected) as refusal:
        save(ana, name, now)
    assert refusal.value.code == "bad_name"
    assert market.saved_screens(user=ana) == []


def test_more_screens_than_fit_are_refused_but_overwriting_is_not(
    ana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_SCREENS", 2)
    save(ana, "One", now)
    save(ana, "Two", now)
    with pytest.raises(market.MarketRejected) as refusal:
        save(ana, "Three", now)
    assert refusal.value.code == "too_many_screens"
    save(ana, "two", now, max_rsi="30")
    assert len(market.saved_screens(user=ana)) == 2


def test_screens_are_their_persons_own(ana: User, bob: User, now: datetime) -> None:
    mine, his = save(ana, "Cheap", now), save(bob, "Cheap", now)
    assert mine.pk != his.pk
    market.delete_screen(user=bob, screen_id=mine.pk)
    assert market.saved_screens(user=ana) == [mine]
    market.delete_screen(user=ana, screen_id=mine.pk)
    assert market.saved_screens(user=ana) == []
    assert market.saved_screens(user=bob) == [his]
    market.delete_screen(user=ana, screen_id="nothing")
