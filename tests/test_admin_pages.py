"""Lists of the Django admin on a database where counting reads everything."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Flag, Note, OpenSession, User
from accounts.roles import Role
from cryptopulse import admin_base, engine
from cryptopulse.admin_base import OpenPaginator
from cryptopulse.keys import new_key

pytestmark = pytest.mark.django_db

USERS = "admin:accounts_user_changelist"
BY_MODERATORS = {"accounts.Activity", "accounts.Flag"}


@pytest.fixture
def counting_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_base, "is_dynamodb", lambda: True)


@pytest.fixture
def counting_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_base, "is_dynamodb", lambda: False)


@pytest.fixture
def crowd(root: User) -> list[User]:
    """Root and 249 others: two pages and a half."""
    others = [
        User(username=f"u{n:03}", email=f"u{n}@example.com", role=Role.USER) for n in range(249)
    ]
    return [root, *User.objects.bulk_create(others)]


def text_of(client: Client, **query: Any) -> tuple[str, Any]:
    answer = client.get(reverse(USERS), query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode()), answer.context["cl"]


@pytest.mark.usefixtures("counting_is_dear")
def test_a_page_is_one_query_and_says_that_there_is_more(
    client: Client, crowd: list[User], root: User
) -> None:
    client.force_login(root)
    client.get(reverse(USERS))
    with CaptureQueriesContext(connection) as queries:
        page, listed = text_of(client)
    own = [one["sql"] for one in queries if 'FROM "accounts_user"' in one["sql"]]
    assert len(own) == 2, own  # whoever asks, and the page
    assert not any("COUNT(" in sql for sql in own)
    assert (len(listed.result_list), listed.multi_page) == (100, True)
    assert "more than 100 users" in page
    assert "Next" in page
    assert "Previous" not in page


@pytest.mark.usefixtures("counting_is_dear")
def test_the_last_page_knows_how_many_there_are(
    client: Client, crowd: list[User], root: User
) -> None:
    client.force_login(root)
    page, listed = text_of(client, p=3)
    assert len(listed.result_list) == 50
    assert "Page 3 · 250 users" in page
    assert "Previous" in page
    assert "Next" not in page
    assert client.get(reverse(USERS), {"p": 4}).status_code == 302  # as with a count


@pytest.mark.usefixtures("counting_is_dear")
def test_every_row_is_on_one_page_and_in_order(crowd: list[User]) -> None:
    rows = User.objects.order_by("-id")
    pages = [OpenPaginator(rows, 100, shown=shown).page(shown) for shown in (1, 2, 3)]
    assert [one.pk for page in pages for one in page] == [one.pk for one in rows]
    assert [page.has_next() for page in pages] == [True, True, False]


@pytest.mark.usefixtures("counting_is_dear")
@pytest.mark.parametrize("p", ["0", "-1", "x", "٣", "9" * 400])
def test_a_page_that_is_none_does_no_harm(client: Client, root: User, p: str) -> None:
    client.force_login(root)
    assert client.get(reverse(USERS), {"p": p}).status_code in {200, 302}


@pytest.mark.usefixtures("counting_is_dear")
def test_a_large_table_offers_no_sorting(client: Client, root: User) -> None:
    client.force_login(root)
    _, listed = text_of(client)
    assert listed.sortable_by == ()


@pytest.mark.usefixtures("counting_is_cheap")
def test_elsewhere_rows_are_counted_and_sorted_as_ever(client: Client, root: User) -> None:
    client.force_login(root)
    page, listed = text_of(client)
    assert "more than" not in page
    assert listed.result_count == 1
    assert "username" in listed.sortable_by


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_list_can_do_without_a_count(
    client: Client, root: User, mo: User, model: Any, counting_is_dear: None
) -> None:
    client.force_login(mo if model._meta.label in BY_MODERATORS else root)
    cache.clear()
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    assert not any("COUNT(" in one["sql"] for one in queries)
    assert client.get(url, {"q": "a"}).status_code == 200


def test_people_are_found_first_and_their_rows_then(
    client: Client, root: User, alice: User, bob: User
) -> None:
    from portfolio.services import default_portfolio

    default_portfolio(user=alice)
    default_portfolio(user=bob)
    client.force_login(root)
    answer = client.get(reverse("admin:portfolio_portfolio_changelist"), {"q": "ALI"})
    assert [one.user for one in answer.context["cl"].result_list] == [alice]


def test_what_dynamodb_is_spared_is_done_on_every_other_database(settings: Settings) -> None:
    is_dynamodb = settings.DATABASES["default"]["ENGINE"] == engine.DYNAMODB
    assert engine.is_dynamodb() == is_dynamodb
    assert not engine.expires_by_itself(User)
    with engine.reading_all("a test"), engine.deleting_many("a test"):
        pass


@pytest.fixture
def watched(mo: User, alice: User) -> list[Any]:
    """A flag, a note and an open session, all of alice."""
    now = timezone.now()
    return [
        Flag.objects.create(
            id=new_key(), kind="trades", user=alice, count=31, first_at=now, last_at=now
        ),
        Note.objects.create(user=alice, author=mo, text="Asked about it"),
        OpenSession.objects.create(
            id=new_key(), user=alice, session_key="s3cr3t-of-alice", device="Firefox",
            expires_at=now + timedelta(days=1),
        ),
    ]  # fmt: skip


def test_flags_notes_and_sessions_are_read_and_never_changed(
    client: Client, root: User, mo: User, watched: list[Any]
) -> None:
    for row in watched:
        client.force_login(mo if row._meta.label in BY_MODERATORS else root)
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        page = client.get(reverse(f"{name}_changelist"), {"q": "alice"})
        assert page.context["cl"].result_count == 1
        one = client.get(reverse(f"{name}_change", args=[row.pk]))
        assert one.status_code == 200
        assert "s3cr3t-of-alice" not in page.content.decode() + one.content.decode()
        assert client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert client.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
        assert client.get(reverse(f"{name}_add")).status_code == 403


def test_sessions_are_for_admins_and_flags_for_moderators(
    client: Client, root: User, mo: User
) -> None:
    for person, model in ((mo, "opensession"), (root, "flag")):
        client.force_login(person)
        answer = client.get(reverse(f"admin:accounts_{model}_changelist"))
        assert answer.status_code == 403, model
