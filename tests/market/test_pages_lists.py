"""The lists of coins in use: views, stars without and with htmx, the dashboard's part, CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Coin, WatchlistItem

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def coins(coin: Callable[..., Coin]) -> list[Coin]:
    """Three coins with fresh prices: one up, one down, one unmoved."""
    at = timezone.now()
    return [
        coin(key, name=key.title(), rank=rank, at=at, price="2.5", change_24h=Decimal(change),
             market_cap=Decimal(10**9), volume_24h=Decimal(10**6 * rank), sparkline=[1, 2])
        for rank, (key, change) in enumerate((("alpha", "3"), ("beta", "-2"), ("gamma", "0")), 1)
    ]  # fmt: skip


def names(response: Any) -> list[str]:
    page = response.content.decode()
    table = page[page.index("<tbody>") : page.index("</tbody>")] if "<tbody>" in page else ""
    return [name for name in ("Alpha", "Beta", "Gamma") if f">{name}<" in table]


@pytest.mark.parametrize(
    ("view", "shown"),
    [("top", ["Alpha", "Beta", "Gamma"]), ("gainers", ["Alpha"]), ("losers", ["Beta"])],
)
def test_a_view_is_a_link_that_works_for_everybody(
    client: Client, view: str, shown: list[str]
) -> None:
    page = client.get(reverse("market:list"), {"view": view})
    assert names(page) == shown
    assert names(client.get(reverse("market:list"), {"view": view}, headers=HTMX)) == shown
    assert "view=watched" not in page.content.decode()


def test_a_view_without_coins_says_so(client: Client) -> None:
    Coin.objects.update(change_24h=Decimal(0))
    page = client.get(reverse("market:list"), {"view": "losers"}).content.decode()
    assert "None at the moment" in page


def test_a_member_s_watchlist_is_a_view(client: Client, alice: User) -> None:
    client.force_login(alice)
    url = reverse("market:list")
    assert "Star a coin" in client.get(url, {"view": "watched"}).content.decode()
    client.post(reverse("market:watch", args=["beta"]), {"watch": "1"})
    assert names(client.get(url, {"view": "watched"})) == ["Beta"]


def test_the_market_is_summed_up_in_a_line(client: Client) -> None:
    page = client.get(reverse("market:list")).content.decode()
    assert "Market cap" in page
    assert "$3.00B" in page
    assert "$6.00M" in page


def test_each_star_is_a_button_of_the_page_s_one_form(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get(reverse("market:list")).content.decode()
    assert page.count('<form id="stars"') == 1
    assert page.count("csrfmiddlewaretoken") < 4  # not one for each row
    assert 'formaction="/markets/alpha/watch/" name="watch" value="1"' in page


def test_a_star_answers_htmx_with_itself(client: Client, alice: User) -> None:
    client.force_login(alice)
    url = reverse("market:watch", args=["alpha"])
    part = client.post(url, {"watch": "1"}, headers=HTMX).content.decode()
    assert 'aria-pressed="true"' in part
    assert 'value="0"' in part
    assert WatchlistItem.objects.count() == 1


def test_the_watchlist_sorts_and_offers_coins_to_who_has_none(client: Client, alice: User) -> None:
    client.force_login(alice)
    url = reverse("market:watchlist")
    empty = client.get(url).content.decode()
    assert "No coins here yet" in empty
    assert "The largest coins" in empty
    for key in ("alpha", "beta"):
        client.post(reverse("market:watch", args=[key]), {"watch": "1"})
    page = client.get(url, {"sort": "-change_24h"}, headers=HTMX).content.decode()
    assert page.index(">Alpha<") < page.index(">Beta<")
    assert page.lstrip().startswith('<section id="watched"')
    assert 'hx-target="#watched"' in page


# --- The dashboard's part ------------------------------------------------------------------------


def test_the_dashboard_s_part_changes_its_view(client: Client, alice: User) -> None:
    client.force_login(alice)
    part = client.get(reverse("market:glance"), {"view": "losers"}, headers=HTMX)
    assert part.content.decode().count('id="glance"') == 1
    assert names(part) == ["Beta"]


def test_without_htmx_it_is_the_list(client: Client) -> None:
    response = client.get(reverse("market:glance"), {"view": "losers"})
    assert response["Location"] == "/markets/?view=losers"


def test_the_dashboard_has_the_tabs(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get(reverse("portals:dashboard")).content.decode()
    assert 'hx-get="/markets/glance?view=gainers"' in page
    assert 'href="/markets/?view=gainers"' in page


# --- CSV -----------------------------------------------------------------------------------------


def test_the_list_is_a_file_with_exact_numbers_and_their_source(client: Client) -> None:
    response = client.get(reverse("market:export"), {"view": "losers"})
    assert "coins-losers-" in response["Content-Disposition"]
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    (row,) = csv.DictReader(body.splitlines())
    assert row["id"] == "beta"
    assert row["price_usd"] == "2.5"
    assert row["change_24h_percent"] == "-2"
    assert row["source"] == "simulated"


def test_the_file_holds_what_was_searched_for_and_stale_coins_too(client: Client) -> None:
    Coin.objects.filter(pk="alpha").update(price_at=timezone.now() - timedelta(days=9))
    response = client.get(reverse("market:export"), {"q": "alp"})
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert [row["id"] for row in csv.DictReader(body.splitlines())] == ["alpha"]


# --- Rows ----------------------------------------------------------------------------------------


def test_names_are_text_in_rows_and_stars(client: Client, alice: User) -> None:
    Coin.objects.filter(pk="alpha").update(name='<b onclick="x">', symbol="<i>")
    client.force_login(alice)
    page = client.get(reverse("market:list")).content.decode()
    assert "<b onclick" not in page
    assert "&lt;b onclick=&quot;x&quot;&gt;" in page
    assert "<I>" not in page


def test_a_row_shows_what_the_templates_tags_show(client: Client) -> None:
    page = client.get(reverse("market:list")).content.decode()
    assert 'data-price="alpha"' in page
    assert 'class="change is-down" data-change="beta"' in page
    assert '<span class="sr-only">unchanged </span>' in page
    assert 'aria-label="7-day trend up"' in page
