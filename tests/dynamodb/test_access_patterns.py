"""What each operation of the product asks of DynamoDB, through its real door.

The tables are the product's own, with their shards and indexes, and nothing is wrapped around a
test, so that what commits in production commits here. A number may fall; where one grows, say why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.roles import Role
from alerts import services as alerts
from alerts.models import PriceAlert
from cryptopulse.dynamodb.metering import Capture, assert_requests, capture_requests
from cryptopulse.dynamodb.store import Store
from cryptopulse.dynamodb_tables import INDEX_SHARDS, SHARDS, TABLES
from cryptopulse.portals import growth
from market import services as market
from market.models import Article, Candle, Coin
from market.quotes import Quote
from portfolio import services as portfolio
from tests.conftest import PASSWORD, confirm, make_person
from tests.portals.conftest import logged_in

from .conftest import default_database

SPARKLINE_POINTS = 56  # what a feed stores

#: What any page of a member asks: who they are, the bell, the band of prices.
MEMBER = Counter({"django_session": 1, "accounts_user": 1})
BELL = Counter({"alerts_notification": 1, "cryptopulse_announcement": 1})  # the latter: 5 s
TAPE = Counter({"market_coin": 1})  # at most every three seconds

PAGES: dict[str, list[str]] = {
    "market:list": [],
    "market:coin": ["coin-1"],
    "market:watchlist": [],
    "market:news": [],
    "portfolio:overview": [],
    "alerts:list": [],
    "alerts:bell": [],
}

_numbers = count(1)


@pytest.fixture(scope="module")
def database(dynoxide: str, django_db_blocker: DjangoDbBlocker) -> dict[str, Any]:
    """Return an entry of DATABASES with the product's tables, empty but for what migrations add."""
    config = {
        "ENGINE": "cryptopulse.dynamodb",
        "NAME": "product",
        "HOST": "us-east-1",
        "OPTIONS": {"endpoint": dynoxide, "catalogue_ttl": 0, "TABLES": TABLES, "scans": "forbid"},
    }
    with django_db_blocker.unblock(), default_database(config):
        # After other tests of the process there are no migrations (--nomigrations).
        call_command("migrate", run_syncdb=True, verbosity=0)
    return config


@pytest.fixture(autouse=True)
def _product(database: dict[str, Any], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), default_database(database):
        list_coins(10)
        yield


@pytest.fixture
def alice() -> User:
    return member("alice")


@pytest.fixture
def root() -> User:
    return member("root", Role.ADMIN)


@pytest.fixture
def page(alice: User) -> Client:
    return logged_in(alice)


def member(name: str, role: Role = Role.USER) -> User:
    """Create a person; the rows of other tests stay, so that no name is given twice."""
    return confirm(make_person(f"{name}{next(_numbers)}", role))


def list_coins(number: int) -> None:
    """Have just so many coins listed, with fresh prices."""
    now = timezone.now()
    coins = [
        Coin(
            id=f"coin-{rank}",
            symbol=f"c{rank}",
            name=f"Coin {rank}",
            rank=rank,
            tracked=True,
            source="simulated",
            quantity_step=Decimal("0.00000001"),
            last_price=Decimal(100),
            price_at=now,
            tick_low=Decimal(100),
            tick_high=Decimal(100),
            tick_since=now,
            market_cap=Decimal(10**12 // rank),
            change_24h=Decimal(rank % 7 - 3),
            sparkline=[100.123 + point for point in range(SPARKLINE_POINTS)],
        )
        for rank in range(1, number + 1)
    ]
    updated = [field.name for field in Coin._meta.concrete_fields if not field.primary_key]
    for first in range(0, number, 90):
        Coin.objects.bulk_create(
            coins[first : first + 90],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=updated,
        )
    listed = Coin.objects.filter(tracked=True).values_list("pk", flat=True)
    others = sorted(set(listed) - {coin.pk for coin in coins})
    for first in range(0, len(others), 90):
        Coin.objects.filter(pk__in=others[first : first + 90]).update(tracked=False)


def add_hours(coin_id: str, hours: int = 30) -> None:
    """Give a coin the hourly candles that a database has after two hours."""
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=back) for back in range(hours)]
    Candle.objects.bulk_create(
        [
            Candle(
                id=Candle.key(coin_id, "1h", start),
                coin_id=coin_id,
                resolution="1h",
                start=start,
                open=Decimal(100),
                high=Decimal(100),
                low=Decimal(100),
                close=Decimal(100),
                open_at=start,
                close_at=start,
                source="simulated",
                expires_at=start + timedelta(days=90),
            )
            for start in starts
        ],
        ignore_conflicts=True,
    )


