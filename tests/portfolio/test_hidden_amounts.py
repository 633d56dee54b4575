"""Whoever hides their amounts has hidden all of them: each stands in what the style sheet blurs."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin
from portfolio import services as portfolio
from portfolio.numbers import dollars, plain
from tests.conftest import make_coin

pytestmark = pytest.mark.django_db

#: Elements without an end.
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
#: What else is seen on a screen; a label that is only read aloud is not.
SAID = {"alt", "placeholder", "title"}


class Shown(HTMLParser):
    """Collects the texts that stand outside of `.private`, those of attributes included."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        is_hidden = self.is_hidden or "private" in classes or tag == "script"
        self.texts += [value or "" for name, value in attrs if name in SAID]
        if tag not in VOID:
            self.open.append((tag, is_hidden))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.is_hidden:
            self.texts.append(data)

    @property
    def is_hidden(self) -> bool:
        return bool(self.open) and self.open[-1][1]


@pytest.fixture
def amounts(alice: User) -> dict[str, str]:
    coin = make_coin(symbol="btc", rank=1, price="81234.56", at=timezone.now())
    for number, amount in enumerate(("1234.56", "777.77")):
        portfolio.place_order(
            user=alice, side="buy", coin_id=coin.pk, amount=Decimal(amount),
            client_order_id=str(number), now=timezone.now(),
        )  # fmt: skip
    own = portfolio.default_portfolio(user=alice)
    held = own.holdings.get()
    value = own.cash + (held.quantity * coin.last_price).quantize(Decimal("0.01"))
    return {
        "cash": dollars(own.cash),
        "cost": dollars(held.cost),
        "value": dollars(value),
        "paid in": dollars(own.paid_in),
        "quantity": plain(held.quantity),
        "paid": "$1,234.5",
        "paid later": "$777.7",
    }


@pytest.mark.parametrize(
    "address",
    [
        "/portfolio/",
        "/dashboard/",
        "/portfolio/transactions/",
        "/markets/bitcoin/",
        "/notifications/",
        "/portfolio/trade/?coin=bitcoin&side=sell",
        "/portfolio/preview/?coin_id=bitcoin&side=buy&amount=100",
    ],
)
def test_no_amount_stands_outside_of_what_is_hidden(
    client: Client, alice: User, amounts: dict[str, str], address: str
) -> None:
    alice.hide_amounts = True
    alice.save()
    client.force_login(alice)
    answer = client.get(address)
    assert answer.status_code == 200
    page = Shown()
    page.feed(answer.content.decode())
    seen = " | ".join(text for text in page.texts if "begin anew" not in text)
    start = "has " + amounts["paid in"]  # what everybody begins with, in a form's words
    seen = seen.replace(start, "")
    assert {name: text for name, text in amounts.items() if text in seen} == {}


def test_a_fragment_hides_what_one_holds(client: Client, alice: User, bitcoin: Coin) -> None:
    coin_id = bitcoin.pk
    Coin.objects.filter(pk=coin_id).update(price_at=timezone.now())
    portfolio.place_order(user=alice, side="buy", coin_id=coin_id, amount=Decimal(100),
                          client_order_id="1", now=timezone.now())  # fmt: skip
    client.force_login(alice)
    answer = client.get(
        reverse("portfolio:trade"), {"coin": coin_id}, headers={"HX-Request": "true"}
    )
    assert '<span class="private">You hold' in answer.content.decode()
