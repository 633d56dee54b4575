"""Figures of complete days: what is read, and how seldom."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from market import services as market
from market.models import Candle, Coin
from market.services import analysis
from tests.portals.conftest import make_closes

pytestmark = pytest.mark.django_db


def test_only_complete_days_are_read(bitcoin: Coin, now: datetime) -> None:
    make_closes(bitcoin, [1, 2, 3], last=now)
    found = market.coin_figures(coin_ids=["bitcoin", "none"], now=now)["bitcoin"]
    assert (found.close, found.known) == (2, 2)
    assert found.last == now.date() - timedelta(days=1)


def test_a_day_without_a_candle_is_a_gap(bitcoin: Coin, now: datetime) -> None:
    make_closes(bitcoin, [1, 2, 3, 4], last=now - timedelta(days=1))
    Candle.objects.filter(close=2).delete()
    assert market.daily(coin_ids=["bitcoin"], now=now)["bitcoin"].closes == (1, None, 3, 4)


def test_a_volume_is_in_dollars_at_the_days_close(bitcoin: Coin, now: datetime) -> None:
    make_closes(bitcoin, [10, 20], last=now - timedelta(days=1))
    Candle.objects.filter(close=20).update(volume=3)
    assert market.daily(coin_ids=["bitcoin"], now=now)["bitcoin"].volumes == (None, 60)


def test_many_coins_are_one_query_and_then_none(
    bitcoin: Coin, ethereum: Coin, now: datetime, django_assert_num_queries: Any
) -> None:
    for coin in (bitcoin, ethereum):
        make_closes(coin, range(1, 40), last=now)
    ids = ["bitcoin", "ethereum"]
    for ask in (market.coin_figures, market.daily):
        with django_assert_num_queries(1):
            first = ask(coin_ids=ids, now=now)
        with django_assert_num_queries(0):
            assert ask(coin_ids=ids, now=now) == first


def test_a_short_history_is_looked_at_again_soon_and_a_full_one_is_not(
    bitcoin: Coin, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_closes(bitcoin, [1, 2], last=now)
    assert market.coin_figures(coin_ids=["bitcoin"], now=now)["bitcoin"].known == 1
    make_closes(bitcoin, range(1, 367), last=now - timedelta(days=2))
    Candle.objects.filter(close=366).delete()
    assert market.coin_figures(coin_ids=["bitcoin"], now=now)["bitcoin"].known == 1
    late = time.time() + analysis.KEEP_SHORT + 1
    monkeypatch.setattr(time, "time", lambda: late)
    assert market.coin_figures(coin_ids=["bitcoin"], now=now)["bitcoin"].known > 360
    Candle.objects.all().delete()
    later = late + analysis.KEEP_SHORT + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert market.coin_figures(coin_ids=["bitcoin"], now=now)["bitcoin"].known > 360


def test_midnight_makes_new_figures(bitcoin: Coin, now: datetime) -> None:
    make_closes(bitcoin, [1, 2], last=now)
    market.coin_figures(coin_ids=["bitcoin"], now=now)
    tomorrow = market.coin_figures(coin_ids=["bitcoin"], now=now + timedelta(days=1))
    assert tomorrow["bitcoin"].close == 2


def test_the_job_works_out_all_tracked_coins(
    bitcoin: Coin, ethereum: Coin, now: datetime, django_assert_num_queries: Any
) -> None:
    make_closes(bitcoin, [1, 2], last=now)
    assert market.refresh_figures(now=now) == 1
    with django_assert_num_queries(0):
        market.coin_figures(coin_ids=["bitcoin", "ethereum"], now=now)


def test_the_first_day_is_the_first_that_is_stored(
    bitcoin: Coin, now: datetime, django_assert_num_queries: Any
) -> None:
    make_closes(bitcoin, [7, 8], last=now - timedelta(days=2000))
    make_closes(bitcoin, [1, 2], last=now)
    young = market.daily(coin_ids=["bitcoin"], now=now)
    with django_assert_num_queries(0):
        found = market.first_closes(histories=young, now=now)
    assert found == {"bitcoin": (now.date() - timedelta(days=1), 1.0)}
    Candle.objects.filter(start__gte=now - timedelta(days=3)).delete()
    make_closes(bitcoin, range(1, 366), last=now - timedelta(days=1))
    cache.clear()
    full = market.daily(coin_ids=["bitcoin"], now=now)
    with django_assert_num_queries(1):
        found = market.first_closes(histories=full, now=now)
    assert found == {"bitcoin": (now.date() - timedelta(days=2001), 7.0)}
