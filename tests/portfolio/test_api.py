"""Buying and selling by JSON: exact numbers, one shape of refusal, never a 500."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Transaction
from tests.conftest import make_coin

D = Decimal


@pytest.fixture
def fresh(db: None) -> Coin:
    return make_coin(symbol="btc", rank=1, at=timezone.now())


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    client.raise_request_exception = False  # a 500 is an answer to be looked at
    client.force_login(alice)
    return client


def send(client: Client, body: Any, *, operation: str = "buy_coin") -> Any:
    """Post JSON; a str is sent as it is."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(f"/api/{operation}", text, content_type="application/json")


def order(**fields: Any) -> dict[str, Any]:
    return {"coin_id": "bitcoin", "client_order_id": "1"} | fields


def test_buying_answers_with_the_transaction_and_the_portfolio(her: Client, fresh: Coin) -> None:
    response = send(her, order(amount="1000.00"))
    assert response.status_code == 200
    answer = response.json()
    done = Transaction.objects.get()
    assert answer["transaction"] == {
        "id": str(done.pk),
        "client_order_id": "1",
        "side": "buy",
        "coin_id": "bitcoin",
        "quantity": "0.01",
        "price": "100000",
        "price_at": fresh.price_at.isoformat(),  # type: ignore[union-attr]
        "price_source": "simulated",
        "amount": "1000.00",
        "fee": "0.00",
        "realised_profit": "0.00",
        "currency": "USD",
        "exchange_rate": "1",
        "executed_at": done.executed_at.isoformat(),
    }
    assert answer["portfolio"] == {
        "id": str(done.portfolio_id),
        "name": "Main",
        "cash": "9000.00",
        "value": "10000.00",
        "cost": "1000.00",
        "unrealised_profit": "0.00",
        "realised_profit": "0.00",
        "is_stale": False,
        "holdings": [
            {
                "coin_id": "bitcoin",
                "quantity": "0.01",
                "cost": "1000.00",
                "value": "1000.00",
                "unrealised_profit": "0.00",
            }
        ],
    }


def test_selling_by_quantity_by_amount_and_all(her: Client, fresh: Coin) -> None:
    send(her, order(quantity="0.03"))
    ways: list[dict[str, Any]] = [{"quantity": "0.01"}, {"amount": "500"}, {"sell_all": True}]
    for number, wanted in enumerate(ways):
        body = order(client_order_id=f"s{number}", **wanted)
        assert send(her, body, operation="sell_coin").status_code == 200
    assert [one.amount for one in Transaction.objects.filter(side="sell").order_by("-amount")] == [
        D("1500.00"),
        D("1000.00"),
        D("500.00"),
    ]


@pytest.mark.parametrize("number", ["0.1", '"0.1"', "1e-1", "0.10", '"1E-1"'])
def test_a_number_is_read_exactly_however_it_is_written(
    her: Client, alice: User, fresh: Coin, number: str
) -> None:
    Coin.objects.update(last_price=D(100))
    body = f'{{"coin_id": "bitcoin", "client_order_id": "1", "quantity": {number}}}'
    assert send(her, body).status_code == 200
    assert Transaction.objects.get().quantity == D("0.1")


def test_the_same_request_again_gives_the_same_answer(her: Client, fresh: Coin) -> None:
    first, second = (send(her, order(amount=100)) for _ in range(2))
    assert first.json() == second.json()
    assert Transaction.objects.count() == 1
    assert send(her, order(amount=101)).json()["code"] == "order_id_reused"


