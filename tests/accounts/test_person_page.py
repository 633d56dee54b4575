"""A person as the staff see them, and the notes about them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.errors import AccountRejected
from accounts.models import Activity, Note, User
from tests.conftest import confirm

pytestmark = pytest.mark.django_db


def page_of(client: Client, person: User) -> str:
    answer = client.get(reverse("accounts:person", args=[person.pk]))
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def page(client: Client, mo: User) -> Client:
    client.force_login(mo)
    return client


def test_it_shows_who_it_is_and_what_they_did(page: Client, alice: User) -> None:
    confirm(alice)
    services.record(kind=Activity.Kind.TRADED, summary="Bought 1 BTC", user=alice)
    for kind in ("logged_in", "logged_in", "login_failed"):
        services.record(kind=Activity.Kind(kind), summary="x", user=alice, address="203.0.113.7")
    text = page_of(page, alice)
    assert "alice@example.com" in text
    assert "Bought 1 BTC" in text
    answer = page.get(reverse("accounts:person", args=[alice.pk]))
    (origin,) = answer.context["origins"]
    assert (origin.address, origin.logins, origin.failed) == ("203.0.113.7", 2, 1)
    assert answer.context["is_confirmed"]
    assert f"{reverse('portfolio:all-transactions')}?user=alice" in text


def test_no_secret_is_shown(page: Client, alice: User) -> None:
    Client().force_login(alice)
    text = page_of(page, alice)
    assert alice.password not in text
    for row in services.OpenSession.objects.all():
        assert row.session_key not in text


def test_an_admin_sees_no_activity_but_what_the_staff_did(
    client: Client, root: User, mo: User, alice: User
) -> None:
    services.record(kind=Activity.Kind.TRADED, summary="Bought 1 BTC", user=alice)
    services.add_note(user=alice, by=mo, text="Kind on the phone")
    client.force_login(root)
    text = page_of(client, alice)
    assert "Bought 1 BTC" not in text
    assert "Kind on the phone" in text
    assert "mo wrote a note about alice" in text


def test_a_note_is_kept_with_its_author_and_logged(page: Client, mo: User, bob: User) -> None:
    page.post(reverse("accounts:note", args=[bob.pk]), {"text": " Watch <b>bob</b> \n closely "})
    note = Note.objects.get()
    assert (note.text, note.author, note.user) == ("Watch <b>bob</b> closely", mo, bob)
    assert "Watch &lt;b&gt;bob&lt;/b&gt; closely" in page_of(page, bob)
    row = Activity.objects.get(kind="noted")
    assert (row.user, row.subject, row.summary) == (mo, bob, "mo wrote a note about bob")


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_refused_note_comes_back_as_it_was_typed(page: Client, bob: User, text: str) -> None:
    answer = page.post(reverse("accounts:note", args=[bob.pk]), {"text": text})
    assert answer.status_code == 422
    assert f">{text}</textarea>" in answer.content.decode()
    assert not Note.objects.exists()


def test_people_write_no_notes(alice: User, bob: User, ana: User) -> None:
    for by in (alice, ana):
        with pytest.raises(AccountRejected, match="Only moderators and admins"):
            services.add_note(user=bob, by=by, text="x")


def test_suspending_leads_back_to_the_page_and_the_reason_is_there(page: Client, bob: User) -> None:
    here = reverse("accounts:person", args=[bob.pk])
    answer = page.post(
        reverse("accounts:suspend", args=[bob.pk]), {"reason": "Spam", "next": here}, follow=True
    )
    assert answer.redirect_chain[-1][0] == here
    text = answer.content.decode()
    assert "Spam" in text
    assert reverse("accounts:restore", args=[bob.pk]) in text


def test_whom_one_may_not_suspend_is_said(page: Client, root: User) -> None:
    text = page_of(page, root)
    assert "Only an admin may suspend or restore admins and moderators." in text
    assert reverse("accounts:suspend", args=[root.pk]) not in text


def test_there_is_no_such_person(page: Client) -> None:
    url = reverse("accounts:person", args=["01900000-0000-7000-8000-000000000000"])
    assert page.get(url).status_code == 404


def test_the_page_costs_the_same_however_much_there_is(
    page: Client, mo: User, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(15):
        services.record(
            kind=Activity.Kind.LOGGED_IN, summary="x", user=alice, address=f"203.0.113.{number}"
        )
        services.add_note(user=alice, by=mo, text=f"note {number}")
    with django_assert_max_num_queries(15):
        page_of(page, alice)
