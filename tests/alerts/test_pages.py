"""The pages: with and without htmx, refusals at their field, nobody else's business."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Activity
from alerts import services
from alerts.models import Channel, Notification, PriceAlert
from market.models import Coin
from tests.alerts.conftest import tick
from tests.alerts.test_channels import verify
from tests.conftest import NOW

Arm = Callable[..., PriceAlert]
HTMX = {"HX-Request": "true"}
FORM = {"coin_id": "bitcoin", "condition": "above", "target": "101000", "channels": ["in_app"]}
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def create(browser: Client, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    data = {name: value for name, value in (FORM | changes).items() if value is not None}
    return browser.post(reverse("alerts:create"), data, headers=headers)


def test_a_form_creates_an_alert_and_leads_to_the_list(browser: Client, bitcoin: Coin) -> None:
    response = create(browser)
    assert response.status_code == 302
    assert response["Location"] == reverse("alerts:list")
    alert = PriceAlert.objects.get()
    assert (alert.target, alert.condition, alert.state) == (Decimal(101000), "above", "armed")
    assert alert.channels == ["in_app"]
    page = browser.get(reverse("alerts:list")).content.decode()
    assert "Alert created: Bitcoin rises to or above $101,000.00." in page
    assert 'data-alert-target="101000"' in page
    assert "$101,000.00" in page


@pytest.mark.parametrize(("cooldown", "seconds"), [(None, 3600), ("3600", 3600), ("900", 900)])
def test_a_repeating_alert_from_the_form(
    browser: Client, bitcoin: Coin, cooldown: str | None, seconds: int
) -> None:
    assert create(browser, repeats="on", cooldown=cooldown).status_code == 302
    alert = PriceAlert.objects.get()
    assert (alert.repeats, alert.cooldown) == (True, seconds)


def test_htmx_gets_the_page_with_the_new_alert(browser: Client, bitcoin: Coin) -> None:
    response = create(browser, HTMX, view="page")
    assert response.status_code == 200
    page = response.content.decode()
    assert 'id="alerts-page"' in page
    assert "<html" not in page
    assert "is-new" in page


def test_htmx_on_another_page_gets_the_panel_alone(browser: Client, bitcoin: Coin) -> None:
    page = create(browser, HTMX, view="panel").content.decode()
    assert 'id="alert-panel"' in page
    assert "Alert created" in page
    assert "alerts-page" not in page


def test_a_form_on_another_page_leads_back_to_it(browser: Client, bitcoin: Coin) -> None:
    assert create(browser, next="/markets/bitcoin/")["Location"] == "/markets/bitcoin/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:x"])
def test_a_form_never_leads_to_somebody_elses_page(
    browser: Client, bitcoin: Coin, elsewhere: str
) -> None:
    assert create(browser, next=elsewhere)["Location"] == reverse("alerts:list")


@pytest.mark.parametrize("headers", [None, HTMX])
@pytest.mark.parametrize("view", ["page", "panel"])
def test_a_refusal_says_why_at_the_field_and_keeps_what_was_typed(
    browser: Client, bitcoin: Coin, headers: dict[str, str] | None, view: str
) -> None:
    response = create(browser, headers, target="99,999.50", view=view)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Bitcoin is at or above that price already: it is $100,000.00." in page
    assert 'value="99,999.50"' in page
    assert 'aria-invalid="true"' in page
    assert not PriceAlert.objects.exists()


NONSENSE = [
    "", " ", "abc", "-1", "0", "1e5", "NaN", "Infinity", "-Infinity", "1,5", "1.2.3", "$", ".", ",",
    "\u0661\u0660\u0660\u0660\u0660\u0660", "1" * 40,
    "9" * 4000, "0x10", "100000\x00", "\uff11\uff10\uff10", "1e999999999", "<script>", "💰",
    "0." + "0" * 30 + "1", "123456.1234567890123",
]  # fmt: skip


@pytest.mark.parametrize("target", NONSENSE)
def test_what_is_no_price_is_refused_with_a_sentence(
    browser: Client, bitcoin: Coin, target: str
) -> None:
    response = create(browser, target=target)
    assert response.status_code == 422
    assert "alert-error" in response.content.decode()
    assert not PriceAlert.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"coin_id": None}, {"coin_id": "no-such-coin"}, {"coin_id": ["bitcoin", "ethereum"]},
        {"coin_id": "x" * 500}, {"coin_id": "bit\x00coin"}, {"condition": None},
        {"condition": "sideways"}, {"channels": None}, {"channels": ["pigeon"]},
        {"channels": ["email"]}, {"channels": ["sms"]}, {"channels": ["sns"]},
        {"cooldown": "soon"}, {"cooldown": "-1"}, {"cooldown": "1e9"}, {"target": None},
    ],
)  # fmt: skip
def test_no_form_however_wrong_is_more_than_a_refusal(
    browser: Client, bitcoin: Coin, changes: dict[str, Any]
) -> None:
    response = create(browser, **changes)
    assert response.status_code == 422, response.content.decode()[:500]
    assert not PriceAlert.objects.exists()


def test_an_empty_post_is_a_refusal(browser: Client, bitcoin: Coin) -> None:
    assert browser.post(reverse("alerts:create")).status_code == 422


def test_the_list_shows_the_distance_and_the_state(browser: Client, arm: Arm) -> None:
    arm("above", "102500")
    arm("below", "50000", repeats=True, cooldown=900)
    page = browser.get(reverse("alerts:list")).content.decode()
    assert "2.50% up" in page
    assert "50.00% down" in page
    assert "again, at most every 15 minutes" in page
    assert page.count("data-alert-coin=") == 2


def test_the_list_shows_what_fired_and_what_became_of_it(browser: Client, arm: Arm) -> None:
    arm("above", "101000")
    tick("101500", 60)
    page = browser.get(reverse("alerts:list")).content.decode()
    assert "Bitcoin rose to $101,500.00" in page
    assert "In app: pending" in page
    assert "Arm again" in page


def test_the_list_costs_the_same_with_many_alerts(
    browser: Client, arm: Arm, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        arm("above", str(101000 + number))
    browser.get(reverse("alerts:list"))
    with django_assert_max_num_queries(14):
        browser.get(reverse("alerts:list"))


def test_pause_resume_and_delete(browser: Client, arm: Arm) -> None:
    alert = arm()
    for action, state in (("pause", "paused"), ("resume", "armed")):
        response = browser.post(reverse(f"alerts:{action}", args=[alert.pk]))
        assert response.status_code == 302
        alert.refresh_from_db()
        assert alert.state == state
    assert browser.post(reverse("alerts:delete", args=[alert.pk])).status_code == 302
    assert not PriceAlert.objects.exists()
    acts = Activity.objects.filter(kind__startswith="alert_")
    kinds = acts.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["alert_created", "alert_changed", "alert_changed", "alert_deleted"]


def test_resuming_what_is_met_already_is_refused_at_the_alert(
    browser: Client, arm: Arm, alice: Any
) -> None:
    alert = arm("above", "101000")
    services.pause(user=alice, alert_id=alert.pk, now=NOW)
    tick("102000", 60)
    for headers in (None, HTMX):
        response = browser.post(reverse("alerts:resume", args=[alert.pk]), headers=headers)
        assert response.status_code == 422
        assert "Bitcoin is at or above that price already" in response.content.decode()


@pytest.mark.parametrize("action", ["pause", "resume", "delete"])
def test_somebody_elses_alert_is_out_of_reach(
    client: Client, bob: Any, arm: Arm, action: str
) -> None:
    alert = arm()
    client.force_login(bob)
    response = client.post(reverse(f"alerts:{action}", args=[alert.pk]))
    assert response.status_code == 422
    assert "There is no such alert of yours." in response.content.decode()
    alert.refresh_from_db()
    assert alert.state == "armed"


@pytest.mark.parametrize("action", ["pause", "resume", "delete"])
def test_an_alert_that_never_was_is_a_refusal(browser: Client, bitcoin: Coin, action: str) -> None:
    assert browser.post(reverse(f"alerts:{action}", args=[uuid.uuid4()])).status_code == 422


def test_changes_are_never_made_by_get(browser: Client, arm: Arm) -> None:
    alert = arm()
    for name, arguments in (("create", []), ("pause", [alert.pk]), ("delete", [alert.pk])):
        assert browser.get(reverse(f"alerts:{name}", args=arguments)).status_code == 405


@pytest.mark.parametrize("person", ["ana", "mo", "root"])
def test_other_roles_have_no_alerts(
    client: Client, request: pytest.FixtureRequest, bitcoin: Coin, person: str
) -> None:
    client.force_login(request.getfixturevalue(person))
    assert client.get(reverse("alerts:list")).status_code == 403
    assert create(client).status_code == 403
    assert not PriceAlert.objects.exists()


def test_visitors_are_asked_to_log_in(client: Client, bitcoin: Coin) -> None:
    for url in (reverse("alerts:list"), reverse("alerts:bell"), reverse("alerts:channels")):
        response = client.get(url)
        assert response.status_code == 302
        assert reverse("account_login") in response["Location"]


def test_no_page_has_an_inline_style_or_script(browser: Client, arm: Arm) -> None:
    arm()
    for name in ("alerts:list", "alerts:bell", "alerts:channels"):
        page = browser.get(reverse(name)).content.decode()
        assert " style=" not in page
        assert "<script>" not in page
        assert "onclick" not in page


# --- The bell -----------------------------------------------------------------------------------


def told(person: Any, number: int = 1) -> None:
    for each in range(number):
        services.notify(
            user=person, kind="price_alert", subject=f"News {each}", body="", channels=["in_app"],
            event_id=uuid.uuid4(), now=NOW,
        )  # fmt: skip


@pytest.mark.parametrize("person", ["alice", "ana", "mo", "root"])
def test_the_bell_is_for_everyone_who_is_logged_in(
    client: Client, request: pytest.FixtureRequest, person: str
) -> None:
    client.force_login(request.getfixturevalue(person))
    told(request.getfixturevalue(person))
    assert "News 0" in client.get(reverse("alerts:bell")).content.decode()


def test_the_bell_shows_nobody_elses_notifications(browser: Client, bob: Any) -> None:
    told(bob)
    assert "News 0" not in browser.get(reverse("alerts:bell")).content.decode()


def test_marking_all_as_read(browser: Client, alice: Any, bob: Any) -> None:
    told(alice, 3)
    told(bob)
    assert services.unread_count(user=alice) == 3
    page = browser.post(reverse("alerts:bell-read"), headers=HTMX).content.decode()
    assert 'data-unread="0"' in page
    assert services.unread_count(user=alice) == 0
    assert services.unread_count(user=bob) == 1


def test_marking_one_as_read(browser: Client, alice: Any, bob: Any) -> None:
    told(alice, 2)
    told(bob)
    mine = services.bell(user=alice)[0].pk
    others = services.bell(user=bob)[0].pk
    browser.post(reverse("alerts:bell-read"), {"id": [str(mine), str(others), "nonsense"]})
    assert services.unread_count(user=alice) == 1
    assert services.unread_count(user=bob) == 1


def test_the_bell_counts_and_lists_the_newest_only(alice: Any) -> None:
    told(alice, 120)
    assert services.unread_count(user=alice) == 100
    assert len(services.bell(user=alice, limit=1000)) == 100


# --- Channels -----------------------------------------------------------------------------------


def test_sms_from_number_to_verified_without_javascript(
    browser: Client, alice: Any, settings: Any
) -> None:
    settings.SMS_ENABLED = True
    verify(alice)
    response = browser.post(reverse("alerts:channel-sms-start"), {"number": "+420 601 123 456"})
    assert response.status_code == 302
    code = Notification.objects.get(channel="sms").body.split("is ")[1][:6]
    wrong = "000000" if code != "000000" else "111111"
    response = browser.post(reverse("alerts:channel-sms-confirm"), {"code": wrong})
    assert response.status_code == 422
    assert "That is not the code we sent." in response.content.decode()
    assert browser.post(reverse("alerts:channel-sms-confirm"), {"code": code}).status_code == 302
    assert Channel.objects.get().verified_at is not None


@pytest.mark.parametrize(
    "number", ["", "601123456", "+0601123456", "+42", "+" + "1" * 16, "+4206\x00", "NaN"]
)
def test_what_is_no_number_is_refused_at_its_field(
    browser: Client, settings: Any, number: str
) -> None:
    settings.SMS_ENABLED = True
    response = browser.post(reverse("alerts:channel-sms-start"), {"number": number}, headers=HTMX)
    assert response.status_code == 422
    assert "sms-number-error" in response.content.decode()
    assert not Channel.objects.exists()


def test_codes_cannot_be_asked_for_without_end(browser: Client, alice: Any, settings: Any) -> None:
    settings.SMS_ENABLED = True
    verify(alice)
    url = reverse("alerts:channel-sms-start")
    numbers = [f"+4206010000{number:02}" for number in range(11)]
    answers = [browser.post(url, {"number": number}).status_code for number in numbers]
    assert answers == [302] * 10 + [429]


def test_what_is_not_switched_on_is_not_offered(browser: Client) -> None:
    page = browser.get(reverse("alerts:channels")).content.decode()
    assert "SMS" not in page
    assert (
        browser.post(reverse("alerts:channel-sms-start"), {"number": "+420601123456"}).status_code
        == 422
    )
    assert browser.post(reverse("alerts:channel-sns-email")).status_code == 422


def test_removing_a_channel(browser: Client, alice: Any, settings: Any) -> None:
    settings.SMS_ENABLED = True
    verify(alice)
    services.start_sms(user=alice, number="+420601123456", now=NOW)
    assert browser.post(reverse("alerts:channel-remove", args=["sms"])).status_code == 302
    assert not Channel.objects.exists()
    assert browser.post(reverse("alerts:channel-remove", args=["nonsense"])).status_code == 302
