"""Portfolio pages: what they show, to whom, and what they cost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Portfolio
from tests.conftest import make_coin

D = Decimal


@pytest.fixture
def coins(db: None) -> list[Coin]:
    now = timezone.now()
    return [
        make_coin(symbol="btc", rank=1, at=now, change_24h=D("2.5")),
        make_coin("ethereum", price="3400", symbol="eth", rank=2, at=now, change_24h=D(-1)),
    ]


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def buy(user: User, coin_id: str = "bitcoin", amount: str = "1000") -> None:
    portfolio.place_order(
        user=user,
        side="buy",
        coin_id=coin_id,
        amount=D(amount),
        client_order_id=str(uuid.uuid4()),
        now=timezone.now(),
    )


def test_a_new_portfolio_is_all_cash(her: Client, coins: list[Coin]) -> None:
    text = her.get(reverse("portfolio:overview")).content.decode()
    assert "$10,000.00" in text
    assert "Nothing but cash yet" in text
    assert "No transactions yet" in text


def test_the_portfolio_shows_what_is_held(her: Client, alice: User, coins: list[Coin]) -> None:
    buy(alice, amount="1000")
    buy(alice, "ethereum", amount="3400")
    Coin.objects.filter(pk="bitcoin").update(last_price=D(110000))
    text = her.get(reverse("portfolio:overview")).content.decode()
    for shown in ("$10,100.00", "+$100.00", "$5,600.00", "0.01", "33.7%", 'data-price="bitcoin"'):
        assert shown in text, shown
    assert 'data-price="ethereum"' in text


def test_a_stale_portfolio_says_so(her: Client, alice: User, coins: list[Coin]) -> None:
    buy(alice)
    Coin.objects.update(price_at=timezone.now() - timedelta(days=1))
    assert "Some prices are old" in her.get(reverse("portfolio:overview")).content.decode()


def test_the_page_costs_the_same_however_much_is_held(
    her: Client, alice: User, coins: list[Coin], django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        coin_id = f"coin{number}"
        make_coin(coin_id, price="5", at=timezone.now(), rank=number + 3)
        buy(alice, coin_id, amount="10")
    her.get(reverse("portfolio:overview"))
    with django_assert_max_num_queries(15):
        her.get(reverse("portfolio:overview"))


def test_one_chooses_between_portfolios(her: Client, alice: User, coins: list[Coin]) -> None:
    second = portfolio.create_portfolio(user=alice, name="Careful")
    url = reverse("portfolio:overview")
    text = her.get(url, {"portfolio": str(second.pk)}).content.decode()
    assert f'name="portfolio" value="{second.pk}"' in text
    main = portfolio.default_portfolio(user=alice)
    for address in ({}, {"portfolio": "nonsense"}):  # it is remembered, here and elsewhere
        for page in (url, reverse("portals:dashboard"), reverse("portfolio:trade")):
            text = her.get(page, address).content.decode()
            assert f'name="portfolio" value="{second.pk}"' in text, page
    text = her.get(url, {"portfolio": str(main.pk)}).content.decode()
    assert f'name="portfolio" value="{main.pk}"' in text


def test_another_portfolio_is_made_and_named(her: Client, coins: list[Coin]) -> None:
    her.get(reverse("portfolio:overview"))
    response = her.post(reverse("portfolio:create"), {"name": "Careful"})
    assert response.status_code == 302
    made = Portfolio.objects.get(name="Careful")
    assert str(made.pk) in response["Location"]
    renamed = her.post(reverse("portfolio:rename", args=[made.pk]), {"name": "Bold"})
    assert renamed.status_code == 302
    made.refresh_from_db()
    assert made.name == "Bold"


@pytest.mark.parametrize("name", ["", "main", "x" * 65, "\x00"])
def test_a_wrong_name_is_refused_on_the_page(her: Client, coins: list[Coin], name: str) -> None:
    her.get(reverse("portfolio:overview"))
    response = her.post(reverse("portfolio:create"), {"name": name})
    assert response.status_code == 422
    assert 'id="portfolio-error"' in response.content.decode()
    assert Portfolio.objects.count() == 1


def test_somebody_elses_portfolio_is_not_there(her: Client, bob: User, coins: list[Coin]) -> None:
    his = portfolio.default_portfolio(user=bob)
    assert her.post(reverse("portfolio:rename", args=[his.pk]), {"name": "x"}).status_code == 404
    text = her.get(reverse("portfolio:overview"), {"portfolio": str(his.pk)}).content.decode()
    assert str(his.pk) not in text


def test_own_transactions_page_by_page(her: Client, alice: User, coins: list[Coin]) -> None:
    for _ in range(55):
        buy(alice, amount="1")
    url = reverse("portfolio:transactions")
    first = her.get(url)
    assert first.content.decode().count("$1.00") == 50
    older = first.context["next_url"]
    second = her.get(older)
    assert second.content.decode().count("$1.00") == 5
    assert not second.context["next_url"]
    assert second.context["first_url"] == url


def test_own_transactions_are_ones_own(her: Client, bob: User, coins: list[Coin]) -> None:
    buy(bob)
    assert "No transactions yet" in her.get(reverse("portfolio:transactions")).content.decode()


def test_an_amount_is_also_shown_in_the_currency_of_its_moment(
    her: Client, alice: User, coins: list[Coin]
) -> None:
    buy(alice, amount="1000")
    alice.transactions.update(currency="CZK", exchange_rate=D("23.5"))
    text = her.get(reverse("portfolio:transactions")).content.decode()
    assert "CZK 23,500.00" in text


@pytest.mark.parametrize("name", ["root", "mo"])
def test_staff_see_everybodys_transactions(
    client: Client, name: str, alice: User, bob: User, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("coins")
    buy(alice, amount="11")
    buy(bob, amount="22")
    client.force_login(request.getfixturevalue(name))
    url = reverse("portfolio:all-transactions")
    text = client.get(url).content.decode()
    assert "$11.00" in text
    assert "$22.00" in text
    text = client.get(url, {"user": "Alice"}).content.decode()
    assert "$11.00" in text
    assert "$22.00" not in text
    for nobody in ("nobody", "x" * 500, "é"):
        assert "Nobody has this username" in client.get(url, {"user": nobody}).content.decode()
    assert client.post(url).status_code == 405


@pytest.mark.parametrize("name", ["alice", "ana"])
def test_others_do_not(client: Client, name: str, request: pytest.FixtureRequest) -> None:
    client.force_login(request.getfixturevalue(name))
    assert client.get(reverse("portfolio:all-transactions")).status_code == 403


def test_all_transactions_cost_the_same_however_many(
    client: Client, mo: User, alice: User, coins: list[Coin], django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        buy(alice, amount="1")
    client.force_login(mo)
    client.get(reverse("portfolio:all-transactions"))
    with django_assert_max_num_queries(8):
        client.get(reverse("portfolio:all-transactions"))


# --- Django admin ----------------------------------------------------------------------------


@pytest.fixture
def traded(alice: User, coins: list[Coin]) -> None:
    buy(alice)


@pytest.mark.usefixtures("traded")
@pytest.mark.parametrize("model", ["portfolio", "holding", "transaction"])
@pytest.mark.parametrize("name", ["root", "mo"])
def test_money_is_read_only_in_the_admin(
    client: Client,
    model: str,
    name: str,
    request: pytest.FixtureRequest,
    django_assert_max_num_queries: Any,
) -> None:
    client.force_login(request.getfixturevalue(name))
    changelist = reverse(f"admin:portfolio_{model}_changelist")
    client.get(changelist)
    with django_assert_max_num_queries(10):
        assert client.get(changelist, {"q": "ali"}).status_code == 200
    assert client.get(reverse(f"admin:portfolio_{model}_add")).status_code == 403
    row = apps.get_model("portfolio", model).objects.get()
    change = reverse(f"admin:portfolio_{model}_change", args=[row.pk])
    page = client.get(change)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert client.post(change, {"cash": "1000000"}).status_code == 403
    assert client.post(reverse(f"admin:portfolio_{model}_delete", args=[row.pk])).status_code == 403


def test_a_user_does_not_see_the_admin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(reverse("admin:portfolio_transaction_changelist")).status_code in {302, 403}


def test_the_portfolio_is_in_dollars_whatever_currency_prices_are_shown_in(
    her: Client, alice: User, coins: list[Coin]
) -> None:
    apps.get_model("market", "ExchangeRate").objects.create(
        id="EUR:today",
        currency="EUR",
        day=timezone.now().date(),
        rate=D("0.5"),
        updated_at=timezone.now(),
    )
    alice.display_currency = "EUR"
    alice.save()
    buy(alice, amount="1000")
    text = her.get(reverse("portfolio:overview")).content.decode()
    content = text[text.index('id="portfolio-summary"') :].split("</main>")[0]
    assert "$9,000.00" in content
    assert "data-dollars>$100,000.00<" in content
    assert "€" not in content


def test_each_profit_has_a_figure_of_its_own(her: Client, alice: User, coins: list[Coin]) -> None:
    buy(alice, amount="1000")
    Coin.objects.filter(pk="bitcoin").update(last_price=D(110000))
    text = her.get(reverse("portfolio:overview")).content.decode()
    realised = text.split("<h2>Realised profit</h2>")[1].split("</article>")[0]
    assert "<span>0.00%</span>" in realised  # nothing was sold; 1% is what all of it returned
    assert "<span>1.00%</span>" in text.split("<h2>Value</h2>")[1].split("</article>")[0]