def trade(user: User, side: str = "buy", amount: str = "100") -> None:
    portfolio.place_order(
        user=user,
        side=side,
        coin_id="coin-3",
        amount=Decimal(amount),
        client_order_id=f"order-{next(_numbers)}",
        now=timezone.now(),
    )


def arm(user: User, target: str = "100000", coin_id: str = "coin-3") -> None:
    alerts.create_alert(
        user=user,
        coin_id=coin_id,
        condition="above",
        target=Decimal(target),
        channels=["in_app"],
        now=timezone.now(),
    )


def asked(capture: Capture) -> Counter[str]:
    """Count requests by table; one of several tables is a transaction."""
    return Counter(
        request.operation if "," in request.table else request.table for request in capture.requests
    )


def visited(client: Client, url: str) -> Counter[str]:
    """Return what a visit asks, the first one and what it stores or caches apart."""
    client.get(url)
    cache.clear()
    with capture_requests() as capture:
        assert client.get(url).status_code == 200
    assert capture.scans == []
    return asked(capture)


# --- Coming and going -----------------------------------------------------------------------


@pytest.mark.parametrize("login", ["username", "email"])
def test_logging_in(login: str, alice: User) -> None:
    client, given = Client(), {"login": getattr(alice, login), "password": PASSWORD}
    with assert_requests(at_most=15) as capture:
        assert client.post(reverse("account_login"), given).status_code == 302
    assert asked(capture) == {
        # By name: whether it is an address, and whether theirs is confirmed. By address: whose
        # it is, and that address again, by its unique key and then its row.
        "account_emailaddress": 2 if login == "username" else 3,
        # The name's look-up takes two, after one for an address that there is not; `last_login`
        # takes a read and a write.
        "accounts_user": 5 if login == "username" else 3,
        "mfa_authenticator": 1,
        "accounts_activity": 1,
        "accounts_opensession": 2,  # the list of sessions: looked for, and written
        "django_session": 4,  # made, and saved again when allauth has noted how
    }
    assert (asked(capture) - Counter(django_session=4)).total() <= 14


def test_a_refused_log_in_reads_no_table_whole(alice: User) -> None:
    given = {"login": alice.username, "password": "guessed"}
    with assert_requests(at_most=9):  # its page asks for announcements and the tape
        Client().post(reverse("account_login"), given)


def test_logging_out(page: Client) -> None:
    # The session is looked for thrice; it also leaves the list of sessions.
    with assert_requests(GetItem=5, PutItem=1, DeleteItem=2):
        page.post(reverse("account_logout"))


def test_saving_a_session(page: Client) -> None:
    session = page.session
    session["theme"] = "dark"
    with assert_requests(GetItem=1, PutItem=1):
        session.save()


# --- A member's pages -----------------------------------------------------------------------


def test_the_dashboard_asks_the_same_of_five_coins_and_of_three_hundred(
    alice: User, page: Client
) -> None:
    add_hours("coin-1")
    trade(alice)
    arm(alice)
    counts = []
    for number in (5, 300):
        list_coins(number)
        counts.append(visited(page, reverse("portals:dashboard")))
    assert counts[0] == counts[1]
    assert counts[0] == MEMBER + BELL + Counter(
        {
            "market_coin": 1,  # for the list, the tape, the forms, the alerts and the value
            # Those to switch between, by an index that may be behind, and the one that is shown,
            # with its cash and what it holds as they are now.
            "portfolio_portfolio": 2,
            "portfolio_equitypoint": 1,  # the values of a week
            "portfolio_holding": 1,
            "market_candle": 1,
            "market_watchlistitem": 1,
            "alerts_pricealert": 1,
            "accounts_activity": 1,
            "market_article": 1,
            "account_emailaddress": 1,
        }
    )
    assert (counts[0] - MEMBER - BELL).total() == 11


def test_a_page_of_own_transactions(alice: User, page: Client) -> None:
    trade(alice)
    # The names of the coins are one batch; what is still being imported is left out.
    with assert_requests(Query=2, GetItem=1):
        assert len(portfolio.own_transactions(user=alice).rows) == 1
    assert visited(page, reverse("portfolio:transactions")) == MEMBER + BELL + TAPE + Counter(
        {"portfolio_transaction": 1, "market_coin": 1, "portfolio_portfolio": 1}
    )


