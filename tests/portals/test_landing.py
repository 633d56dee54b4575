"""The front page: what it is, prices, and the way in."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.roles import HOME_URL_NAMES, Role
from market.models import Coin

pytestmark = pytest.mark.django_db


def test_a_visitor_reads_what_it_is_and_sees_ten_coins(
    visit: Any, market_of_250: list[Coin]
) -> None:
    page = visit(reverse("portals:landing"))
    text = page.content.decode()
    assert "virtual portfolio of $10,000.00" in text
    assert reverse("account_signup") in text
    assert reverse("account_login") in text
    assert "Coin 10<" in text
    assert "Coin 11<" not in text
    assert 'data-price="coin-1"' in text


def test_simulated_prices_are_called_simulated(visit: Any, bitcoin: Coin) -> None:
    assert "Simulated" in visit(reverse("portals:landing")).content.decode()


def test_real_prices_are_not_called_simulated(visit: Any, bitcoin: Coin) -> None:
    Coin.objects.update(source="coingecko")
    assert "Simulated" not in visit(reverse("portals:landing")).content.decode()


def test_a_database_without_prices_says_so(visit: Any) -> None:
    page = visit(reverse("portals:landing"))
    assert page.status_code == 200
    assert "No prices yet" in page.content.decode()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("url", ["portals:landing", "portals:home"])
def test_somebody_logged_in_is_sent_on(visit: Any, url: str, role: Role) -> None:
    page = visit(reverse(url), role)
    assert page.status_code == 302
    target = "portals:home" if url == "portals:landing" else HOME_URL_NAMES[role]
    assert page.headers["Location"] == reverse(target)


def test_a_visitor_without_a_home_gets_the_front_page(visit: Any) -> None:
    assert visit(reverse("portals:home")).headers["Location"] == reverse("portals:landing")


def test_the_examples_are_worked_out_from_the_coin_s_figures() -> None:
    from decimal import Decimal
    from types import SimpleNamespace

    from cryptopulse.portals.landing import examples

    coin = SimpleNamespace(last_price=Decimal("115183.46"), change_7d=Decimal("1.5"))
    shown = examples(coin)
    assert shown.worth == shown.paid * Decimal("1.015")
    assert shown.target == 130_000
    assert round(shown.distance, 2) == Decimal("12.86")
    coin.change_7d = None
    assert examples(coin).worth is None


def test_a_coin_without_a_price_gives_no_example(visit: Any, bitcoin: Coin) -> None:
    Coin.objects.update(last_price=None)
    page = visit(reverse("portals:landing"))
    assert page.status_code == 200
    assert "Told in time" not in page.content.decode()
