"""Leaving: closed at once, erased to the last row whatever happens, nobody else's touched."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import services
from accounts.models import Activity, Erasure, OpenSession, User
from accounts.roles import Role
from accounts.services import erasure
from accounts.services.belongings import ties
from alerts import services as alerts
from alerts.models import DeliveryAttempt, Notification, PriceAlert
from cryptopulse.atomic import run_atomic
from market.models import Coin, WatchlistItem
from portfolio import services as portfolio
from portfolio.models import Holding, Portfolio, Transaction
from tests.conftest import NOW, PASSWORD, confirm, make_person

pytestmark = pytest.mark.django_db
PATIENT = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Died(Exception):  # noqa: N818 (it is what happened)
    """The worker is gone."""


def live(person: User, trades: int = 3) -> None:
    """Give a person something of everything."""
    for number in range(trades):
        portfolio.place_order(
            user=person, coin_id="bitcoin", side="buy", amount=Decimal(100), now=NOW,
            client_order_id=f"{person.username}-{number}",
        )  # fmt: skip
        alerts.create_alert(
            user=person, coin_id="bitcoin", condition="above", target=Decimal(200_000 + number),
            channels=["in_app"], now=NOW,
        )  # fmt: skip
    WatchlistItem.objects.create(
        id=WatchlistItem.key(person.pk, "bitcoin"), user=person, coin_id="bitcoin"
    )
    for row in Notification.objects.filter(user=person):
        DeliveryAttempt.objects.create(notification=row, succeeded=True)
    services.record(kind=Activity.Kind.LOGGED_IN, summary=f"{person.username} logged in",
                    user=person)  # fmt: skip


OWNED: tuple[Any, ...] = (
    Portfolio,
    Transaction,
    PriceAlert,
    Notification,
    WatchlistItem,
    EmailAddress,
)


def belongings(person: User) -> dict[str, int]:
    counts = {model.__name__: model._default_manager.filter(user=person).count() for model in OWNED}
    counts["Holding"] = Holding.objects.filter(portfolio__user=person).count()
    counts["activity"] = Activity.objects.filter(user=person).count()
    return counts


@pytest.fixture
def two(bitcoin: Coin) -> tuple[User, User]:
    alice, bob = confirm(make_person("alice")), confirm(make_person("bob"))
    for person in (alice, bob):
        live(person)
    return alice, bob


def assert_gone(key: uuid.UUID) -> None:
    assert not User.objects.filter(pk=key).exists()
    assert not Erasure.objects.exists()
    for tie in ties():
        assert not tie.model._default_manager.filter(**{f"{tie.field}": key}).exists(), tie
    assert not DeliveryAttempt.objects.exclude(
        notification__in=Notification.objects.values("pk")
    ).exists()


def test_an_account_is_closed_at_once_and_its_names_are_free(two: tuple[User, User]) -> None:
    alice, _ = two
    browser = Client()
    browser.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    assert browser.get(reverse("portals:settings")).status_code == 200
    other = Client()
    other.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    services.delete_account(user=alice, now=NOW)
    for client in (browser, other):
        assert client.get(reverse("portals:settings")).status_code == 302
    again = Client().post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    assert again.status_code == 200  # the form again
    confirm(make_person("alice"))


def test_everything_is_erased_and_nothing_of_anybody_else(two: tuple[User, User]) -> None:
    alice, bob = two
    before = belongings(bob)
    services.delete_account(user=alice, now=NOW)
    assert services.erase_accounts() == 1
    assert_gone(alice.pk)
    assert belongings(bob) == before


def test_the_log_stays_without_the_person_and_the_name(two: tuple[User, User], root: User) -> None:
    alice, _ = two
    services.suspend(user=alice, by=root, reason="Alice said malice to alice@example.com")
    services.restore(user=alice, by=root)
    lines = Activity.objects.count()
    services.delete_account(user=User.objects.get(pk=alice.pk), now=NOW)
    services.erase_accounts()
    assert Activity.objects.count() == lines + 1
    said = " | ".join(Activity.objects.values_list("summary", flat=True))
    assert "alice@" not in said
    assert "alice " not in said.replace("malice ", "")
    assert "root suspended somebody: somebody said malice to somebody" in said


def test_lines_that_name_an_address_or_a_search_forget_it_too(
    two: tuple[User, User], root: User, mo: User
) -> None:
    alice, _bob = two
    for name in ("alice", "bob"):
        services.record(kind=Activity.Kind.UNINVITED, user=root,
                        summary=f"root withdrew the invitation of {name}@example.com")  # fmt: skip
        services.record(kind=Activity.Kind.EXPORTED, user=mo,
                        summary=f"mo exported activity: person {name}")  # fmt: skip
    services.delete_account(user=alice, now=NOW)
    services.erase_accounts()
    said = " | ".join(Activity.objects.values_list("summary", flat=True))
    assert "alice" not in said
    assert "withdrew the invitation of bob@example.com" in said
    assert "person bob" in said


def test_sessions_on_the_list_are_deleted(two: tuple[User, User]) -> None:
    alice, _ = two
    client = Client()
    client.post(reverse("account_login"), {"login": "alice", "password": PASSWORD})
    key = client.session.session_key
    OpenSession.objects.filter(user=alice).delete()
    services.sessions.begin_session(
        user=alice, session_key=str(key), user_agent="", address=None, now=NOW
    )
    services.delete_account(user=alice, now=NOW)
    services.erase_accounts()
    assert not Session.objects.filter(pk=key).exists()


@PATIENT
@given(deaths=st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=6))
def test_an_erasure_that_dies_anywhere_goes_on_and_ends_the_same(
    bitcoin: Coin, deaths: list[tuple[int, bool]]
) -> None:
    names = f"a{uuid.uuid4().hex[:8]}", f"b{uuid.uuid4().hex[:8]}"
    leaving, staying = (confirm(make_person(name)) for name in names)
    live(leaving, 2)
    live(staying, 1)
    before = belongings(staying)
    services.delete_account(user=leaving, now=NOW)
    whole = run_atomic
    for steps, is_committed in deaths:
        left = [steps]

        def run(
            operation: Callable[[], Any],
            left: list[int] = left,
            is_committed: bool = is_committed,
        ) -> Any:
            if left[0] <= 0:
                if is_committed:
                    whole(operation)
                raise Died
            left[0] -= 1
            return whole(operation)

        with patch.object(erasure, "run_atomic", run), patch.object(erasure, "CHUNK", 1):
            for waiting in Erasure.objects.filter(pk=leaving.pk):
                with suppress(Died):
                    erasure.erase(waiting)
    services.erase_accounts()
    assert_gone(leaving.pk)
    assert belongings(staying) == before
    assert names[0] not in " ".join(Activity.objects.values_list("summary", flat=True))


def test_asking_twice_is_asking_once(two: tuple[User, User]) -> None:
    alice, _ = two
    for _number in range(2):
        services.delete_account(user=alice, now=NOW)
    assert Erasure.objects.get().username == "alice"
    services.erase_accounts()
    assert services.erase_accounts() == 0
    services.delete_account(user=alice, now=NOW + timedelta(days=1))
    assert not Erasure.objects.exists()


def test_the_last_admin_stays(root: User) -> None:
    with pytest.raises(services.AccountRejected, match="the only admin"):
        services.delete_account(user=root, now=NOW)
    other = make_person("second", Role.ADMIN)
    services.delete_account(user=root, now=NOW)
    with pytest.raises(services.AccountRejected):
        services.delete_account(user=other, now=NOW)
    assert User.objects.filter(role=Role.ADMIN, is_active=True).count() == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("al logged in", "somebody logged in"),
        ("pal and also al.", "pal and also somebody."),
        ("AL: al@example.com", "somebody: somebody"),
        ("al-bert, al.bert, real", "al-bert, al.bert, real"),
        ("“al”", "“somebody”"),
    ],
)
def test_only_whole_names_are_taken_out(text: str, left: str) -> None:
    assert erasure.without_names(text, "al", "al@example.com") == left