def test_the_pages_of_a_member(alice: User, page: Client) -> None:
    add_hours("coin-1")
    trade(alice)
    arm(alice)
    shown = {
        name: dict(visited(page, reverse(name, args=args)) - MEMBER) for name, args in PAGES.items()
    }
    assert shown == {
        "market:list": BELL + TAPE + Counter({"market_coin": 1, "market_watchlistitem": 1}),
        "market:coin": BELL
        + Counter(
            {
                "market_coin": 1,  # for the page, the tape and the forms
                "market_candle": 5,  # the chart; minutes, hours, days and the first day
                "market_watchlistitem": 1,
                "portfolio_portfolio": 1,
                "portfolio_holding": 1,
                "alerts_pricealert": 1,  # own ones on the coin
                "market_article_coins": 1,
                "account_emailaddress": 1,
            }
        ),
        # The second read of the coins is for those that an empty list offers.
        "market:watchlist": BELL + TAPE + TAPE + Counter({"market_watchlistitem": 1}),
        "market:news": BELL + TAPE + Counter({"market_article": 2}),  # and whose, each 5 minutes
        "portfolio:overview": BELL
        + TAPE
        + Counter(
            {
                "portfolio_portfolio": 2,  # the switch, and the one that is shown
                "portfolio_holding": 1,
                "portfolio_transaction": 1,
                "portfolio_equitypoint": 1,
                "market_candle": 3,  # bitcoin's: two for the price of the start, one for the line
                "market_coin": 3,  # all for what is held and the form, what was traded, bitcoin
            }
        ),
        "alerts:list": BELL
        + TAPE
        + Counter(
            {
                "alerts_pricealert": 1,
                "alerts_notification": 1,  # the history
                "market_coin": 1,  # all, for the form and the alerts
                "account_emailaddress": 1,
            }
        ),
        "alerts:bell": BELL + TAPE + Counter({"alerts_notification": 1}),
    }


# --- Operations -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_trade_is_four_reads_and_one_transaction(side: str, alice: User) -> None:
    trade(alice)
    with assert_requests(GetItem=5, TransactWriteItems=1) as capture:
        trade(alice, side, "10")
    assert asked(capture) == {
        "accounts_user": 1,
        "portfolio_portfolio": 1,
        "portfolio_transaction": 1,
        "portfolio_holding": 1,
        "market_coin": 1,
        "TransactWriteItems": 1,
    }


def test_a_preview_writes_nothing(alice: User) -> None:
    trade(alice)
    with assert_requests(GetItem=3):
        portfolio.preview(
            user=alice, side="buy", coin_id="coin-3", amount=Decimal(100), now=timezone.now()
        )


def test_creating_an_alert(alice: User) -> None:
    with assert_requests(GetItem=3, Query=1, BatchGetItem=1, TransactWriteItems=1) as capture:
        arm(alice)
    assert asked(capture) == {
        "accounts_user": 1,
        "alerts_alertedcoin": 1,  # whether it is known that the coin has alerts
        # The coin is read again after the commit, for a price that came meanwhile: locking it
        # instead would make every creation conflict with ticks.
        "market_coin": 2,
        "alerts_pricealert": 1,
        "TransactWriteItems": 1,
    }


# --- The analyst's pages --------------------------------------------------------------------


def test_the_screener_asks_the_same_of_five_coins_and_of_three_hundred() -> None:
    """Days are read once a day, a Query per coin; then figures come from the cache."""
    client = logged_in(member("ana", Role.ANALYST))
    url = reverse("portals:screener")
    counts = []
    for number in (5, 300):
        list_coins(number)
        cache.clear()
        client.get(url)
        with capture_requests() as capture:
            assert client.get(url).status_code == 200
        assert capture.scans == []
        counts.append(asked(capture) - MEMBER - BELL)
    assert counts[0] == counts[1]
    assert counts[0]["market_coin"] == counts[0]["market_screen"] == 1
    assert counts[0]["market_candle"] == 0


def test_the_days_of_some_coins_are_a_query_for_each() -> None:
    list_coins(10)
    with capture_requests() as capture:
        market.daily(coin_ids=[f"coin-{rank}" for rank in range(1, 9)], now=timezone.now())
    assert asked(capture) == {"market_candle": 8}
    assert capture.scans == []


# --- Background -----------------------------------------------------------------------------


