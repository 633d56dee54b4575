"""What the apps below tell us: trades are confirmed in their own transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alerts import services, tasks
from alerts.models import Notification
from market.models import Coin
from portfolio import services as portfolio
from portfolio.models import Transaction
from tests.alerts.conftest import tick, unevaluated
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def buy(user: Any, order: str = "order-1") -> Transaction:
    return portfolio.place_order(
        user=user, side="buy", coin_id="bitcoin", client_order_id=order, now=NOW,
        amount=Decimal("1000.00"),
    )  # fmt: skip


def test_a_trade_is_confirmed_in_the_app(alice: Any, bitcoin: Coin) -> None:
    trade = buy(alice)
    told = Notification.objects.get()
    assert (told.kind, told.channel, told.user_id) == ("trade", "in_app", alice.pk)
    assert told.event_id == trade.pk
    assert told.subject == "Bought 0.01 Bitcoin for $1,000.00"
    assert "at $100,000.00 each on 2026-11-20 12:00:00 UTC" in told.body
    assert "9,000" not in told.body, "no balance"
    assert told.url == reverse("portfolio:transactions")


def test_the_same_order_again_is_confirmed_once(alice: Any, bitcoin: Coin) -> None:
    for _ in range(2):
        buy(alice)
    assert Notification.objects.count() == 1


def test_a_person_can_turn_confirmations_off(alice: Any, bitcoin: Coin) -> None:
    alice.notification_choices = {"trade": []}
    alice.save()
    buy(alice)
    assert not Notification.objects.exists()


def test_a_person_chooses_where_confirmations_go(alice: Any, bitcoin: Coin) -> None:
    alice.notification_choices = {"trade": ["email", "in_app", "email", "pigeon"]}
    alice.save()
    buy(alice)
    channels = Notification.objects.order_by("channel").values_list("channel", flat=True)
    assert list(channels) == ["email", "in_app"]


@pytest.mark.parametrize("choices", [{"trade": "in_app"}, {"trade": None}, {"trade": 5}])
def test_a_choice_that_is_no_list_is_the_default(
    alice: Any, bitcoin: Coin, choices: dict[str, Any]
) -> None:
    alice.notification_choices = choices
    alice.save()
    buy(alice)
    assert [told.channel for told in Notification.objects.all()] == ["in_app"]


def test_the_systems_topic_hears_of_trades_without_balance_or_address(
    alice: Any, bitcoin: Coin, settings: Any
) -> None:
    settings.SNS_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:alerts"
    alice.notification_choices = {"trade": []}
    alice.save()
    buy(alice)
    told = Notification.objects.get()
    assert (told.channel, told.address) == ("sns", "")
    for secret in ("alice", "@", "9,000", "10,000"):
        assert secret not in told.subject + told.body


def test_a_confirmation_that_cannot_be_written_undoes_the_trade(
    alice: Any, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "confirm_trade", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        buy(alice)
    assert not Transaction.objects.exists()
    assert portfolio.default_portfolio(user=alice).cash == 10000


# --- Waking a worker ----------------------------------------------------------------------------


def test_a_worker_is_woken_after_the_commit(
    alice: Any, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    woken: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.deliver_due, "apply_async", lambda *_, **named: woken.append(named))
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        buy(alice)
    assert woken == []
    for callback in callbacks:
        callback()
    assert len(woken) >= 1
    assert woken[0]["retry"] is False


def test_a_broker_that_is_down_fails_nothing(
    alice: Any, bitcoin: Coin, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    def down(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tasks.deliver_due, "apply_async", down)
    with django_capture_on_commit_callbacks(execute=True):
        buy(alice)
        services.create_alert(
            user=alice, coin_id="bitcoin", condition="above", target=Decimal(101000),
            channels=["in_app"], now=NOW,
        )  # fmt: skip
        tick("102000", 10)
    assert Transaction.objects.count() == 1
    assert Notification.objects.count() == 2
    assert services.deliver_due(now=NOW.replace(hour=13)) == 2


# --- Tasks --------------------------------------------------------------------------------------


def test_the_tasks_do_what_the_services_do(alice: Any, coin: Callable[..., Coin]) -> None:
    from django.utils import timezone

    coin(price="100", at=timezone.now())
    services.create_alert(
        user=alice, coin_id="bitcoin", condition="above", target=Decimal(101),
        channels=["in_app"], now=timezone.now(),
    )  # fmt: skip
    Coin.objects.update(last_price=102, tick_high=102, price_at=timezone.now())
    assert tasks.evaluate_alerts() == 1
    assert tasks.deliver_due() == 1
    assert tasks.purge_notifications() == 0
    assert tasks.refresh_channels() == 0
    assert tasks.refresh_channel("nobody:sns_email") == "missing"


def test_a_tick_that_nobody_listened_to_is_caught_up_with(alice: Any, bitcoin: Coin) -> None:
    services.create_alert(
        user=alice, coin_id="bitcoin", condition="below", target=Decimal(99000),
        channels=["in_app"], now=NOW,
    )  # fmt: skip
    with unevaluated():
        tick("98000", 10)
    assert services.evaluate_waiting(now=NOW.replace(minute=1)) == 1


# --- Django admin -------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["mo", "root"])
def test_the_admin_reads_everything_but_what_notifications_say(
    client: Client, request: pytest.FixtureRequest, alice: Any, bitcoin: Coin, person: str
) -> None:
    services.create_alert(
        user=alice, coin_id="bitcoin", condition="above", target=Decimal(101000),
        channels=["in_app"], now=NOW,
    )  # fmt: skip
    tick("102000", 10)
    (told,) = services.notify(
        user=None, kind="mail", subject="Reset", body="https://secret-link", channels=["email"],
        event_id=alice.pk, now=NOW, address="alice@example.com", html="<a>secret-link</a>",
    )  # fmt: skip
    client.force_login(request.getfixturevalue(person))
    for model in ("pricealert", "notification", "deliveryattempt"):
        response = client.get(reverse(f"admin:alerts_{model}_changelist"))
        assert response.status_code == 200
        assert "secret-link" not in response.content.decode()
        assert client.get(reverse(f"admin:alerts_{model}_add")).status_code == 403
    url = reverse("admin:alerts_notification_change", args=[told.pk])
    page = client.get(url)
    assert page.status_code == 200
    assert "secret-link" not in page.content.decode()
    assert client.post(url, {"subject": "x"}).status_code == 403


@pytest.mark.parametrize("person", ["alice", "ana"])
def test_the_admin_is_closed_to_the_others(
    client: Client, request: pytest.FixtureRequest, person: str
) -> None:
    client.force_login(request.getfixturevalue(person))
    for model in ("pricealert", "notification", "deliveryattempt"):
        response = client.get(reverse(f"admin:alerts_{model}_changelist"))
        assert response.status_code in {302, 403}
