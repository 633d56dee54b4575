"""The frame around every page: who sees which links, how fresh prices are, in which currency."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.template import Template, engines
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from cryptopulse.portals import navigation
from cryptopulse.portals.context import shell_of
from market.models import Coin, ExchangeRate

from .conftest import logged_in, person_of

pytestmark = pytest.mark.django_db


def labels(user: Any, path: str = "/") -> list[str]:
    return [str(link.label) for s in navigation.sections(user, path=path) for link in s.links]


def draw(source: str, user: Any = None, **context: Any) -> str:
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    return str(engines["django"].from_string(source).render(context, request))


# --- Navigation --------------------------------------------------


def test_every_link_of_the_navigation_leads_somewhere() -> None:
    for section in navigation._SECTIONS:
        for link in section.links:
            assert reverse(link.url_name), link.label


def test_visitors_see_what_is_open_to_them() -> None:
    assert labels(AnonymousUser()) == ["Markets", "News", "About"]


def test_a_user_trades_and_an_analyst_analyses() -> None:
    alice, ana = labels(person_of(Role.USER)), labels(person_of(Role.ANALYST))
    assert {"Dashboard", "Portfolio", "Transactions", "Alerts"} <= set(alice)
    assert not {"Statistics", "Users", "Django admin"} & set(alice)
    assert {"Analysis", "Statistics"} <= set(ana)
    assert not {"Portfolio", "Alerts", "Users", "Django admin"} & set(ana)


def test_staff_see_people_and_the_django_admin() -> None:
    mo, root = labels(person_of(Role.MODERATOR)), labels(person_of(Role.ADMIN))
    assert {"Users", "Activity", "All transactions", "Django admin"} <= set(mo)
    assert {"Users", "All transactions", "Statistics", "Django admin"} <= set(root)
    assert "Activity" not in root
    assert "Portfolio" not in mo + root


def test_every_link_that_a_role_sees_opens_for_it(bitcoin: Coin) -> None:
    for role in Role:
        user = person_of(role)
        client = logged_in(user)
        for section in navigation.sections(user, path="/"):
            for link in section.links:
                response = client.get(link.url, follow=True)
                assert response.status_code == 200, (role, link.label)


def test_the_page_that_one_is_on_is_marked() -> None:
    def current(path: str) -> list[str]:
        sections = navigation.sections(person, path=path)
        return [str(link.label) for s in sections for link in s.links if link.is_current]

    person = person_of(Role.USER)
    assert current("/markets/bitcoin/") == ["Markets"]
    assert current("/portfolio/transactions/") == ["Transactions"]
    assert current("/nowhere/") == []


def test_four_tabs_for_every_role_on_a_phone() -> None:
    for role in Role:
        links = navigation.tabs(navigation.sections(person_of(role), path="/"))
        assert len(links) == 4, role
        assert links[1].label == "Markets"


# --- The page around ---------------------------------------------


def test_a_page_is_readable_and_obeys_the_content_policy(client: Client, bitcoin: Coin) -> None:
    response = client.get(reverse("market:list"))
    html = response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)
    assert not re.search(r"\sstyle=", html)
    assert not re.search(r"\son[a-z]+=", html)
    assert 'href="#main"' in html
    assert '<main id="main"' in html
    assert html.count("<h1") == 1


def test_no_id_is_given_twice(bitcoin: Coin) -> None:
    client = logged_in(person_of(Role.USER))
    for page in ("market:list", "market:charts", "portals:dashboard"):
        ids = re.findall(r'\sid="([^"]+)"', client.get(reverse(page)).content.decode())
        assert sorted(ids) == sorted(set(ids)), page


def test_theme_and_palette_come_from_the_account(client: Client, bitcoin: Coin) -> None:
    visitor = client.get(reverse("market:list")).content.decode()
    assert "data-theme=" not in visitor.split("<head>")[0]
    mine = logged_in(person_of(Role.USER, theme="dark", palette="blue-orange"))
    html = mine.get(reverse("market:list")).content.decode().split("<head>")[0]
    assert 'data-theme="dark"' in html
    assert 'data-account-theme="dark"' in html
    assert 'data-trend="blue-orange"' in html


def test_a_theme_as_the_system_leaves_the_choice_to_the_browser(bitcoin: Coin) -> None:
    html = logged_in(person_of(Role.USER)).get(reverse("market:list")).content.decode()
    assert "data-theme=" not in html.split("<head>")[0]
    assert 'data-account-theme="system"' in html


def test_htmx_carries_the_csrf_token_for_members_only(client: Client, bitcoin: Coin) -> None:
    assert "X-CSRFToken" not in client.get(reverse("market:list")).content.decode()
    html = logged_in(person_of(Role.USER)).get(reverse("market:list")).content.decode()
    assert re.search(r"hx-headers:inherited='{\"X-CSRFToken\": \"\w{64}\"}'", html)


def test_made_up_prices_are_labelled_on_every_page(client: Client, bitcoin: Coin) -> None:
    for page in ("market:list", "market:news", "portals:about", "account_login"):
        html = client.get(reverse(page)).content.decode()
        assert "Simulated prices." in html, page
        assert f"{reverse('portals:about')}#prices" in html, page


def test_real_prices_are_not_called_simulated(client: Client, coin: Callable[..., Coin]) -> None:
    coin(source="coingecko", rank=1)
    html = client.get(reverse("market:list")).content.decode()
    assert "Simulated" not in html
    assert "CoinGecko" in html


# --- Live state --------------------------------------------------


def test_without_javascript_the_pill_says_a_moment_that_stays_true(
    coin: Callable[..., Coin],
) -> None:
    at = timezone.now()
    coin(at=at, rank=1)
    html = draw('{% include "components/live.html" %}')
    assert f"As of {at:%H:%M:%S} UTC" in html
    assert f'data-at="{int(at.timestamp() * 1000)}"' in html
    assert "is-stale" not in html


def test_old_prices_are_never_called_live(coin: Callable[..., Coin], settings: Any) -> None:
    coin(at=timezone.now() - settings.STALE_AFTER - timedelta(seconds=1), rank=1)
    html = draw('{% include "components/live.html" %}')
    assert "Delayed" in html
    assert "is-stale" in html


def test_before_the_first_price_the_pill_says_so(db: None) -> None:
    assert "No prices yet" in draw('{% include "components/live.html" %}')
    assert draw('{% include "components/ticker.html" %}').strip() == ""


def test_the_tape_shows_the_ten_best_ranked(coin: Callable[..., Coin]) -> None:
    for rank in range(1, 15):
        coin(f"coin-{rank}", symbol=f"s{rank}", rank=rank, at=timezone.now())
    html = draw('{% include "components/ticker.html" %}')
    assert html.count('data-price="coin-10"') == 2  # the second is the copy that closes the loop
    assert "coin-11" not in html


def test_the_frame_asks_the_database_once_for_everybody(
    bitcoin: Coin, django_assert_num_queries: Any
) -> None:
    page = '{% include "components/ticker.html" %}{% include "components/live.html" %}'
    with django_assert_num_queries(1):
        draw(page)
    with django_assert_num_queries(0):
        draw(page)


def test_the_bell_counts_for_its_person(bitcoin: Coin, monkeypatch: Any) -> None:
    person = person_of(Role.USER)
    asked: list[User] = []

    def unread_count(*, user: User) -> int:
        asked.append(user)
        return 3

    monkeypatch.setattr("alerts.services.unread_count", unread_count)
    html = draw('{% include "components/tools.html" %}', user=person)
    assert "Notifications, 3 new" in html
    assert asked == [person]
    assert shell_of(RequestFactory().get("/")).unread == 0


# --- Currency ----------------------------------------------------


@pytest.fixture
def koruna(db: None) -> None:
    now = timezone.now()
    ExchangeRate.objects.create(
        id=f"CZK:{now.date()}",
        currency="CZK",
        day=now.date(),
        rate=Decimal("20.5"),
        source="test",
        updated_at=now,
    )


def test_amounts_are_shown_in_the_persons_currency(bitcoin: Coin, koruna: None) -> None:
    person = person_of(Role.USER, display_currency="CZK")
    html = draw("{% money 10 %}|{% compact 1000000 %}|{{ 10|money }}|{% amount 205 %}", user=person)
    shown = html.replace("\N{NO-BREAK SPACE}", " ")
    assert shown == "CZK 205.00|CZK 20.50M|$10.00|CZK 205.00"


def test_a_currency_without_a_rate_falls_back_to_dollars(bitcoin: Coin) -> None:
    person = person_of(Role.USER, display_currency="EUR")
    assert draw("{% money 10 %}", user=person) == "$10.00"


def test_an_include_with_only_keeps_the_currency(bitcoin: Coin, koruna: None) -> None:
    person = person_of(Role.USER, display_currency="CZK")
    source = "{% include inner with coin=coin only %}"
    inner = Template("{% price coin %}")
    request = RequestFactory().get("/")
    request.user = person
    template = engines["django"].from_string(source)
    html = template.render({"inner": inner, "coin": bitcoin}, request)
    assert "CZK" in html


def test_live_prices_know_the_rate(bitcoin: Coin, koruna: None) -> None:
    client = logged_in(person_of(Role.USER, display_currency="CZK"))
    head = client.get(reverse("market:list")).content.decode().split("<head>")[0]
    assert 'data-currency="CZK"' in head
    assert 'data-rate="20.50000000"' in head


# --- Tags --------------------------------------------------------


def test_a_price_cell_carries_what_the_ticker_needs(coin: Callable[..., Coin]) -> None:
    fresh = coin("fresh", price="0.0000000023", at=timezone.now())
    html = draw("{% price coin %}", coin=fresh)
    assert 'data-price="fresh"' in html
    assert "$0.000000002300" in html
    assert "is-stale" not in html


def test_a_stale_price_is_dimmed_and_a_missing_one_is_a_dash(coin: Callable[..., Coin]) -> None:
    old = coin("old", at=timezone.now() - timedelta(days=1))
    assert "is-stale" in draw("{% price coin %}", coin=old)
    none = coin("none", price=None)
    html = draw("{% price coin %}{% age coin.price_at %}{% source coin %}", coin=none)
    assert ">—<" in html
    assert "no price yet" in html


def test_names_from_feeds_cannot_inject_markup(client: Client, coin: Callable[..., Coin]) -> None:
    coin("evil", name="<img src=x onerror=alert(1)>", symbol="<b>", rank=1, at=timezone.now())
    for url in (reverse("market:list"), reverse("market:coin", args=["evil"])):
        html = client.get(url).content.decode()
        assert "<img" not in html
        assert "<b><" not in html
        assert "&lt;img" in html


def test_a_change_says_its_direction_in_words_too() -> None:
    assert "up " in draw("{% change 2.5 %}")
    assert "down " in draw("{% change value %}", value=Decimal("-0.3"))
    assert "unchanged" in draw("{% change 0 %}")
    unknown = draw("{% change None %}")
    assert "—" in unknown
    assert "unchanged" not in unknown


def test_a_script_of_npm_is_left_out_where_npm_has_not_run() -> None:
    assert draw('{% npm_script "vendor/nothing/here.js" %}') == ""


def test_the_tape_is_asked_for_again_after_a_moment(bitcoin: Coin) -> None:
    draw('{% include "components/ticker.html" %}')
    Coin.objects.filter(pk="bitcoin").update(symbol="xbt")
    assert "BTC" in draw('{% include "components/ticker.html" %}')
    cache.clear()
    assert "XBT" in draw('{% include "components/ticker.html" %}')
