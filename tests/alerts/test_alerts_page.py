"""The alerts page: finding coins and alerts, changing, copying, many at once, what has fired."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Activity
from alerts import forms, rules, services
from alerts.models import Notification, PriceAlert
from market.models import Coin
from tests.alerts.conftest import after, tick
from tests.conftest import NOW, make_coin

Arm = Callable[..., PriceAlert]
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def ethereum(db: None) -> Coin:
    return make_coin("ethereum", price="4000", at=NOW, rank=2, symbol="eth", name="Ethereum")


def listed(browser: Client, **query: str) -> str:
    return str(browser.get(reverse("alerts:list"), query).content.decode())


def rows(page: str) -> int:
    return page.count('data-alert="')


def create(browser: Client, **changes: Any) -> Any:
    data = {"coin_id": "bitcoin", "condition": "above", "target": "105000",
            "channels": ["in_app"]} | changes  # fmt: skip
    return browser.post(reverse("alerts:create"), data)


# --- Finding a coin -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["bitcoin", "BTC", "Bitcoin", " bitcoin (btc) ", "Bitcoin (BTC)"])
def test_a_coin_is_named_by_id_symbol_or_name(browser: Client, bitcoin: Coin, text: str) -> None:
    assert create(browser, coin_id=text).status_code == 302
    assert PriceAlert.objects.get().coin_id == "bitcoin"


def test_of_coins_that_share_a_symbol_the_best_ranked_is_meant(bitcoin: Coin) -> None:
    copy = make_coin("bitcoin-cheap", price="1", at=NOW, rank=90, symbol="btc", name="Cheap")
    assert forms.find_coin("btc", [bitcoin, copy]) == bitcoin
    assert forms.find_coin("Cheap (BTC)", [bitcoin, copy]) == copy


def test_an_unknown_coin_is_refused_and_what_was_typed_stays(
    browser: Client, bitcoin: Coin
) -> None:
    response = create(browser, coin_id="Bitcorn")
    assert response.status_code == 422
    assert "We do not know that coin." in response.content.decode()
    assert 'value="Bitcorn"' in response.content.decode()


def test_suggestions_have_the_text_and_the_page_does_not_list_all_coins(
    browser: Client, bitcoin: Coin, ethereum: Coin
) -> None:
    found = browser.get(reverse("alerts:coins"), {"coin_id": "eth"}).content.decode()
    assert 'data-coin="ethereum"' in found
    assert "bitcoin" not in found
    assert (
        "No coin matches"
        in browser.get(reverse("alerts:coins"), {"coin_id": "zzz"}).content.decode()
    )
    assert browser.get(reverse("alerts:coins")).content.strip() == b""
    page = listed(browser)
    assert page.count("<option") == 2 + 6 + 0  # directions and cooldowns


# --- The way to the target ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"target": "102660"}, "Fires at +2.66% from now."),
        ({"target": "93610", "condition": "below"}, "Fires at \N{MINUS SIGN}6.39% from now."),
        ({"target": "99000"}, "The price is at or above that already. Choose one above"),
        ({"target": "99000,5"}, ""),
        ({"target": "nonsense", "condition": "sideways"}, ""),
    ],
)
def test_the_form_says_how_far_off_its_target_is(
    browser: Client, bitcoin: Coin, query: dict[str, str], sentence: str
) -> None:
    page = listed(browser, coin="bitcoin", **query)
    (hint,) = re.findall(r"data-alert-hint>(.*?)</p>", page)
    assert sentence in hint
    assert bool(sentence) == bool(hint)


def test_targets_near_the_price_are_proposed_as_links(browser: Client, bitcoin: Coin) -> None:
    page = listed(browser, coin="bitcoin")
    assert "?coin=bitcoin&amp;condition=above&amp;target=105000" in page
    assert "?coin=bitcoin&amp;condition=below&amp;target=90000" in page


@given(price=st.decimals("1e-15", "1e9", allow_nan=False), percent=st.sampled_from(forms.PROPOSED))
def test_a_proposed_target_is_one_that_is_accepted(price: Decimal, percent: int) -> None:
    target = rules.target_at(price=price, percent=percent)
    side = "above" if percent > 0 else "below"
    assert not rules.is_met(side=side, target=target, price=price)
    if price > Decimal("1e-13"):
        assert rules.target_problem(target) == ""


# --- Changing and copying -----------------------------------------------------------------------


def test_an_alert_is_changed_in_the_form_and_stays_the_same_row(browser: Client, arm: Arm) -> None:
    alert = arm("above", "101000")
    url = reverse("alerts:change", args=[alert.pk])
    assert 'value="101000"' in browser.get(url).content.decode()
    form = {"condition": "below", "target": "90000", "channels": ["in_app"], "repeats": "on",
            "cooldown": "900"}  # fmt: skip
    assert browser.post(url, form).status_code == 302
    (changed,) = PriceAlert.objects.all()
    assert changed.pk == alert.pk
    assert (changed.condition, changed.target, changed.repeats) == (
        "below",
        Decimal(90000),
        True,
    )
    assert "Alert changed: Bitcoin falls to or below $90,000.00" in set(
        Activity.objects.values_list("summary", flat=True)
    )


def test_a_changed_alert_fires_at_its_new_target_only(browser: Client, arm: Arm) -> None:
    alert = arm("above", "101000")
    services.change_alert(user=alert.user, alert_id=alert.pk, condition="above",
                          target=Decimal(103000), channels=["in_app"], now=NOW)  # fmt: skip
    tick("102000", 10)
    assert PriceAlert.objects.get().state == "armed"
    tick("103000", 20)
    assert PriceAlert.objects.get().state == "fired"


@pytest.mark.parametrize("target", ["99000", "nonsense", ""])
def test_a_refused_change_keeps_the_alert_and_what_was_typed(
    browser: Client, arm: Arm, target: str
) -> None:
    alert = arm("above", "101000")
    response = browser.post(
        reverse("alerts:change", args=[alert.pk]),
        {"condition": "above", "target": target, "channels": ["in_app"]},
    )
    assert response.status_code == 422
    assert f'value="{target}"' in response.content.decode()
    assert PriceAlert.objects.get().target == 101000


def test_a_paused_alert_is_changed_and_stays_paused(arm: Arm, alice: Any) -> None:
    alert = arm()
    services.pause(user=alice, alert_id=alert.pk, now=NOW)
    services.change_alert(user=alice, alert_id=alert.pk, condition="above",
                          target=Decimal(150000), channels=["in_app"], now=NOW)  # fmt: skip
    assert PriceAlert.objects.get().state == "paused"


def test_nobody_changes_or_copies_somebody_elses(client: Client, bob: Any, arm: Arm) -> None:
    alert = arm("above", "101234")
    client.force_login(bob)
    url = reverse("alerts:change", args=[alert.pk])
    for response in (client.get(url), client.post(url, {"condition": "below", "target": "1"})):
        assert response.status_code == 422
        assert "There is no such alert of yours." in response.content.decode()
    assert "101234" not in listed(client, copy=str(alert.pk))


def test_a_copy_fills_the_form(browser: Client, arm: Arm) -> None:
    alert = arm("below", "90500", repeats=True, cooldown=77)
    page = listed(browser, copy=str(alert.pk))
    assert 'value="90500"' in page
    assert "A copy of an alert of yours" in page
    assert "77 seconds" in page
    assert listed(browser, copy="nonsense", target="x", condition="y")


# --- Finding alerts, many at once ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "number"),
    [({}, 3), ({"q": "BTC"}, 2), ({"q": "ethe"}, 1), ({"state": "paused"}, 1),
     ({"q": "btc", "state": "armed"}, 1), ({"q": "doge"}, 0), ({"state": "nonsense"}, 3)],
)  # fmt: skip
@pytest.mark.usefixtures("ethereum")
def test_alerts_are_found_by_coin_and_state(
    browser: Client, arm: Arm, alice: Any, query: dict[str, str], number: int
) -> None:
    first = arm("above", "101000")
    arm("above", "102000")
    arm("above", "5000", coin_id="ethereum")
    services.pause(user=alice, alert_id=first.pk, now=NOW)
    page = listed(browser, **query)
    assert rows(page) == number
    assert ("No alert of yours is like that." in page) == (number == 0)


def test_pausing_and_resuming_all_leaves_what_would_fire_at_once(
    browser: Client, arm: Arm, bob: Any
) -> None:
    arm("above", "101000")
    arm("above", "150000")
    arm("below", "90000")
    assert browser.post(reverse("alerts:pause-all")).status_code == 302
    assert set(PriceAlert.objects.values_list("state", flat=True)) == {"paused"}
    tick("120000", 10)
    page = browser.post(reverse("alerts:resume-all"), headers=HTMX).content.decode()
    assert "2 alerts armed." in page
    assert "1 stays paused" in page
    assert sorted(PriceAlert.objects.values_list("state", flat=True)) == [
        "armed", "armed", "paused",
    ]  # fmt: skip
    assert Notification.objects.count() == 0


def test_only_what_the_filter_shows_is_paused(browser: Client, arm: Arm, ethereum: Coin) -> None:
    arm("above", "101000")
    arm("above", "5000", coin_id="ethereum")
    browser.post(reverse("alerts:pause-all"), {"q": "eth"})
    assert dict(PriceAlert.objects.values_list("coin_id", "state")) == {
        "bitcoin": "armed", "ethereum": "paused",
    }  # fmt: skip


def test_nobody_elses_alerts_are_paused(client: Client, bob: Any, arm: Arm) -> None:
    alert = arm()
    services.pause_own(user=bob, alert_ids=[alert.pk], now=NOW)
    client.force_login(bob)
    client.post(reverse("alerts:pause-all"))
    assert PriceAlert.objects.get().state == "armed"


def test_two_hundred_alerts_are_paused_and_resumed_in_chunks(arm: Arm, alice: Any) -> None:
    PriceAlert.objects.bulk_create(
        PriceAlert(user=alice, coin_id="bitcoin", condition="above", target=200_000 + number,
                   channels=["in_app"], created_at=NOW, armed_at=NOW)
        for number in range(90)
    )  # fmt: skip
    PriceAlert.objects.bulk_create(
        PriceAlert(user=alice, coin_id="bitcoin", condition="below", target=1 + number,
                   channels=["in_app"], created_at=NOW, armed_at=NOW)
        for number in range(90)
    )  # fmt: skip
    assert services.pause_own(user=alice, now=NOW).changed == 180
    assert services.resume_own(user=alice, now=NOW).changed == 180
    assert services.resume_own(user=alice, now=NOW) == services.BulkResult(changed=0)


# --- What has fired -----------------------------------------------------------------------------


def fired(alice: Any, number: int, at: Any = NOW, **extra: Any) -> list[Notification]:
    made = []
    for each in range(number):
        made += services.notify(
            **{
                "user": alice, "kind": "price_alert", "subject": f"Fired {each:03}", "body": "",
                "channels": ["in_app", "email"], "event_id": uuid.uuid4(), "coin_id": "bitcoin",
                "now": at + timedelta(seconds=each), "url": "/markets/bitcoin/",
            } | extra
        )  # fmt: skip
    return made


def test_the_history_is_paged_without_losing_or_repeating(browser: Client, alice: Any) -> None:
    fired(alice, 50)
    seen: list[str] = []
    url = reverse("alerts:list")
    for _ in range(5):
        page = browser.get(url).content.decode()
        seen += re.findall(r"Fired \d{3}", page)
        older = re.search(r'href="(\?[^"]*cursor=[^"]*)"[^>]*rel="next"', page)
        if older is None:
            break
        url = reverse("alerts:list") + older[1].replace("&amp;", "&")
    assert seen == [f"Fired {number:03}" for number in reversed(range(50))]


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(moments=st.lists(st.integers(0, 4), max_size=25), limit=st.integers(1, 6))
def test_pages_of_moments_never_part_what_happened_together(
    alice: Any, moments: list[int], limit: int
) -> None:
    Notification.objects.all().delete()
    for moment in moments:
        fired(alice, 1, after(moment), channels=["in_app"])
    seen, cursor = [], ""
    for _ in range(len(moments) + 1):
        page = services.bell_page(user=alice, cursor=cursor, limit=limit)
        seen += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == len(moments)


def test_the_history_is_found_by_delivery_and_coin(browser: Client, alice: Any) -> None:
    failed = fired(alice, 1, channels=["email"], subject="Lost")
    Notification.objects.filter(pk=failed[0].pk).update(
        status="failed", error="Mailbox full.", settled_at=NOW
    )
    waiting = fired(alice, 1, channels=["email"], subject="Late")
    Notification.objects.filter(pk=waiting[0].pk).update(
        attempts=2, error="Server away.", due_at=after(90)
    )
    fired(alice, 1, coin_id="ethereum", subject="Other coin")
    page = listed(browser, delivery="failed")
    assert "Lost" in page
    assert "Late" not in page
    assert "Mailbox full." in page
    page = listed(browser, delivery="waiting", fired_coin="bitcoin")
    assert "Late" in page
    assert "Again at 12:01:30." in page
    assert "Lost" not in page
    assert "Other coin" not in page
    assert "Nothing that has fired is like that." in listed(browser, delivery="sent")
    assert listed(browser, delivery="nonsense", cursor="nonsense").count("Lost") == 1


def test_the_history_as_csv_has_a_line_per_channel_and_says_where_prices_come_from(
    browser: Client, alice: Any, arm: Arm, bob: Any
) -> None:
    arm("above", "101000")
    tick("102000", 10)
    fired(alice, 1, subject="=cmd()")
    fired(bob, 1, subject="Bob's")
    response: Any = browser.get(reverse("alerts:history-csv"))
    text = b"".join(response.streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 3
    assert {line["prices"] for line in lines} == {"simulated"}
    assert "'=cmd()" in {line["what"] for line in lines}
    assert "Bob's" not in text


# --- The bell -----------------------------------------------------------------------------------


def test_the_bell_shows_the_unread_ones_alone_and_one_is_marked(
    browser: Client, alice: Any
) -> None:
    first, second = fired(alice, 2, channels=["in_app"])
    browser.post(reverse("alerts:bell-read"), {"id": str(first.pk), "show": "unread"})
    page = browser.get(reverse("alerts:bell"), {"show": "unread"}).content.decode()
    assert second.subject in page
    assert first.subject not in page
    browser.post(reverse("alerts:bell-read"))
    page = browser.get(reverse("alerts:bell"), {"show": "unread"}).content.decode()
    assert "You have seen everything." in page
