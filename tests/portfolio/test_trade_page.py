"""The trade form: with and without JavaScript, right and wrong."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Transaction
from tests.conftest import make_coin

D = Decimal
HTMX = {"HX-Request": "true"}


@pytest.fixture
def fresh(db: None) -> Coin:
    """Return Bitcoin with a price of this moment."""
    return make_coin(symbol="btc", rank=1, at=timezone.now(), change_24h=D("2.5"))


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def post(client: Client, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    order = {"side": "buy", "coin_id": "bitcoin", "client_order_id": "click-1"} | fields
    return client.post(reverse("portfolio:trade"), order, headers=headers)


def test_a_form_without_javascript_trades_and_leads_back(her: Client, fresh: Coin) -> None:
    response = post(her, amount="1,000.00", next="/markets/bitcoin/")
    assert response.status_code == 302
    assert response["Location"] == "/markets/bitcoin/"
    assert Transaction.objects.get().amount == D(1000)
    page = her.get(reverse("portfolio:overview"))
    assert "Bought 0.01 BTC for $1,000.00, at $100,000.00 each." in page.content.decode()


def test_it_leads_nowhere_else(her: Client, fresh: Coin) -> None:
    for number, url in enumerate(("https://evil.example/", "//evil.example", "javascript:x")):
        response = post(her, amount="1", next=url, client_order_id=str(number))
        assert response["Location"] == reverse("portfolio:overview")


def test_a_form_with_javascript_trades_and_brings_a_new_form(her: Client, fresh: Coin) -> None:
    response = post(her, quantity="0.01", headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 200
    assert "portfolio-changed" in json.loads(response["HX-Trigger"])
    assert "<html" not in text
    assert "Bought 0.01 BTC for $1,000.00, at $100,000.00 each." in text
    assert 'value="click-1"' not in text
    assert re.search(r'name="client_order_id" value="[0-9a-f-]{36}"', text)


def test_a_double_click_is_one_trade(her: Client, fresh: Coin) -> None:
    assert [post(her, amount="100").status_code for _ in range(2)] == [302, 302]
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_refusal_keeps_what_was_typed(her: Client, fresh: Coin, headers: dict[str, str]) -> None:
    response = post(her, amount="20000", headers=headers)
    text = response.content.decode()
    assert response.status_code == 422
    assert "You have $10,000.00, which is less than $20,000.00." in text
    assert 'value="20000"' in text
    assert 'value="click-1"' in text  # nothing was traded: the number is still good
    assert re.search(r'id="trade-amount"[^>]*trade-error[^>]*aria-invalid="true"', text)
    assert ("<html" in text) is not bool(headers)


def test_markup_that_was_typed_is_shown_as_text(her: Client, fresh: Coin) -> None:
    text = post(her, amount='"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in text


WRONG = [
    ({"amount": "0,5"}, "Write the decimals with a point: 0.5.", "amount"),
    ({"quantity": "a lot"}, "a lot is not a number", "quantity"),
    ({"amount": "5", "quantity": "1"}, "not both", "amount"),
    ({}, "Say how much", "amount"),
    ({"amount": "1", "coin_id": "nonsense"}, "not traded here", "coin"),
    ({"amount": "1", "coin_id": "\x00"}, "not traded here", "coin"),
    ({"amount": "1", "side": ""}, "Choose buy or sell.", ""),
    ({"sell_all": "1", "side": "sell"}, "You hold no BTC to sell.", "sell_all"),
    ({"amount": ["1", "2"]}, "sent twice", ""),
    ({"amount": "1", "portfolio": "nonsense"}, "no such portfolio", ""),
    ({"amount": "1", "client_order_id": ""}, "has no number", ""),
]


@pytest.mark.parametrize(("fields", "sentence", "field"), WRONG)
def test_a_wrong_form_says_what_is_wrong(
    her: Client, fresh: Coin, fields: dict[str, Any], sentence: str, field: str
) -> None:
    response = post(her, headers=HTMX, **fields)
    text = response.content.decode()
    assert response.status_code == 422
    assert sentence in text
    assert text.count('id="trade-error"') == 1
    if field:
        assert text.count('aria-invalid="true"') == 1
    assert not Transaction.objects.exists()


def test_a_reused_number_is_refused_and_replaced(her: Client, fresh: Coin) -> None:
    post(her, amount="100")
    response = post(her, amount="200")
    assert response.status_code == 422
    text = response.content.decode()
    assert "was used for another order" in text
    assert 'value="click-1"' not in text


def test_an_old_price_is_said_at_the_coin(her: Client, fresh: Coin) -> None:
    Coin.objects.update(price_at=timezone.now() - timedelta(hours=2))
    text = post(her, amount="1", headers=HTMX).content.decode()
    assert "too old to trade at" in text


def test_a_visitor_is_sent_to_log_in(client: Client, fresh: Coin) -> None:
    response = post(client, amount="1")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    assert post(client, amount="1", headers=HTMX).status_code == 401


@pytest.mark.parametrize("name", ["root", "ana", "mo"])
def test_other_roles_see_no_form(
    client: Client, fresh: Coin, name: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(name))
    assert post(client, amount="1").status_code == 403
    for page in ("overview", "trade", "preview", "transactions"):
        assert client.get(reverse(f"portfolio:{page}")).status_code == 403


def test_a_request_from_another_site_is_refused(alice: User, fresh: Coin) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert post(strict, amount="1").status_code == 403
    assert not Transaction.objects.exists()


def test_too_many_orders_are_slowed_down(her: Client, fresh: Coin, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"trade": (2, 60)}
    answers = [post(her, amount="1", client_order_id=str(n), headers=HTMX) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


# --- The preview -----------------------------------------------------------------------------


def preview(client: Client, **fields: str) -> str:
    response = client.get(
        reverse("portfolio:preview"), {"side": "buy", "coin_id": "bitcoin"} | fields, headers=HTMX
    )
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", "", response.content.decode()).split())


def test_a_preview_says_what_an_order_would_do(her: Client, fresh: Coin, settings: Any) -> None:
    settings.TRADE_FEE_RATE = D("0.01")
    text = preview(her, amount="1010")
    assert "You get 0.01 BTC for $1,010.00, $10.00 of it fee." in text
    assert "Afterwards: $8,990.00 cash, 0.01 BTC." in text
    assert "ago; the order takes the price of its moment" in text
    assert not Transaction.objects.exists()


def test_a_preview_of_a_sale_tells_its_profit(her: Client, fresh: Coin) -> None:
    post(her, quantity="0.05")
    Coin.objects.update(last_price=D(110000))
    text = preview(her, side="sell", quantity="0.01")
    assert "You get $1,100.00 for 0.01 BTC; profit +$100.00." in text


def test_a_preview_says_why_not(her: Client, fresh: Coin) -> None:
    assert preview(her, amount="20000").startswith("You have $10,000.00, which is less")
    assert "not a number" in preview(her, amount="x")
    assert preview(her, coin_id="nonsense") == "This coin is not traded here."


def test_a_preview_of_nothing_is_the_price(her: Client, fresh: Coin) -> None:
    assert preview(her).startswith("BTC is $100,000.00")


# --- The form alone --------------------------------------------------------------------------


def test_the_form_stands_alone_with_a_coin_and_a_side(her: Client, fresh: Coin) -> None:
    make_coin("solana", price="240", symbol="sol", rank=5, at=timezone.now())
    text = her.get(reverse("portfolio:trade"), {"coin": "solana", "side": "sell"}).content.decode()
    assert '<option value="solana" selected>' in text
    assert re.search(r'value="sell" checked', text)
    assert "<html" in text
    assert her.get(reverse("portfolio:trade"), {"coin": "nonsense"}).status_code == 404


def test_every_rendered_form_has_a_number_of_its_own(her: Client, fresh: Coin) -> None:
    numbers = {
        re.search(r'client_order_id" value="([^"]+)"', page.content.decode()).group(1)  # type: ignore[union-attr]
        for page in [her.get(reverse("portfolio:trade")) for _ in range(3)]
    }
    assert len(numbers) == 3


def test_a_removed_coin_that_is_held_can_be_chosen(her: Client, alice: User, fresh: Coin) -> None:
    post(her, amount="100")
    Coin.objects.update(tracked=False)
    text = her.get(reverse("portfolio:trade")).content.decode()
    assert '<option value="bitcoin" selected' in text
    assert portfolio.default_portfolio(user=alice).cash == D(9900)


def test_a_market_without_prices_has_no_form(her: Client) -> None:
    assert "Nothing to trade yet" in her.get(reverse("portfolio:trade")).content.decode()
