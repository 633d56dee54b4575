"""Upkeep: what is past its time goes, the rest stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import services as market
from market.models import Article, Candle
from market.services import upkeep
from tests.conftest import NOW, make_coin

from .scripted import quote
from .test_history import put

pytestmark = pytest.mark.django_db


def put_article(key: str, days: int) -> Article:
    return Article.objects.create(
        id=key,
        title=key,
        url="https://news.example/a",
        publisher="P",
        published_at=NOW - timedelta(days=days),
    )


def test_fine_candles_go_after_their_time_and_days_stay() -> None:
    make_coin()
    for resolution, days in (("1m", 8), ("1m", 6), ("5m", 91), ("1h", 91), ("1h", 89)):
        put(resolution, NOW - timedelta(days=days), "5")
    put("1d", NOW.replace(year=2017), "5")
    assert market.purge_expired(now=NOW) == 3
    left = Candle.objects.order_by("resolution").values_list("resolution", flat=True)
    assert list(left) == ["1d", "1h", "1m"]
    assert market.purge_expired(now=NOW) == 0


def test_old_headlines_go_with_their_tags() -> None:
    bitcoin = make_coin()
    put_article("old", 61).coins.add(bitcoin)
    put_article("new", 59).coins.add(bitcoin)
    assert market.purge_expired(now=NOW) == 1
    assert [one.pk for one in market.articles(coin_id="bitcoin")] == ["new"]


def test_it_goes_in_chunks_and_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    make_coin()
    for minute in range(12):
        put("1m", NOW - timedelta(days=30, minutes=minute), "5")
    monkeypatch.setattr(upkeep, "PAGE", 5)
    monkeypatch.setattr(upkeep, "MOST_PER_RUN", 10)
    assert market.purge_expired(now=NOW) == 10
    assert market.purge_expired(now=NOW) == 2


def test_what_was_just_stored_is_not_past_its_time() -> None:
    make_coin(price=None)
    market.ingest(quotes=[quote()], now=NOW)
    assert market.purge_expired(now=NOW) == 0
    assert Candle.objects.count() == 4
