"""The administrator's portal: figures, feeds, schedules, and adding and removing coins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import Settings

from accounts.models import Activity, User
from cryptopulse.celery import app as celery
from cryptopulse.portals.administration import schedules
from market.models import Coin, FeedState, PriceOrigin
from tests.conftest import make_coin

from .conftest import logged_in, make_trade

pytestmark = pytest.mark.django_db

URL = "portals:admin"
NAMES = ("good", "late", "off", "new")


def portal_of(user: User, **query: str) -> Any:
    page = logged_in(user).get(reverse(URL), query)
    assert page.status_code == 200
    return page


def test_an_empty_system_is_told_in_sentences(root: User) -> None:
    text = portal_of(root).content.decode()
    for sentence in ("No feed has run yet", "No coin is tracked", "Nothing waits"):
        assert sentence in text


def test_it_counts_people_and_trades(root: User, alice: User, ana: User, bitcoin: Coin) -> None:
    now = timezone.now()
    make_trade(alice, bitcoin, at=now - timedelta(hours=1), amount="1234.50")
    make_trade(alice, bitcoin, at=now - timedelta(days=3))
    page = portal_of(root)
    assert page.context["counts"] == {"user": 1, "admin": 1, "analyst": 1, "moderator": 0}
    assert page.context["trades"].trades == 1
    assert "1 admin " in page.content.decode()


def test_a_feed_in_trouble_is_named_with_its_error(root: User) -> None:
    now = timezone.now()
    FeedState.objects.create(name="coingecko", last_error="HTTP 429 <script>", last_error_at=now,
                             failures=3, open_until=now + timedelta(minutes=1),
                             calls_this_month=321)  # fmt: skip
    FeedState.objects.create(name="coingecko:rates", last_success_at=now)
    FeedState.objects.create(name="kraken", is_misconfigured=True)
    text = portal_of(root).content.decode()
    assert "HTTP 429 &lt;script&gt;" in text
    for word in ("Resting", "Healthy", "Set up wrong", "321"):
        assert word in text


def test_a_job_that_missed_several_runs_is_late() -> None:
    now = timezone.now()
    every = IntervalSchedule.objects.create(every=1, period="minutes")
    for name, ago, enabled in (("good", 1, True), ("late", 30, True), ("off", 30, False)):
        PeriodicTask.objects.create(name=name, task="x", interval=every, enabled=enabled,
                                    last_run_at=now - timedelta(minutes=ago))  # fmt: skip
    PeriodicTask.objects.create(name="new", task="x", interval=every)
    late = {job.name: job.is_late for job in schedules(now=now) if job.name in NAMES}
    assert late == {"good": False, "late": True, "off": False, "new": False}


@pytest.mark.parametrize(("seconds", "is_late"), [(12, False), (25, False), (27, True)])
def test_runs_may_be_written_down_some_seconds_late(seconds: int, is_late: bool) -> None:
    now = timezone.now()
    every = IntervalSchedule.objects.create(every=2, period="seconds")
    PeriodicTask.objects.create(name="good", task="x", interval=every,
                                last_run_at=now - timedelta(seconds=seconds))  # fmt: skip
    assert [job.is_late for job in schedules(now=now) if job.name == "good"] == [is_late]


def test_simulated_prices_do_not_list_the_feed_that_was_asked_once(root: User) -> None:
    PriceOrigin.objects.create(pk=1, origin="simulated")
    for name in ("coingecko", "coingecko:rates", "simulated", "news:n.example"):
        FeedState.objects.create(name=name)
    listed = [state.name for state in portal_of(root).context["feeds"]]
    assert listed == ["news:n.example", "simulated"]


def test_a_feed_that_the_settings_name_is_listed_always(root: User, settings: Settings) -> None:
    PriceOrigin.objects.create(pk=1, origin="simulated")
    settings.MARKET_FEEDS = ["coingecko"]
    FeedState.objects.create(name="coingecko", last_error="These prices are not simulated.")
    assert [state.name for state in portal_of(root).context["feeds"]] == ["coingecko"]


def test_a_coin_is_found_and_added_and_noted(root: User) -> None:
    Coin.objects.create(id="dogwifcoin", symbol="wif", name="dogwifhat", tracked=False)
    page = portal_of(root, find="dogwif")
    assert [entry.coin_id for entry in page.context["found"]] == ["dogwifcoin"]
    answer = logged_in(root).post(
        reverse("portals:coin-add"), {"coin_id": "dogwifcoin"}, follow=True
    )
    assert "dogwifhat is tracked now." in answer.content.decode()
    assert Coin.objects.get(pk="dogwifcoin").tracked
    assert Activity.objects.get(kind="coin_added").user == root


def test_a_tracked_coin_is_not_offered_again(root: User, bitcoin: Coin) -> None:
    found = portal_of(root, find="bitcoin").context["found"]
    assert "bitcoin-cash" in [entry.coin_id for entry in found]
    assert "bitcoin" not in [entry.coin_id for entry in found]


def test_a_coin_is_removed_and_its_holders_keep_it(root: User) -> None:
    make_coin("ethereum", rank=2)
    answer = logged_in(root).post(
        reverse("portals:coin-remove"), {"coin_id": "ethereum"}, follow=True
    )
    assert "is not tracked any more" in answer.content.decode()
    assert not Coin.objects.get(pk="ethereum").tracked
    assert Activity.objects.get(kind="coin_removed").user == root


@pytest.mark.parametrize("action", ["coin-add", "coin-remove"])
@pytest.mark.parametrize("coin_id", ["", "no-such-coin", "a b", "\0", "x" * 500])
def test_an_unknown_coin_is_refused_in_a_sentence(root: User, action: str, coin_id: str) -> None:
    answer = logged_in(root).post(reverse(f"portals:{action}"), {"coin_id": coin_id}, follow=True)
    assert answer.status_code == 200
    assert 'class="message is-error"' in answer.content.decode()
    assert Coin.objects.count() == 0


@pytest.mark.parametrize("action", ["coin-add", "coin-remove"])
def test_a_link_changes_nothing(root: User, bitcoin: Coin, action: str) -> None:
    answer = logged_in(root).get(reverse(f"portals:{action}"), {"coin_id": "bitcoin"})
    assert answer.status_code == 405


def test_the_feed_is_asked_by_a_worker_and_not_by_the_page(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(celery, "send_task", lambda name, args, **_: sent.append((name, args)))
    answer = logged_in(root).post(reverse("portals:coin-find"), {"find": " pepe\0 & co "})
    assert sent == [("market.tasks.find_coins", ["pepe & co"])]
    assert answer.headers["Location"] == "/portal/admin/?find=pepe+%26+co#coins"
    celery.loader.import_default_modules()
    assert "market.tasks.find_coins" in celery.tasks


def test_a_broker_that_is_away_is_a_sentence(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(celery, "send_task", away)
    answer = logged_in(root).post(reverse("portals:coin-find"), {"find": "pepe"}, follow=True)
    assert "no worker can be reached" in answer.content.decode()


def test_looking_for_nothing_is_a_sentence(root: User) -> None:
    answer = logged_in(root).post(reverse("portals:coin-find"), {"find": " "}, follow=True)
    assert "Type a name or a symbol" in answer.content.decode()
