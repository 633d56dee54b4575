"""Demo people: only while developing, the same each time, their passwords in one private file."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from accounts.services import AccountRejected, make_demo_people, verified_email
from tests.accounts.logging_in import is_logged_in, log_in
from tests.conftest import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def _developing(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG = True
    settings.LOCAL_DIR = tmp_path / "local"


def demo_logins() -> str:
    out = StringIO()
    call_command("demo_logins", stdout=out)
    return out.getvalue()


def test_never_without_debug(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="DEBUG"):
        demo_logins()
    with pytest.raises(AccountRejected):
        make_demo_people(folder=tmp_path)
    assert not User.objects.exists()


@pytest.mark.usefixtures("_developing")
def test_one_log_in_of_each_role_that_works(settings: Settings) -> None:
    people = make_demo_people()
    assert {person.username: person.role for person in people} == {
        "alice": Role.USER,
        "ana": Role.ANALYST,
        "mo": Role.MODERATOR,
        "root": Role.ADMIN,
    }
    assert len({person.password for person in people}) == 4
    for person in people:
        client = Client()
        log_in(client, person.username, person.password)
        assert is_logged_in(client)
    assert verified_email(user_id=User.objects.get(username="alice").pk) == "alice@example.com"


@pytest.mark.usefixtures("_developing")
def test_the_second_time_prints_the_same() -> None:
    first = demo_logins()
    assert len(first.splitlines()) == 4
    assert demo_logins() == first
    assert User.objects.count() == 4


@pytest.mark.usefixtures("_developing")
def test_the_passwords_are_in_a_file_of_the_owners_alone(settings: Settings) -> None:
    people = make_demo_people()
    path = settings.LOCAL_DIR / "demo_logins.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["alice"] == people[0].password
    assert not any(person.password in str(User.objects.values()) for person in people)


@pytest.mark.usefixtures("_developing")
def test_a_new_database_gets_the_old_passwords() -> None:
    first = demo_logins()
    User.objects.all().delete()
    assert demo_logins() == first


@pytest.mark.usefixtures("_developing")
@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_a_lost_file_means_new_passwords(settings: Settings, content: str | None) -> None:
    make_demo_people()
    path = settings.LOCAL_DIR / "demo_logins.json"
    path.unlink() if content is None else path.write_text(content)
    people = make_demo_people()
    assert all(person.is_current for person in people)


@pytest.mark.usefixtures("_developing")
def test_somebody_who_merely_has_the_name_is_left_alone() -> None:
    theirs = User.objects.create_user("alice", "alice@home.example", "their own password")
    people = make_demo_people()
    assert [person.username for person in people] == ["ana", "mo", "root"]
    theirs.refresh_from_db()
    assert theirs.check_password("their own password")


@pytest.mark.usefixtures("_developing")
def test_a_demo_person_whose_address_was_not_confirmed_has_it_confirmed() -> None:
    alice = make_person("alice")
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    make_demo_people()
    assert verified_email(user_id=alice.pk) == "alice@example.com"


@pytest.mark.usefixtures("_developing")
def test_a_password_that_was_changed_is_marked() -> None:
    make_demo_people()
    alice = User.objects.get(username="alice")
    alice.set_password("another one 17")
    alice.save()
    lines = demo_logins().splitlines()
    assert [line.endswith("(changed since)") for line in lines] == [True, False, False, False]
