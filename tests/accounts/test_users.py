"""Finding people, and the page that lists them."""

from __future__ import annotations

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import services
from accounts.models import User
from accounts.roles import Role
from tests.conftest import confirm, make_person

pytestmark = pytest.mark.django_db


def names(page: services.Page[User]) -> set[str]:
    return {person.username for person in page.rows}


def test_searching_by_the_beginning_of_username_or_address(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(email="robert@example.org")
    assert names(services.users_page(query="ali")) == {"alice"}
    assert names(services.users_page(query=" ALICE@EX")) == {"alice"}
    assert names(services.users_page(query="robert")) == {"bob"}
    assert names(services.users_page(query="example")) == set()
    assert names(services.users_page()) == {"alice", "bob"}


@pytest.mark.parametrize("query", ["%", "_", "\0", "' OR '1'='1", "ünïcode", "x" * 5000])
def test_no_search_breaks_anything_or_finds_everybody(alice: User, query: str) -> None:
    found = names(services.users_page(query=query))
    assert found == ({"alice"} if query == "\0" else set())  # nothing is left of it


def test_filtering_by_role(alice: User, mo: User, root: User) -> None:
    assert names(services.users_page(role="moderator")) == {"mo"}
    assert names(services.users_page(role="superhero")) == set()
    assert names(services.users_page(role="user", query="mo")) == set()


def test_paging_shows_everybody_once(db: None) -> None:
    for number in range(7):
        make_person(f"person{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = services.users_page(cursor=cursor, limit=3)
        seen += [person.username for person in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert sorted(seen) == [f"person{number}" for number in range(7)]


def test_counting_people_by_role(alice: User, bob: User, mo: User) -> None:
    assert services.user_counts() == {"user": 2, "admin": 0, "analyst": 0, "moderator": 1}


def test_people_by_id(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    nobody = uuid.uuid4()
    with django_assert_num_queries(1):
        found = services.people([alice.pk, bob.pk, nobody])
    assert found == {alice.pk: alice, bob.pk: bob}
    assert services.people([]) == {}
    assert services.person(user_id=alice.pk) == alice
    assert services.person(user_id=nobody) is None


def test_only_a_proven_primary_address_is_the_verified_one(alice: User) -> None:
    assert services.verified_email(user_id=alice.pk) is None
    row = EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    assert services.verified_email(user_id=alice.pk) is None
    row.set_verified()
    assert services.verified_email(user_id=alice.pk) == "alice@example.com"


def test_the_page_for_a_moderator(client: Client, alice: User, mo: User, root: User) -> None:
    client.force_login(mo)
    page = client.get(reverse("accounts:users")).content.decode()
    assert reverse("accounts:suspend", args=[alice.pk]) in page
    assert reverse("accounts:suspend", args=[root.pk]) not in page
    assert reverse("accounts:suspend", args=[mo.pk]) not in page
    assert reverse("accounts:change-role", args=[alice.pk]) not in page
    assert reverse("accounts:invite") not in page


def test_the_page_for_an_admin(client: Client, alice: User, root: User) -> None:
    client.force_login(root)
    page = client.get(reverse("accounts:users")).content.decode()
    assert reverse("accounts:suspend", args=[alice.pk]) in page
    assert reverse("accounts:change-role", args=[alice.pk]) in page
    assert reverse("accounts:change-role", args=[root.pk]) not in page
    assert reverse("accounts:invite") in page
    services.suspend(user=alice, by=root, reason="<b>Spam</b>")
    page = client.get(reverse("accounts:users")).content.decode()
    assert reverse("accounts:restore", args=[alice.pk]) in page
    assert "&lt;b&gt;Spam&lt;/b&gt;" in page


def test_the_page_says_whose_address_is_unverified(
    client: Client, alice: User, bob: User, root: User
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    confirm(bob)
    client.force_login(root)
    page = client.get(reverse("accounts:users")).content.decode()
    assert "alice@example.com (unverified)" in page
    assert "bob@example.com<" in page


def test_the_page_costs_the_same_however_many_people_are_on_it(
    client: Client, root: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        User.objects.create(username=f"p{number}", email=f"p{number}@example.com", role=Role.USER)
    client.force_login(root)
    # session, user, unread notifications, the page, proven addresses, the ticker tape
    with django_assert_max_num_queries(8):
        client.get(reverse("accounts:users"))


def test_the_page_keeps_its_filters_while_paging(client: Client, root: User) -> None:
    for number in range(60):
        User.objects.create(username=f"p{number}", email=f"p{number}@example.com")
    client.force_login(root)
    url = reverse("accounts:users")
    first = client.get(url, {"q": "p", "role": "user"})
    assert len(first.context["rows"]) == 50
    second = client.get(url + first.context["next_url"])
    assert len(second.context["rows"]) == 10
    assert second.context["first_url"] == "?q=p&role=user"


def test_changing_things_takes_a_post(client: Client, alice: User, root: User) -> None:
    client.force_login(root)
    for name in ("suspend", "restore", "change-role"):
        assert client.get(reverse(f"accounts:{name}", args=[alice.pk])).status_code == 405
    assert client.get(reverse("accounts:invite")).status_code == 405


def test_changing_things_takes_a_csrf_token(alice: User, root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    response = client.post(reverse("accounts:suspend", args=[alice.pk]), {"reason": "x"})
    assert response.status_code == 403
    alice.refresh_from_db()
    assert alice.is_active
