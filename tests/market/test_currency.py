"""Exchange rates: one per currency and day, and what they are on a day without one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from market import services as market
from market.feeds import FeedError
from market.models import ExchangeRate, FeedState
from market.services.currency import rates_by_day, store_rates
from tests.conftest import NOW

from .scripted import ScriptedFeed

pytestmark = pytest.mark.django_db

Feeds = type[ScriptedFeed]


def put(rate: str, at: datetime, currency: str = "EUR") -> None:
    store_rates(rates={currency: Decimal(rate)}, source="csv", now=at)


def test_a_dollar_is_a_dollar_without_asking(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert market.exchange_rate(currency="USD") == 1


def test_a_day_without_a_rate_has_the_one_before() -> None:
    put("0.9", datetime(2026, 11, 1, tzinfo=UTC))
    put("0.8", datetime(2026, 11, 10, tzinfo=UTC))
    assert market.exchange_rate(currency="EUR", on=date(2026, 11, 9)) == Decimal("0.9")
    assert market.exchange_rate(currency="EUR", on=date(2026, 11, 10)) == Decimal("0.8")
    assert market.exchange_rate(currency="EUR", on=date(2026, 10, 31)) is None
    assert market.exchange_rate(currency="EUR") == Decimal("0.8")
    assert market.exchange_rate(currency="GBP") is None


def test_the_rates_of_many_days_agree_with_those_of_each() -> None:
    put("0.9", datetime(2026, 10, 1, tzinfo=UTC))
    put("0.8", datetime(2026, 11, 10, tzinfo=UTC))
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(20)]
    rates = rates_by_day(currency="EUR", days=days)
    assert rates == {day: market.exchange_rate(currency="EUR", on=day) for day in days}
    assert rates_by_day(currency="GBP", days=days) is None
    assert rates_by_day(currency="GBP", days=[]) == {}


def test_only_currencies_with_a_rate_are_offered_in_the_settings_order() -> None:
    assert market.currencies() == ["USD"]
    put("20.8", NOW, "CZK")
    put("0.9", NOW)
    put("0.9", NOW - timedelta(days=1))
    assert market.currencies() == ["USD", "EUR", "CZK"]


def test_the_active_feed_brings_todays_rates(feeds: Feeds, settings: Settings) -> None:
    feeds.rates["coingecko"] = {"EUR": Decimal("0.912345678"), "CZK": Decimal("20.8")}
    assert market.refresh_exchange_rates(now=NOW) == 2
    assert set(feeds.asked[0][1]) == set(settings.CURRENCIES) - {"USD"}
    row = ExchangeRate.objects.get(pk="EUR:2026-11-20")
    assert (row.rate, row.source, row.updated_at) == (Decimal("0.91234568"), "coingecko", NOW)


def test_later_the_same_day_the_rate_is_replaced_and_not_asked_for_too_often(
    feeds: Feeds,
) -> None:
    feeds.rates["coingecko"] = {"EUR": Decimal("0.9")}
    market.refresh_exchange_rates(now=NOW)
    assert market.refresh_exchange_rates(now=NOW + timedelta(hours=1)) == 0
    feeds.rates["coingecko"] = {"EUR": Decimal("0.8")}
    assert market.refresh_exchange_rates(now=NOW + timedelta(hours=6)) == 1
    assert ExchangeRate.objects.get().rate == Decimal("0.8")


def test_what_is_no_rate_is_left_out(feeds: Feeds) -> None:
    feeds.rates["coingecko"] = {
        "EUR": Decimal("NaN"),
        "GBP": Decimal(0),
        "JPY": Decimal(-150),
        "INR": Decimal("Infinity"),
        "KRW": Decimal("1e12"),
        "XXX": Decimal(3),
        "USD": Decimal(2),
        "CZK": Decimal("20.8"),
    }
    assert market.refresh_exchange_rates(now=NOW) == 1
    assert market.currencies() == ["USD", "CZK"]


def test_the_next_feed_is_asked_when_the_first_has_none(feeds: Feeds, settings: Settings) -> None:
    settings.MARKET_FEEDS = ["kraken", "coingecko"]
    feeds.rates["kraken"] = FeedError("kraken has no exchange rates.", permanent=True)
    feeds.rates["coingecko"] = {"EUR": Decimal("0.9")}
    assert market.refresh_exchange_rates(now=NOW) == 1
    assert "no exchange rates" in FeedState.objects.get(name="kraken:rates").last_error


def test_when_all_fail_yesterdays_rates_stay(feeds: Feeds) -> None:
    put("0.9", NOW - timedelta(days=1))
    assert market.refresh_exchange_rates(now=NOW) == 0
    assert market.exchange_rate(currency="EUR") == Decimal("0.9")
