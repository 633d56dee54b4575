"""The market's pages: what visitors and members see, and what odd requests get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from market.models import Article, Candle, Coin, WatchlistItem

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def text(response: Any) -> str:
    return str(response.content.decode())


def add_candles(coin: Coin, closes: list[str | None], *, resolution: str, last: datetime) -> None:
    """Store one candle per close, the last of them containing `last`; None is a gap."""
    seconds = {"1m": 60, "5m": 300, "1h": 3600, "1d": 86400}[resolution]
    end = int(last.timestamp()) // seconds * seconds
    for back, close in enumerate(reversed(closes)):
        if close is None:
            continue
        start = datetime.fromtimestamp(end - back * seconds, tz=last.tzinfo)
        price = Decimal(close)
        Candle.objects.create(
            id=Candle.key(coin.pk, resolution, start),
            coin=coin,
            resolution=resolution,
            start=start,
            open=price,
            high=price + 1,
            low=price - 1,
            close=price,
            open_at=start,
            close_at=start,
            source="simulated",
        )


@pytest.fixture
def fresh(coin: Callable[..., Coin]) -> Coin:
    """Bitcoin with a price of just now."""
    return coin(
        rank=1,
        symbol="btc",
        at=timezone.now(),
        change_24h=Decimal("2.5"),
        market_cap=Decimal(1_930_000_000_000),
        sparkline=[1, 2, 3],
    )


# --- The list ----------------------------------------------------


def test_a_visitor_sees_coins_with_price_change_age_and_source(client: Client, fresh: Coin) -> None:
    page = text(client.get(reverse("market:list")))
    for shown in ("Bitcoin", "$100,000.00", "2.50%", "$1.93T", "Simulated", "s ago"):
        assert shown in page.replace("\N{NO-BREAK SPACE}", " ")
    assert 'class="star' not in page


def test_the_list_sorts_and_searches_by_links(client: Client, fresh: Coin, ethereum: Coin) -> None:
    page = text(client.get(reverse("market:list"), {"sort": "price"}))
    table = page[page.index("<tbody>") :]
    assert table.index("Ethereum") < table.index("Bitcoin")
    assert 'aria-sort="ascending"' in page
    found = text(client.get(reverse("market:list"), {"q": "eth"}))
    assert "Ethereum" in found[found.index("<tbody>") :]
    assert "Bitcoin" not in found[found.index("<tbody>") : found.index("</tbody>")]


def test_htmx_gets_the_list_and_the_history_gets_the_page(client: Client, fresh: Coin) -> None:
    part = client.get(reverse("market:list"), headers=HTMX)
    assert text(part).lstrip().startswith('<section id="coins"')
    assert "HX-Request" in part["Vary"]
    back = client.get(reverse("market:list"), headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<!doctype html>" in text(back)


def test_a_search_without_an_answer_says_so(client: Client, fresh: Coin) -> None:
    page = text(client.get(reverse("market:list"), {"q": "<script>alert(1)</script>"}))
    assert "No coin matches" in page
    assert "<script>alert" not in page


def test_without_coins_the_list_says_what_to_wait_for(client: Client) -> None:
    assert "No coins yet" in text(client.get(reverse("market:list")))


def test_old_prices_are_announced(client: Client, coin: Callable[..., Coin]) -> None:
    coin(at=timezone.now() - timedelta(days=2), rank=1)
    page = text(client.get(reverse("market:list")))
    assert "Prices are old" in page
    assert "price num is-stale" in page


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "price; drop table", "page": "-3"},
        {"page": "99999999999999999999"},
        {"q": "\0"},
        {"q": "x" * 10_000},
        {"q": "\N{PILE OF POO}"},
    ],
)
def test_no_query_breaks_the_list(client: Client, fresh: Coin, query: dict[str, str]) -> None:
    assert client.get(reverse("market:list"), query).status_code == 200


def test_suggestions_come_while_typing(client: Client, fresh: Coin, ethereum: Coin) -> None:
    part = text(client.get(reverse("market:search"), {"q": "eth"}, headers=HTMX))
    assert reverse("market:coin", args=["ethereum"]) in part
    assert "Bitcoin" not in part
    assert text(client.get(reverse("market:search"), {"q": " "}, headers=HTMX)).strip() == ""
    plain = client.get(reverse("market:search"), {"q": "eth"})
    assert plain["Location"] == f"{reverse('market:list')}?q=eth"


# --- One coin ----------------------------------------------------


def test_a_coin_shows_its_chart_without_javascript(client: Client, fresh: Coin) -> None:
    add_candles(fresh, ["99000", None, "99500", "100000"], resolution="1h", last=timezone.now())
    page = text(client.get(reverse("market:coin", args=["bitcoin"])))
    assert 'class="spark is-up chart-fallback"' in page
    assert "$100,001.00" in page  # the last bar's high, drawn by the server
    assert f'href="{reverse("market:coin", args=["bitcoin"])}?range=1d' in page


def test_a_young_coin_shows_the_range_that_has_a_line(client: Client, fresh: Coin) -> None:
    add_candles(fresh, ["99000", "99500", "100000"], resolution="1m", last=timezone.now())
    page = text(client.get(reverse("market:coin", args=["bitcoin"])))
    assert 'data-range="1h" aria-current="true"' in page


def test_a_range_that_is_asked_for_is_shown(client: Client, fresh: Coin) -> None:
    page = text(client.get(reverse("market:coin", args=["bitcoin"]), {"range": "1y"}))
    assert 'data-range="1y" aria-current="true"' in page
    assert "No history yet" in page
    odd = client.get(reverse("market:coin", args=["bitcoin"]), {"range": "'; drop"})
    assert odd.status_code == 200


def test_a_coin_without_a_price_and_a_removed_one_say_so(
    client: Client, coin: Callable[..., Coin]
) -> None:
    coin("new", price=None)
    assert "has no price yet" in text(client.get(reverse("market:coin", args=["new"])))
    coin("gone", tracked=False, at=timezone.now())
    assert "no longer tracked" in text(client.get(reverse("market:coin", args=["gone"])))


def test_a_coin_that_there_is_not_is_not_found(client: Client) -> None:
    response = client.get(reverse("market:coin", args=["nothing"]))
    assert response.status_code == 404
    assert "There is nothing here." in text(response)


def test_members_trade_on_the_page_and_visitors_are_invited(
    client: Client, fresh: Coin, alice: User, ana: User
) -> None:
    url = reverse("market:coin", args=["bitcoin"])
    assert "Sign up" in text(client.get(url))
    client.force_login(alice)
    page = text(client.get(url))
    assert reverse("portfolio:trade") in page
    assert reverse("alerts:create") in page
    client.force_login(ana)
    page = text(client.get(url))
    assert reverse("portfolio:trade") not in page
    assert reverse("alerts:create") not in page


# --- Charts ------------------------------------------------------


def test_chart_data_has_decimals_as_strings(client: Client, fresh: Coin) -> None:
    add_candles(fresh, ["0.0000000023", "100000"], resolution="1h", last=timezone.now())
    data = client.get(reverse("market:chart-data", args=["bitcoin"]), {"range": "7d"}).json()
    assert data["seconds"] == 3600
    assert data["simulated"] is True
    assert [row[4] for row in data["candles"]] == ["0.0000000023", "100000"]
    assert data["candles"][1][0] - data["candles"][0][0] == 3600


@pytest.mark.parametrize("range_name", ["", "2w", "NaN", "7d,7d", "\0"])
def test_a_range_that_there_is_not_is_refused(client: Client, fresh: Coin, range_name: str) -> None:
    url = reverse("market:chart-data", args=["bitcoin"])
    response = client.get(url, {"range": range_name})
    assert response.status_code == 422
    assert response.json()["code"] == "bad_range"


def test_chart_data_of_no_coin_is_not_found(client: Client) -> None:
    response = client.get(reverse("market:chart-data", args=["nothing"]))
    assert response.status_code == 404
    assert response.json()["code"] == "unknown_coin"


def test_coins_are_compared(client: Client, fresh: Coin, ethereum: Coin, ana: User) -> None:
    now = timezone.now()
    add_candles(fresh, ["100", "110"], resolution="1h", last=now)
    add_candles(ethereum, ["50", "25"], resolution="1h", last=now)
    client.force_login(ana)
    page = text(client.get(reverse("market:charts"), {"coins": ["bitcoin", "ethereum"]}))
    assert "10.00%" in page
    assert "50.00%" in page
    assert 'class="slice-2"' in page


def test_no_choice_of_coins_breaks_the_comparison(client: Client, fresh: Coin, ana: User) -> None:
    client.force_login(ana)
    url = reverse("market:charts")
    assert "No coin chosen" in text(client.get(url, {"coins": "nothing"}))
    assert "The first 6 are shown" in text(client.get(url, {"coins": list("abcdefg")}))
    assert client.get(url, {"coins": "bitcoin", "range": "\0"}).status_code == 200


def test_charts_and_watchlists_are_for_members(client: Client) -> None:
    for name in ("market:charts", "market:watchlist"):
        response = client.get(reverse(name))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


# --- Watchlist ---------------------------------------------------


def test_a_star_puts_a_coin_on_the_list_and_takes_it_off(
    client: Client, fresh: Coin, alice: User
) -> None:
    client.force_login(alice)
    url = reverse("market:watch", args=["bitcoin"])
    back = client.post(url, {"watch": "1", "next": "/markets/?q=bit"})
    assert back["Location"] == "/markets/?q=bit"
    assert "Bitcoin" in text(client.get(reverse("market:watchlist")))
    part = client.post(url, {"watch": "0"}, headers=HTMX)
    assert 'aria-pressed="false"' in text(part)
    assert not WatchlistItem.objects.exists()
    assert "No coins here yet" in text(client.get(reverse("market:watchlist")))


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_a_star_never_leads_to_another_site(
    client: Client, fresh: Coin, alice: User, target: str
) -> None:
    client.force_login(alice)
    back = client.post(reverse("market:watch", args=["bitcoin"]), {"next": target})
    assert back["Location"] == reverse("market:watchlist")


def test_a_coin_that_there_is_not_cannot_be_watched(client: Client, alice: User) -> None:
    client.force_login(alice)
    response = client.post(reverse("market:watch", args=["nothing"]), headers=HTMX)
    assert response.status_code == 422
    assert response.json()["code"] == "unknown_coin"


def test_a_visitor_cannot_watch(client: Client, fresh: Coin) -> None:
    url = reverse("market:watch", args=["bitcoin"])
    assert client.post(url).status_code == 302
    assert client.post(url, headers=HTMX).status_code == 401
    assert not WatchlistItem.objects.exists()


def test_pages_are_read_and_stars_are_posted(client: Client, fresh: Coin, alice: User) -> None:
    client.force_login(alice)
    assert client.post(reverse("market:list")).status_code == 405
    assert client.get(reverse("market:watch", args=["bitcoin"])).status_code == 405


# --- News --------------------------------------------------------


@pytest.fixture
def article(fresh: Coin) -> Article:
    made = Article.objects.create(
        id="a1",
        title="Bitcoin <b>rises</b>",
        summary="It did.",
        url="https://example.com/a1",
        publisher="Example Wire",
        published_at=timezone.now(),
    )
    made.coins.add(fresh)
    return made


def test_headlines_link_to_their_publisher(client: Client, article: Article) -> None:
    page = text(client.get(reverse("market:news")))
    assert 'href="https://example.com/a1" rel="noopener noreferrer nofollow"' in page
    assert "Bitcoin &lt;b&gt;rises" in page
    assert "Example Wire" in page


def test_a_link_that_is_no_web_address_is_not_a_link(client: Client, article: Article) -> None:
    Article.objects.update(url="javascript:alert(1)")
    assert "javascript:" not in text(client.get(reverse("market:news")))


def test_news_of_one_coin(client: Client, article: Article, ethereum: Coin) -> None:
    assert "rises" in text(client.get(reverse("market:news"), {"coin": "bitcoin"}))
    page = text(client.get(reverse("market:news"), {"coin": "ethereum"}))
    assert "Nothing about it yet" in page
    assert client.get(reverse("market:news"), {"coin": "\0"}).status_code == 200


def test_without_headlines_the_page_says_so(client: Client) -> None:
    assert "No headlines yet" in text(client.get(reverse("market:news")))


# --- What pages cost ---------------------------------------------


@pytest.mark.parametrize(
    ("url", "queries"),
    [
        ("/markets/", 3),  # coins, tape, announcements
        ("/markets/?q=coin", 3),
        ("/markets/?page=all", 3),
        ("/news/", 4),  # headlines, publishers, tape, announcements
        ("/markets/coin-1/", 10),  # coins, charts (3), candles (4), articles (2)
        ("/markets/coin-1/chart/?range=1h", 2),
    ],
)
def test_a_page_asks_the_database_this_often(
    client: Client,
    coin: Callable[..., Coin],
    django_assert_max_num_queries: Any,
    url: str,
    queries: int,
) -> None:
    for rank in range(1, 31):
        coin(f"coin-{rank}", rank=rank, at=timezone.now())
    with django_assert_max_num_queries(queries):
        assert client.get(url).status_code == 200