REFUSED = [
    (order(amount="NaN"), "not_a_number"),
    (order(amount="abc"), "not_a_number"),
    (order(amount=True), "not_a_number"),
    (order(amount=[1]), "not_a_number"),
    (order(amount={"a": 1}), "not_a_number"),
    (order(amount=-1), "not_positive"),
    (order(amount=0), "not_positive"),
    (order(amount="0.001"), "below_smallest_amount"),
    (order(amount=1e300), "too_large"),
    (order(amount="1" * 65), "too_many_digits"),
    (order(quantity="1e-300"), "too_many_digits"),
    (order(quantity="\u0661"), "not_a_number"),
    (order(quantity="0.000000001"), "below_smallest_step"),
    (order(quantity=1), "too_little_cash"),
    (order(amount=None), "amount_or_quantity"),
    (order(), "amount_or_quantity"),
    (order(amount=1, quantity=1), "amount_and_quantity"),
    (order(amount=1, coin_id="nonsense"), "unknown_coin"),
    (order(amount=1, coin_id="\x00"), "unknown_coin"),
    (order(amount=1, coin_id="\ud800"), "unknown_coin"),
    (order(amount=1, coin_id=7), "wrong_type"),
    (order(amount=1, coin_id=None), "wrong_type"),
    (order(amount=1, client_order_id=""), "order_id_missing"),
    (order(amount=1, client_order_id="x" * 65), "order_id_too_long"),
    (order(amount=1, client_order_id="\ud800"), "order_id_invalid"),
    (order(amount=1, client_order_id=[]), "wrong_type"),
    (order(amount=1, portfolio_id="nonsense"), "wrong_type"),
    (order(amount=1, symbol="btc"), "unknown_field"),
    (order(amount=1, sell_all=True), "unknown_field"),
    ({"coin_id": "bitcoin", "amount": 1}, "order_id_missing"),
    ({"amount": 1, "client_order_id": "1"}, "missing_field"),
    ({}, "missing_field"),
    ([], "not_an_object"),
    ("null", "not_an_object"),
    ('"buy"', "not_an_object"),
    ("17", "not_an_object"),
    ("", "missing_field"),
    ("{", "not_json"),
    (b"\xff\xfe\x00", "not_json"),
    ("[" * 10_000, "not_json"),
    ('{"a":' * 2_000, "not_json"),
    ('{"coin_id":"bitcoin","amount":1,"amount":2,"client_order_id":"1"}', "repeated_field"),
    ('{"coin_id":"bitcoin","amount":NaN,"client_order_id":"1"}', "not_a_number"),
    ('{"coin_id":"bitcoin","amount":-Infinity,"client_order_id":"1"}', "not_a_number"),
    ('{"coin_id":"bitcoin","amount":1e999999,"client_order_id":"1"}', "too_large"),
    ('{"coin_id":"bitcoin","quantity":1e-999999,"client_order_id":"1"}', "too_many_digits"),
    (
        '{"coin_id":"bitcoin","amount":1e999999999999999999999,"client_order_id":"1"}',
        "not_a_number",
    ),
    (f'{{"coin_id":"bitcoin","amount":{"9" * 9000},"client_order_id":"1"}}', "too_large"),
    (f'{{"coin_id":"bitcoin","amount":0.{"1" * 9000},"client_order_id":"1"}}', "too_many_digits"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
def test_a_wrong_order_is_refused_in_a_sentence(
    her: Client, fresh: Coin, body: Any, code: str
) -> None:
    response = send(her, body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert response.json()["error"].endswith(".")
    assert set(response.json()) == {"error", "code"}
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("size", [20_000, 3_000_000, 10_000_000])
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_huge_body_is_refused(her: Client, fresh: Coin, size: int, content_type: str) -> None:
    response = her.post("/api/buy_coin", b"1" * size, content_type=content_type)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_form_is_no_order(her: Client, fresh: Coin) -> None:
    for body in (order(amount="1"), {"file": "x"}):
        response = her.post("/api/buy_coin", body)  # multipart
        assert (response.status_code, response.json()["code"]) == (422, "not_json")


def test_a_form_that_brings_its_csrf_token_is_no_order_either(alice: User, fresh: Coin) -> None:
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.force_login(alice)
    strict.get("/portfolio/")
    token = strict.cookies["csrftoken"].value
    response = strict.post("/api/buy_coin", order(amount="1") | {"csrfmiddlewaretoken": token})
    assert (response.status_code, response.json()["code"]) == (422, "not_json")


def test_an_old_price_is_refused(her: Client, fresh: Coin) -> None:
    Coin.objects.update(price_at=timezone.now() - timedelta(hours=1))
    response = send(her, order(amount=1))
    assert (response.status_code, response.json()["code"]) == (422, "stale_price")


def test_a_visitor_is_told_to_log_in(client: Client, fresh: Coin) -> None:
    response = send(client, order(amount=1))
    assert response.status_code == 401
    assert response.json() == {"error": "Log in first.", "code": "not_logged_in"}


@pytest.mark.parametrize("name", ["root", "ana", "mo"])
@pytest.mark.parametrize("operation", ["buy_coin", "sell_coin"])
def test_other_roles_do_not_trade(
    client: Client, fresh: Coin, name: str, operation: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(name))
    response = send(client, order(amount=1), operation=operation)
    assert (response.status_code, response.json()["code"]) == (403, "wrong_role")


def test_a_suspended_person_is_out_at_once(her: Client, alice: User, fresh: Coin) -> None:
    User.objects.update(is_active=False)
    assert send(her, order(amount=1)).status_code in {401, 403}


def test_a_request_from_another_site_is_refused(alice: User, fresh: Coin) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    response = send(strict, order(amount=1))
    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    strict.get("/portfolio/")
    token = strict.cookies["csrftoken"].value
    response = strict.post(
        "/api/buy_coin",
        json.dumps(order(amount=1)),
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert response.status_code == 200


def test_too_many_orders_are_slowed_down(her: Client, fresh: Coin, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"trade": (2, 60)}
    answers = [send(her, order(amount=1, client_order_id=str(n))) for n in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "too_many_requests"


def test_only_posts_trade(her: Client, fresh: Coin) -> None:
    for method in ("get", "put", "patch", "delete"):
        assert getattr(her, method)("/api/buy_coin").status_code == 405
    assert her.get("/api/nothing").status_code == 404


def test_another_portfolio_of_ones_own(her: Client, alice: User, bob: User, fresh: Coin) -> None:
    second = portfolio.create_portfolio(user=alice, name="Careful")
    his = portfolio.default_portfolio(user=bob)
    answer = send(her, order(amount=1, portfolio_id=str(second.pk))).json()
    assert answer["portfolio"]["name"] == "Careful"
    answer = send(her, order(amount=1, portfolio_id=str(his.pk))).json()
    assert answer["code"] == "unknown_portfolio"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(
        st.sampled_from(["coin_id", "amount", "quantity", "client_order_id", "portfolio_id"]),
        json_values,
    )
    | json_values
)
def test_any_json_is_answered_with_a_sentence(her: Client, fresh: Coin, body: Any) -> None:
    from django.core.cache import cache

    cache.clear()
    response = send(her, body)
    assert response.status_code == 422, response.content
    assert response.json()["error"].endswith(".")
