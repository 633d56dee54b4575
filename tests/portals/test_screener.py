"""The screener: filters from the address, refused ones, saved ones, and the file."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market import services as market
from market.models import Coin
from tests.conftest import make_coin

from .conftest import logged_in, make_closes

pytestmark = pytest.mark.django_db

URL = "/analysis/screener/"


@pytest.fixture
def coins(db: None) -> list[Coin]:
    at = timezone.now()
    made = [
        make_coin("bitcoin", at=at, rank=1, price="100000", change_24h=Decimal("2.5"),
                  market_cap=Decimal("2e12"), category="Layer 1"),
        make_coin("ethereum", at=at, rank=2, price="3400", change_24h=Decimal("-1.5"),
                  market_cap=Decimal("4e11"), category="Layer 1"),
        make_coin("pepe", at=at, rank=3, price="0.00001", change_24h=Decimal(9),
                  market_cap=Decimal("4e9"), category="Meme"),
    ]  # fmt: skip
    make_closes(made[0], [50000 + 500 * day for day in range(60)], last=at - timedelta(days=1))
    return made


@pytest.fixture
def page(ana: User) -> Client:
    return logged_in(ana)


def found(answer: Any) -> list[str]:
    return [row.coin.pk for row in answer.context["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["bitcoin", "ethereum", "pepe"]),
        ("min_price=1", ["bitcoin", "ethereum"]),
        ("max_market_cap=5B", ["pepe"]),
        ("min_market_cap=300b&max_market_cap=1T", ["ethereum"]),
        ("min_price=3,400.00&max_price=3,400.0", ["ethereum"]),
        ("category=Layer+1&sort=-rank", ["ethereum", "bitcoin"]),
        ("max_change_24h=\N{MINUS SIGN}1", ["ethereum"]),
        ("min_rsi=70", ["bitcoin"]),
        ("max_volatility=50", ["bitcoin"]),
        ("sma50=above", ["bitcoin"]),
        ("sma50=below", []),
        ("max_below_high=5", ["bitcoin"]),
        ("sort=-change_24h", ["pepe", "bitcoin", "ethereum"]),
        ("sort=name", ["bitcoin", "ethereum", "pepe"]),
    ],
)
def test_filters_and_order_come_from_the_address(
    page: Client, coins: list[Coin], query: str, expected: list[str]
) -> None:
    answer = page.get(f"{URL}?{query}")
    assert answer.status_code == 200
    assert found(answer) == expected


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("min_price=abc", "Type a number, such as 12.5 or 1.5M."),
        ("min_price=-1", "At least 0."),
        ("max_rsi=101", "At most 100."),
        ("min_price=5&max_price=4", "The first number is above the second: swap them."),
        ("category=Nothing", "not one of the available choices"),
        ("sma50=beside", "not one of the available choices"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_and_stays(
    page: Client, coins: list[Coin], query: str, says: str
) -> None:
    answer = page.get(f"{URL}?{query}")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert says in text
    assert "Mend those that are marked" in text
    assert found(answer) == []
    if "price" in query:
        assert f'value="{query.split("&", maxsplit=1)[0].split("=")[1]}"' in text


@pytest.mark.parametrize(
    ("notation", "typed", "expected"),
    [
        ("comma-point", "1,5", None),  # elsewhere one and a half, and never fifteen
        ("comma-point", "0,05", None),
        ("comma-point", "3,400", None),
        ("comma-point", "3.4k", ["bitcoin", "ethereum"]),
        ("point-comma", "3,4k", ["bitcoin", "ethereum"]),
        ("point-comma", "3.400,00", ["bitcoin", "ethereum"]),
        ("point-comma", "3.400", None),
        ("point-comma", "3.4k", None),
        ("apostrophe-point", "100'000", ["bitcoin"]),
    ],
)
def test_no_number_is_read_as_another(
    ana: User, coins: list[Coin], notation: str, typed: str, expected: list[str] | None
) -> None:
    User.objects.filter(pk=ana.pk).update(number_format=notation)
    answer = logged_in(ana).get(URL, {"min_price": typed})
    assert (found(answer) or None) == expected
    assert answer.status_code == (200 if expected else 422)


def test_the_address_to_share_has_no_empty_fields(page: Client, coins: list[Coin]) -> None:
    answer = page.get(f"{URL}?sort=-price&min_price=abc&max_price=&category=+&sma50=")
    assert answer.status_code == 302
    assert answer["Location"] == f"{URL}?sort=-price&min_price=abc"
    assert page.get(f"{URL}?min_price=")["Location"] == URL


def test_an_address_is_read_as_it_was_typed_whoever_opens_it(
    ana: User, page: Client, coins: list[Coin]
) -> None:
    typed = f"{URL}?min_change_24h=2.5&max_price=100,000.00&min_rank=1&notation=comma-point"
    shared = page.get(typed)
    assert found(shared) == ["bitcoin", "pepe"]
    sorted_by_price = next(one.url for one in shared.context["heads"] if one.column.key == "price")

    User.objects.filter(pk=ana.pk).update(number_format="point-comma")
    german = logged_in(ana)

    answer = german.get(typed)
    assert found(answer) == ["bitcoin", "pepe"]
    assert 'value="2,5"' in answer.content.decode()
    assert 'name="notation" value="point-comma"' in answer.content.decode()
    assert found(german.get(sorted_by_price)) == ["bitcoin", "pepe"]
    rows = german.get(f"{URL}csv/?min_change_24h=2.5&notation=comma-point").getvalue().decode()
    assert [row["id"] for row in csv.DictReader(rows.splitlines())] == ["bitcoin", "pepe"]


def test_an_address_names_no_notation_where_all_read_the_same(
    page: Client, coins: list[Coin]
) -> None:
    answer = page.get(f"{URL}?min_price=1k&notation=comma-point")
    assert answer["Location"] == f"{URL}?min_price=1k"
    assert page.get(f"{URL}?min_price=1.5&notation=nothing").status_code == 200


@pytest.mark.parametrize("value", ["1e999999", "NaN", "9" * 400, "a\0b", "\u0661", "0x10", "1_0"])
def test_no_value_breaks_the_page(page: Client, coins: list[Coin], value: str) -> None:
    for name in ("min_rank", "max_volume_24h", "category", "sma200"):
        assert page.get(URL, {name: value}).status_code == 422
    for name in ("sort", "page", "nothing"):
        assert page.get(URL, {name: value}).status_code == 200


def test_nothing_found_and_nothing_there_are_different(ana: User, page: Client) -> None:
    assert "No coins yet" in page.get(URL).content.decode()
    make_coin(at=timezone.now(), rank=1)
    assert "No coin meets all filters" in page.get(f"{URL}?max_price=1").content.decode()


def test_a_screen_is_saved_shown_as_current_and_deleted(
    ana: User, page: Client, coins: list[Coin]
) -> None:
    save = reverse("portals:screen-save")
    answer = page.post(save, {"name": "Dear", "query": "min_price=1k&sort=-rank&page=3&x=y"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{URL}?min_price=1k&sort=-rank"
    shown = page.get(answer["Location"])
    (saved,) = shown.context["saved"]
    assert saved["is_current"]
    assert saved["query"] == "min_price=1k&sort=-rank"
    assert found(shown) == ["ethereum", "bitcoin"]
    page.post(save, {"name": "dear", "query": "min_price=5k"})
    (one,) = market.saved_screens(user=ana)
    assert one.filters == {"min_price": "5k"}
    page.post(reverse("portals:screen-delete", args=[one.pk]))
    assert market.saved_screens(user=ana) == []


def test_a_screen_without_a_name_or_with_bad_filters_is_refused_and_kept_on_the_page(
    ana: User, page: Client, coins: list[Coin]
) -> None:
    save = reverse("portals:screen-save")
    nameless = page.post(save, {"name": " ", "query": "min_price=5"})
    assert nameless.status_code == 422
    assert "Give the screen a name." in nameless.content.decode()
    assert 'value="5"' in nameless.content.decode()
    bad = page.post(save, {"name": "Bad", "query": "min_price=abc"})
    assert bad.status_code == 422
    assert 'value="abc"' in bad.content.decode()
    assert market.saved_screens(user=ana) == []


def test_the_file_has_the_coins_of_the_page_in_their_order(page: Client, coins: list[Coin]) -> None:
    answer: Any = page.get(f"{URL}csv/?min_price=1&sort=-rank")
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert [row["id"] for row in rows] == ["ethereum", "bitcoin"]
    assert [row["simulated"] for row in rows] == ["yes", "yes"]
    assert rows[1]["price"] == "100000"
    assert rows[0]["rsi"] == ""


def test_a_file_of_bad_filters_is_the_page_that_says_so(page: Client, coins: list[Coin]) -> None:
    answer = page.get(f"{URL}csv/?min_price=abc")
    assert answer.status_code == 302
    assert page.get(answer["Location"]).status_code == 422


def test_many_coins_come_in_pages(page: Client, db: None) -> None:
    at = timezone.now()
    for rank in range(1, 53):
        make_coin(f"coin-{rank:02}", at=at, rank=rank)
    first, second = page.get(URL), page.get(f"{URL}?page=2")
    assert len(found(first)) == 50
    assert found(second) == ["coin-51", "coin-52"]
    assert 'rel="next"' in first.content.decode()
    assert found(page.get(f"{URL}?page=99")) == found(second)
