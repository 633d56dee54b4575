"""The page of a coin: what it says of the past, and what only members see on it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from alerts import services as alerts
from market.models import Candle, Coin
from market.studies import STUDIES
from portfolio import services as portfolio
from tests.conftest import make_coin

pytestmark = pytest.mark.django_db

URL = "/markets/bitcoin/"


@pytest.fixture(autouse=True)
def bitcoin() -> Coin:
    """Bitcoin at $120 with a day of hourly closes below, and another coin to compare it with."""
    now = timezone.now()
    make_coin("ethereum", rank=2, at=now, name="Ethereum", symbol="eth")
    coin = make_coin(price="120", rank=1, at=now, name="Bitcoin", symbol="btc",
                     market_cap=Decimal(1000), volume_24h=Decimal(70))  # fmt: skip
    hour = now.replace(minute=0, second=0, microsecond=0)
    for back in range(24):
        start, price = hour - timedelta(hours=back), Decimal(100 - back)
        Candle.objects.create(
            id=Candle.key(coin.pk, "1h", start), coin=coin, resolution="1h", start=start,
            open=price, high=price, low=price, close=price, open_at=start, close_at=start,
            source="simulated",
        )  # fmt: skip
    return coin


def page_for(client: Client, user: User | None = None) -> str:
    if user:
        client.force_login(user)
    response = client.get(URL)
    assert response.status_code == 200
    return response.content.decode()


def test_everybody_reads_what_the_coin_did(client: Client) -> None:
    page = page_for(client)
    for text in ("Performance", "7 days", "$77.00", "$120.00", "Volume / market cap"):
        assert text in page
    assert "7.00%" in page  # volume by capitalisation
    assert 'data-span-of="bitcoin" data-low="77' in page


def test_a_visitor_is_told_what_a_member_has_and_sees_nothing_personal(client: Client) -> None:
    page = page_for(client)
    assert "Members also see indicators" in page
    assert "data-indicators" not in page
    assert "Compare Bitcoin" not in page
    assert f"{reverse('account_login')}?next={URL}" in page


def test_a_member_of_any_role_has_indicators_and_the_comparison(client: Client, ana: User) -> None:
    page = page_for(client, ana)
    assert "data-indicators" in page
    assert all(f'value="{key}"' in page for key in STUDIES)
    assert '<option value="ethereum">' in page
    assert f'data-person="{ana.pk}"' in page


def test_who_holds_the_coin_sees_its_profit_as_a_live_figure(client: Client, alice: User) -> None:
    portfolio.place_order(
        user=alice,
        side="buy",
        coin_id="bitcoin",
        amount=Decimal(60),
        client_order_id="one",
        now=timezone.now(),
    )
    page = page_for(client, alice)
    assert "Your Bitcoin" in page
    assert 'data-profit-of="bitcoin" data-quantity="0.5' in page


def test_own_alerts_on_this_coin_are_shown_and_others_are_not(
    client: Client, alice: User, bob: User
) -> None:
    now = timezone.now()
    for user, coin_id, target in ((alice, "bitcoin", 150), (bob, "bitcoin", 175)):
        alerts.create_alert(
            user=user, coin_id=coin_id, condition="above", target=Decimal(target),
            channels=["in_app"], now=now,
        )  # fmt: skip
    page = page_for(client, alice)
    assert "Your alerts on Bitcoin" in page
    assert "$150.00" in page
    assert "$175.00" not in page


def chart(client: Client, **query: str) -> Any:
    return client.get(reverse("market:chart-data", args=["bitcoin"]), {"range": "7d", **query})


def test_a_chart_brings_the_lines_of_its_indicators(client: Client) -> None:
    data = chart(client, indicators="sma20,rsi").json()
    assert [(line["key"], line["pane"]) for line in data["lines"]] == [
        ("sma20", "price"),
        ("rsi", "rsi"),
    ]
    points = data["lines"][0]["points"]
    assert len(points) == len(data["candles"]) == 24
    assert points[18:20] == [None, 86.5]
    assert chart(client).json()["lines"] == []


def test_an_unknown_indicator_is_refused_with_a_sentence(client: Client) -> None:
    response = chart(client, indicators="sma20,astrology")
    assert response.status_code == 422
    assert response.json()["code"] == "bad_indicator"
    assert "sma20, sma50" in response.json()["error"]


def test_the_comparison_is_shared_by_its_address_and_adds_by_name(
    client: Client, ana: User
) -> None:
    client.force_login(ana)
    url = reverse("market:charts")
    part = client.get(
        url, {"coins": "bitcoin", "add": "eth"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert part.lstrip().startswith('<section id="compare"')
    assert 'data-address="?coins=bitcoin&amp;coins=ethereum&amp;range=7d"' in part
    plain = client.get(url, {"coins": "bitcoin", "add": "eth"})
    assert plain["Location"] == f"{url}?coins=bitcoin&coins=ethereum&range=7d"
    page = client.get(url, {"coins": "bitcoin", "add": "nothing"}).content.decode()
    assert "No coin matches “nothing”" in page
    assert 'value="nothing"' in page
