"""Feeds are named in the settings; `feed` finds, makes and keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from market.feeds import Feed, FeedError, feed
from market.quotes import Quote


def entry(**options: Any) -> dict[str, Any]:
    return {"BACKEND": "market.feeds.simulated.SimulatedFeed", "OPTIONS": options}


@pytest.mark.parametrize("alias", ["coingecko", "simulated", "replay"])
def test_every_feed_of_the_settings_can_be_made(alias: str) -> None:
    assert feed(alias).name == alias
    assert feed(alias).is_real is (alias == "coingecko")


def test_a_feed_is_made_once() -> None:
    assert feed("simulated") is feed("simulated")


def test_other_options_make_another_one() -> None:
    patient = feed("coingecko")
    hasty = feed("coingecko", attempts=1, deadline=3)
    assert hasty is not patient
    assert feed("coingecko") is patient


def test_changed_settings_make_it_anew(settings: Any) -> None:
    before = feed("simulated")
    settings.FEEDS = {"simulated": entry(seed=5)}

    assert feed("simulated") is not before
    assert feed("simulated").name == "simulated"


def test_the_alias_is_the_source_of_its_quotes(settings: Any, now: datetime) -> None:
    settings.FEEDS = {"simulated": entry(), "other": entry(seed=2)}
    assert feed("other").quotes(["bitcoin"], now=now)[0].source == "other"


def test_a_feed_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(FeedError) as caught:
        feed("bitstamp")

    known = ", ".join(settings.FEEDS)
    assert str(caught.value) == (
        f"There is no feed called “bitstamp”; MARKET_FEEDS may name {known}."
    )
    assert caught.value.misconfigured


@pytest.mark.parametrize(
    "broken",
    [
        {"BACKEND": "market.feeds.nowhere.Feed"},
        {"BACKEND": "market.feeds.simulated.NoFeed"},
        {"BACKEND": "nonsense"},
        {"OPTIONS": {}},
        entry(colour="red"),
        entry(interval=float("inf")),
    ],
)
def test_an_entry_that_cannot_work_is_a_sentence(settings: Any, broken: dict[str, Any]) -> None:
    settings.FEEDS = {"simulated": broken}

    with pytest.raises(FeedError, match="The feed “simulated” cannot be set up") as caught:
        feed("simulated")
    assert caught.value.misconfigured


def test_what_a_feed_does_not_offer_is_a_sentence(now: datetime) -> None:
    class Plain(Feed):
        """Only what every feed must have."""

        name = "plain"

        def interval(self, *, now: datetime) -> timedelta:
            return timedelta(seconds=1)

        def quotes(self, coin_ids: Sequence[str], *, now: datetime) -> list[Quote]:
            return []

    with pytest.raises(FeedError, match=r"^plain has no history\.$"):
        Plain().history("bitcoin", start=now, end=now)
    with pytest.raises(FeedError, match=r"^plain has no exchange rates\.$"):
        Plain().exchange_rates(["EUR"], now=now)
    with pytest.raises(FeedError, match=r"^plain cannot be searched\.$"):
        Plain().search("bitcoin", now=now)