def tick(price: str, now: datetime) -> Capture:
    quotes = [
        Quote(coin_id=f"coin-{number}", price=Decimal(price), price_at=now, source="simulated")
        for number in range(1, 101)
    ]
    with capture_requests() as capture:
        market.ingest(quotes=quotes, now=now)
    return capture


def test_a_tick_of_a_hundred_coins_that_crosses_nothing(alice: User) -> None:
    list_coins(100)
    arm(alice)
    moment = timezone.now()
    tick("101", moment)
    # Within the same minute: a new one begins a candle and ends another.
    capture = tick("102", moment + timedelta(microseconds=1))
    assert capture.scans == []
    chunks = 6  # of 19 coins: five actions each, and the check of the origin
    assert asked(capture) == {
        "market_priceorigin": chunks,
        # The coins of each chunk; those that moved, and again those of them that have alerts; that
        # they were evaluated: a read, a write.
        "market_coin": chunks + 4,
        "market_candle": chunks,
        "TransactWriteItems": chunks,
        "alerts_alertedcoin": 1,
        "alerts_pricealert": 4,  # of the one coin that has an alert
    }
    probes = [one for one in capture.requests if one.table == "alerts_pricealert"]
    assert {one.operation for one in probes} == {"Query"}
    # One alert waits, above; each Query asks for one.
    assert sum(one.items for one in probes) <= 1
    writes = [one for one in capture.requests if one.operation == "TransactWriteItems"]
    assert len(writes) == chunks + 1
    assert sum(one.items for one in writes) == 100 * (1 + 4) + 100  # coins, candles; evaluated


