"""The market in the Django admin: who sees what, and that a price cannot be typed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Activity, User
from market.models import Article, Coin, ExchangeRate, FeedState
from tests.conftest import NOW, make_coin

from .test_history import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def root_client(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


def changed(coin_id: str) -> str:
    return reverse("admin:market_coin_change", args=[coin_id])


def test_an_admin_curates_a_coin_and_its_price_stays(root_client: Client, bitcoin: Coin) -> None:
    answer = root_client.post(
        changed("bitcoin"),
        {"tracked": "on", "category": "Payments", "rank": "7", "last_price": "1", "name": "X"},
    )
    assert answer.status_code == 302
    coin = Coin.objects.get()
    assert (coin.category, coin.rank, coin.tracked) == ("Payments", 7, True)
    assert (coin.last_price, coin.name) == (bitcoin.last_price, "Bitcoin")
    assert not Activity.objects.filter(kind__startswith="coin_").exists()


def test_a_price_that_came_while_the_form_was_open_stays(
    root_client: Client, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Coin.save

    def save_after_a_tick(self: Coin, **more: object) -> None:
        Coin.objects.filter(pk=self.pk).update(last_price=Decimal(5))
        save(self, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Coin, "save", save_after_a_tick)
    root_client.post(changed("bitcoin"), {"tracked": "on", "category": "New", "rank": "1"})
    coin = Coin.objects.get()
    assert (coin.category, coin.last_price) == ("New", 5)


def test_taking_a_coin_off_is_in_the_log(root_client: Client, root: User, bitcoin: Coin) -> None:
    root_client.post(changed("bitcoin"), {"category": "", "rank": "1"})
    assert not Coin.objects.get().tracked
    line = Activity.objects.get(kind__startswith="coin_")
    assert (line.kind, line.user, line.address) == ("coin_removed", root, "127.0.0.1")


def test_an_admin_adds_a_coin_without_a_price(root_client: Client) -> None:
    form = {"id": "new", "symbol": "new", "name": "New", "tracked": "on", "last_price": "9"}
    answer = root_client.post(reverse("admin:market_coin_add"), form)
    assert answer.status_code == 302
    assert Coin.objects.get().last_price is None
    assert Activity.objects.get(kind__startswith="coin_").kind == "coin_added"


@pytest.mark.parametrize("coin_id", ["a/b", ".", "..", "a:b", "a b", "a?b", "a#b", "a%2f"])
def test_an_id_that_no_address_can_hold_is_refused_with_a_sentence(
    root_client: Client, coin_id: str
) -> None:
    form = {"id": coin_id, "symbol": "new", "name": "New", "tracked": "on"}
    answer = root_client.post(reverse("admin:market_coin_add"), form)
    assert answer.status_code == 200
    assert "id is that of CoinGecko" in answer.content.decode()
    assert not Coin.objects.exists()


def test_nobody_deletes_coins_or_touches_what_the_product_writes(
    root_client: Client, bitcoin: Coin
) -> None:
    put("1h", NOW, "5")
    assert (
        root_client.post(reverse("admin:market_coin_delete", args=["bitcoin"])).status_code == 403
    )
    for model in ("candle", "exchangerate", "article", "feedstate"):
        assert root_client.get(reverse(f"admin:market_{model}_add")).status_code == 403
    key = reverse("admin:market_candle_change", args=[f"bitcoin:1h:{int(NOW.timestamp())}"])
    assert root_client.get(key).status_code == 200
    assert root_client.post(key, {"close": "1"}).status_code == 403


def test_a_moderator_reads_and_changes_nothing(client: Client, mo: User, bitcoin: Coin) -> None:
    client.force_login(mo)
    assert client.get(reverse("admin:market_coin_changelist")).status_code == 200
    assert client.post(changed("bitcoin"), {"category": "X"}).status_code == 403
    assert client.get(reverse("admin:market_coin_add")).status_code == 403


@pytest.mark.parametrize("model", ["coin", "candle", "exchangerate", "article", "feedstate"])
def test_a_list_costs_at_most_ten_queries(
    root_client: Client, model: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        coin = make_coin(f"coin-{number}", rank=number)
        put("1d", NOW.replace(hour=0), "5", coin_id=coin.pk)
        FeedState.objects.create(name=f"feed-{number}")
        ExchangeRate.objects.create(
            id=f"EUR:{number}", currency="EUR", day=NOW.date(), rate=1, source="csv", updated_at=NOW
        )
        article = Article.objects.create(
            id=str(number),
            title=f"T{number}",
            url="https://n.example",
            publisher="P",
            published_at=NOW,
        )
        article.coins.add(coin)
    url = reverse(f"admin:market_{model}_changelist")
    assert root_client.get(url).status_code == 200
    with django_assert_max_num_queries(10):
        assert root_client.get(url, {"q": "coin-1"}).status_code == 200


def test_the_list_of_coins_says_which_prices_are_made_up(root_client: Client) -> None:
    make_coin("bitcoin", rank=1, source="simulated")
    make_coin("ethereum", rank=2, source="coingecko")
    page = root_client.get(reverse("admin:market_coin_changelist")).content.decode()
    assert page.count("simulated (not a real price)") == 1
    assert page.count("(not a real price)") == 1


def test_the_list_of_feeds_leaves_single_coins_out(root_client: Client) -> None:
    for name in ("coingecko", "history:bitcoin", "history:ethereum"):
        FeedState.objects.create(name=name)
    page = root_client.get(reverse("admin:market_feedstate_changelist"))
    assert [state.name for state in page.context["cl"].result_list] == ["coingecko"]
