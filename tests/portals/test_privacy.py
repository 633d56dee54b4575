"""The privacy page: a copy of all that is one's own, and the way out."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts.models import Erasure, Note, User
from accounts.roles import Role
from alerts import services as alerts
from market.models import Coin
from tests.accounts.test_erasure import live
from tests.conftest import NOW, PASSWORD, confirm, make_person

from .conftest import logged_in

pytestmark = pytest.mark.django_db


def archive_of(user: User) -> zipfile.ZipFile:
    response: Any = logged_in(user).get(reverse("portals:data-export"))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    content = b"".join(response.streaming_content)
    return zipfile.ZipFile(io.BytesIO(content))


def rows_of(bundle: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle.read(name).decode())))


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_see_and_take_their_data(role: Role) -> None:
    user = confirm(make_person("somebody", role))
    assert logged_in(user).get(reverse("portals:privacy")).status_code == 200
    bundle = archive_of(user)
    account = json.loads(bundle.read("account.json"))
    assert account["username"] == "somebody"
    assert "password" not in account
    assert "somebody" in bundle.read("README.txt").decode()


def test_the_copy_holds_what_is_mine_and_nothing_of_others(bitcoin: Coin) -> None:
    alice, bob = confirm(make_person("alice")), confirm(make_person("bob"))
    live(alice)
    live(bob, 5)
    bundle = archive_of(alice)
    assert len(rows_of(bundle, "transactions.csv")) == 3
    assert len(rows_of(bundle, "price-alerts.csv")) == 3
    assert len(rows_of(bundle, "portfolios.csv")) == 1
    assert len(rows_of(bundle, "holdings.csv")) == 1
    assert rows_of(bundle, "transactions.csv")[0]["price_source"] == "simulated"
    assert rows_of(bundle, "email-addresses.csv")[0]["email"] == "alice@example.com"
    assert any("alice logged in" in row["summary"] for row in rows_of(bundle, "activity.csv"))
    everything = b" ".join(bundle.read(name) for name in bundle.namelist()).decode()
    assert bob.pk.hex not in everything.replace("-", "")
    assert "bob" not in everything


def test_the_copy_holds_no_secret_and_no_note_of_the_staff(root: User) -> None:
    alice = confirm(make_person("alice"))
    Note.objects.create(user=alice, author=root, text="keep an eye on her")
    client = logged_in(alice)
    bundle = archive_of(alice)
    everything = b" ".join(bundle.read(name) for name in bundle.namelist()).decode()
    assert str(client.session.session_key) not in everything
    assert alice.password not in everything
    assert "keep an eye" not in everything


def test_the_copy_does_not_hold_the_code_that_is_on_its_way_to_a_telephone() -> None:
    alice = confirm(make_person("alice"))
    alerts.notify(
        user=alice, kind="mail", subject="Your code", body="Your code is 271828.",
        channels=["sms"], event_id=alice.pk, now=NOW, address="+4915112345678",
    )  # fmt: skip
    row = rows_of(archive_of(alice), "notifications.csv")[0]
    assert (row["subject"], row["body"]) == ("Your code", "")


def test_a_formula_in_a_cell_stays_text(bitcoin: Coin) -> None:
    alice = confirm(make_person("alice"))
    alerts.notify(user=alice, kind="trade", subject="=1+1", body="", channels=["in_app"],
                  event_id=alice.pk, now=NOW)  # fmt: skip
    assert rows_of(archive_of(alice), "notifications.csv")[0]["subject"] == "'=1+1"


def test_large_tables_are_read_in_pages(bitcoin: Coin, django_assert_max_num_queries: Any) -> None:
    alice = confirm(make_person("alice"))
    live(alice)
    archive_of(alice)
    with django_assert_max_num_queries(45):
        archive_of(alice)


# --- Leaving ------------------------------------------------------------------------------------

GOOD = {"password": PASSWORD, "understood": "on"}


def test_leaving_by_password_logs_out_and_says_so(bitcoin: Coin) -> None:
    alice = confirm(make_person("alice"))
    client = logged_in(alice)
    response = client.post(reverse("portals:leave"), GOOD)
    assert response["Location"] == reverse("portals:farewell")
    assert "Your account is deleted" in client.get(response["Location"]).content.decode()
    assert client.get(reverse("portals:privacy")).status_code == 302
    assert not User.objects.filter(username="alice").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "That is not your password. Nothing was deleted."),
        ({"password": ""}, "Enter your password to delete the account."),
        ({"understood": ""}, "Tick this to delete the account."),
    ],
)
def test_a_refusal_says_why_and_deletes_nothing(changes: dict[str, str], sentence: str) -> None:
    alice = make_person("alice")
    response = logged_in(alice).post(reverse("portals:leave"), GOOD | changes)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert User.objects.get(pk=alice.pk).is_active
    assert not Erasure.objects.exists()


def test_passwords_cannot_be_tried_without_end() -> None:
    client = logged_in(make_person("alice"))
    bad = GOOD | {"password": "wrong"}
    answers = [client.post(reverse("portals:leave"), bad).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


@pytest.fixture
def keyless(db: None) -> User:
    alice = make_person("alice")
    alice.set_unusable_password()
    alice.save()
    return alice


def test_without_a_password_one_shows_first_who_one_is(keyless: User) -> None:
    Authenticator.objects.create(user=keyless, type=Authenticator.Type.TOTP, data={"secret": "x"})
    response = logged_in(keyless).post(reverse("portals:leave"), {"understood": "on"})
    assert response.status_code == 302
    assert "reauthenticate" in response["Location"]
    assert User.objects.get(pk=keyless.pk).is_active


def test_without_password_and_factor_the_log_in_must_be_fresh(keyless: User) -> None:
    client = logged_in(keyless)
    User.objects.filter(pk=keyless.pk).update(last_login=NOW - timedelta(days=700))
    response = client.post(reverse("portals:leave"), {"understood": "on"})
    assert response.status_code == 422
    assert "Log out and in again" in response.content.decode()
    assert User.objects.get(pk=keyless.pk).is_active
    response = logged_in(keyless).post(reverse("portals:leave"), {"understood": "on"})
    assert response["Location"] == reverse("portals:farewell")


def test_the_last_admin_is_told_why_they_stay(root: User) -> None:
    page = logged_in(root).get(reverse("portals:privacy")).content.decode()
    assert "You are the only admin." in page
    response = logged_in(root).post(reverse("portals:leave"), GOOD)
    assert response.status_code == 422
    assert User.objects.get(pk=root.pk).is_active