def test_a_tick_probes_the_coins_that_have_alerts_side_by_side(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []
    each = Store.each

    def watched(store: Store, calls: Sequence[Any]) -> list[Any]:
        together.append(len(calls))
        return each(store, calls)

    list_coins(100)
    for number in range(1, 31):
        arm(alice, coin_id=f"coin-{number}")
    moment = timezone.now()
    tick("101", moment)
    monkeypatch.setattr(Store, "each", watched)
    asks = asked(tick("102", moment + timedelta(microseconds=1)))
    assert asks["alerts_pricealert"] == 4 * 30
    assert asks["alerts_alertedcoin"] == 1
    assert sum(number for number in together if number >= 5) >= 3 * 30


def test_firing_alerts_is_two_requests_for_a_chunk(alice: User) -> None:
    """A batch that reads them, and the transaction: 33 alerts, and a row for each channel."""
    list_coins(1)
    now = timezone.now()
    PriceAlert.objects.bulk_create(
        [
            PriceAlert(
                user=alice,
                coin_id="coin-1",
                condition="above",
                target=Decimal(200 + number),
                channels=["in_app", "email"],
                armed_at=now - timedelta(minutes=1),
            )
            for number in range(99)
        ]
    )
    quote = Quote(coin_id="coin-1", price=Decimal(1000), price_at=now, source="simulated")
    with capture_requests() as capture:
        market.ingest(quotes=[quote], now=now)
    assert capture.scans == []
    assert Counter(one.operation for one in capture.requests if "alerts_" in one.table) == {
        "Query": 1 + 4 + 1,  # which coins have alerts, the probe, what is crossed
        "BatchGetItem": 3,
        "TransactWriteItems": 3,
    }
    assert PriceAlert.objects.filter(user=alice, state="fired").count() == 99


def test_an_outbox_with_nothing_due() -> None:
    alerts.deliver_due(now=timezone.now())
    with assert_requests(Query=SHARDS):
        alerts.deliver_due(now=timezone.now())


# --- Staff ----------------------------------------------------------------------------------


ARTICLES = 3

#: Table of a list -> its requests, and besides one batch for each table that its rows refer to.
ADMIN_LISTS = {
    "accounts_user": (1, {}),
    "accounts_invitation": (1, {}),
    "accounts_note": (1, {}),
    "accounts_opensession": (SHARDS, {"accounts_user": 1}),
    "market_coin": (2, {}),  # small: the rows, and the categories to filter by
    "market_candle": (SHARDS, {}),
    "market_exchangerate": (2, {}),  # small: the rows, and the currencies to filter by
    # Tags are found by headline, and each headline is a partition of that index: a Query each,
    # side by side.
    "market_article": (1, {"market_article_coins": ARTICLES, "market_coin": 1}),
    "market_feedstate": (1, {}),
    "portfolio_portfolio": (1, {"accounts_user": 1}),
    "portfolio_holding": (1, {"portfolio_portfolio": 1, "accounts_user": 1, "market_coin": 1}),
    "portfolio_transaction": (INDEX_SHARDS, {"accounts_user": 1, "market_coin": 1}),
    "alerts_pricealert": (1, {"accounts_user": 1, "market_coin": 1}),
    "alerts_notification": (INDEX_SHARDS, {"accounts_user": 1}),
    "alerts_deliveryattempt": (SHARDS, {"alerts_notification": 1}),
}


def test_the_admins_lists(alice: User, root: User) -> None:
    """One read, one for each shard of a table or index that is spread; never a count."""
    for user in (alice, member("bob")):
        trade(user)
        arm(user)
    for number in range(ARTICLES):
        article = Article.objects.create(
            id=f"article-{number}",
            title="A",
            url="https://example.com",
            published_at=timezone.now(),
        )
        article.coins.add(*Coin.objects.filter(pk__in=["coin-1", "coin-2"]))
    alerts.deliver_due(now=timezone.now())
    client = logged_in(root)
    shown = {table: visited(client, url) - MEMBER for table, url in admin_lists(root).items()}
    assert shown == {
        table: Counter({table: own}) + Counter(related)
        for table, (own, related) in ADMIN_LISTS.items()
    }


def admin_lists(person: User) -> dict[str, str]:
    """Return the addresses of the lists of our own models that this person may see."""
    metas = [model._meta for model in admin.site._registry]
    return {
        meta.db_table: reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        for meta in metas
        if meta.app_label in {"accounts", "alerts", "market", "portfolio"}
        and person.has_perm(f"{meta.app_label}.view_{meta.model_name}")
    }


def test_what_moderators_watch(alice: User) -> None:
    trade(alice)
    client = logged_in(member("mo", Role.MODERATOR))
    assert visited(client, reverse("portfolio:all-transactions")) == MEMBER + BELL + TAPE + Counter(
        {"portfolio_transaction": INDEX_SHARDS, "accounts_user": 1, "market_coin": 1}
    )
    client.get(reverse("accounts:activity"))
    cache.clear()
    with capture_requests() as capture:
        client.get(reverse("accounts:activity"))
    asks = asked(capture) - MEMBER - BELL - TAPE
    assert asks.pop("accounts_user") <= 2, str(capture)  # who did it, and to whom
    # The map of hours: a week of keys, a hundred in a request.
    assert asks == {"accounts_activity": SHARDS, "accounts_activityhour": 2}


def test_the_statistics_count_three_tables_by_reading_them(root: User) -> None:
    """A count costs what reading costs; each says why it does (`reading_all`)."""
    client = logged_in(root)
    client.get(reverse("portals:statistics"))
    cache.clear()
    with capture_requests() as capture:
        client.get(reverse("portals:statistics"))
    counted = ["accounts_user", "alerts_pricealert", "portfolio_portfolio"]
    assert sorted(scan.table for scan in capture.scans) == counted
    assert not any(scan.is_reported for scan in capture.scans)
    assert asked(capture) - MEMBER - BELL - TAPE == Counter(
        {
            **dict.fromkeys(counted, 1),
            "portfolio_transaction": 2 * INDEX_SHARDS,
            "cryptopulse_dailyfigure": 4,  # a range of days of each figure
            "alerts_notification": SHARDS,
            "alerts_deliveryattempt": SHARDS,
            "market_coin": 2,
            "market_priceorigin": 1,
            "market_feedstate": 1,
        }
    )


def test_what_the_admins_page_asks_again_by_itself_reads_no_table_whole(root: User) -> None:
    asks = visited(logged_in(root), reverse("portals:admin-health")) - MEMBER
    assert asks == Counter(
        {
            "alerts_notification": SHARDS,
            "alerts_deliveryattempt": SHARDS,
            "django_celery_beat_periodictask": 1,
            "django_celery_beat_intervalschedule": 1,
            "market_feedstate": 1,
            "cryptopulse_fault": 1,
        }
    )


def test_counting_a_day_reads_ranges_of_indexes(alice: User) -> None:
    trade(alice)
    arm(alice)
    growth.count_days(now=timezone.now())
    with capture_requests() as capture:
        growth.count_days(now=timezone.now())
    assert capture.scans == []
    reads = asked(capture)
    assert reads["portfolio_transaction"] == INDEX_SHARDS
    assert reads["accounts_activity"] == 2 * INDEX_SHARDS
    assert reads["alerts_notification"] == INDEX_SHARDS
    assert sum(reads.values()) <= 4 * INDEX_SHARDS + 12, str(capture)
