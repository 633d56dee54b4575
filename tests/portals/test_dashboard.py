"""A user's dashboard, new and after some trading."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from alerts.models import PriceAlert
from market.models import Article, Coin
from portfolio import services as portfolio
from tests.conftest import make_coin

from .conftest import logged_in

pytestmark = pytest.mark.django_db

URL = "portals:dashboard"


@pytest.fixture
def fresh_bitcoin(db: None) -> Coin:
    return make_coin(at=timezone.now(), rank=1, symbol="btc", change_24h=Decimal("2.5"))


@pytest.fixture
def fresh_ethereum(db: None) -> Coin:
    return make_coin("ethereum", price="3400", at=timezone.now(), rank=2, symbol="eth",
                     change_24h=Decimal("-1.5"))  # fmt: skip


def dashboard_of(user: User) -> Any:
    page = logged_in(user).get(reverse(URL))
    assert page.status_code == 200
    return page


def test_a_new_user_is_told_what_to_do_first(alice: User, fresh_bitcoin: Coin) -> None:
    text = dashboard_of(alice).content.decode()
    assert "$10,000.00" in text
    assert "Nothing but cash yet" in text
    assert "No alerts wait" in text
    assert "No headlines yet" in text


def test_a_market_without_prices_breaks_nothing(alice: User) -> None:
    assert "No prices yet" in dashboard_of(alice).content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_was_bought_is_valued_and_shared_out(
    alice: User, fresh_bitcoin: Coin, fresh_ethereum: Coin
) -> None:
    now = timezone.now()
    for coin, amount, order in ((fresh_bitcoin, "6000", "a"), (fresh_ethereum, "1700", "b")):
        portfolio.place_order(
            user=alice, side="buy", coin_id=coin.pk, amount=Decimal(amount),
            client_order_id=order, now=now,
        )  # fmt: skip
    Coin.objects.filter(pk="bitcoin").update(last_price=Decimal(110000))
    page = dashboard_of(alice)
    valuation = page.context["valuation"]
    assert valuation.value == Decimal("10600.00")
    assert valuation.unrealised == Decimal("600.00")
    assert valuation.best.coin.pk == "bitcoin"
    text = page.content.decode()
    assert "$10,600.00" in text
    assert "+$600.00" in text
    assert "$2,300.00" in text  # cash
    assert sum(part.share for part in valuation.allocation) == 100


def test_only_armed_alerts_are_shown_the_nearest_first(alice: User, fresh_bitcoin: Coin) -> None:
    for target, state in (("150000", "armed"), ("110000", "armed"), ("101000", "paused")):
        PriceAlert.objects.create(
            user=alice, coin=fresh_bitcoin, condition="above", target=Decimal(target), state=state,
            channels=["in_app"],
        )  # fmt: skip
    armed = dashboard_of(alice).context["armed"]
    assert [view.alert.target for view in armed] == [Decimal(110000), Decimal(150000)]


def test_nobody_elses_alerts_or_money_are_shown(
    alice: User, bob: User, fresh_bitcoin: Coin
) -> None:
    PriceAlert.objects.create(
        user=bob, coin=fresh_bitcoin, condition="above", target=Decimal(123456),
        channels=["in_app"],
    )  # fmt: skip
    assert "123,456" not in dashboard_of(alice).content.decode()


def test_a_stale_price_is_said_to_be(alice: User, bitcoin: Coin) -> None:
    assert "is-stale" in dashboard_of(alice).content.decode()


def test_headlines_lead_to_their_publishers_and_are_escaped(
    alice: User, fresh_bitcoin: Coin
) -> None:
    Article.objects.create(
        id="1", title="<b>Rally</b>", url="https://example.com/rally", publisher="The Paper",
        published_at=timezone.now(),
    )  # fmt: skip
    text = dashboard_of(alice).content.decode()
    assert "&lt;b&gt;Rally&lt;/b&gt;" in text
    assert 'href="https://example.com/rally"' in text
