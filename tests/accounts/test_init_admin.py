"""`manage.py init_admin`."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import services
from accounts.models import Activity, User
from accounts.roles import Role
from cryptopulse.environment import env

pytestmark = pytest.mark.django_db

GOOD = "violet-anchor-71"


@pytest.fixture(autouse=True)
def _fresh_environment() -> Iterator[None]:
    """Files that settings come from are read once in a process; here each test has its own."""
    yield
    env.ENVIRON.files_cache.clear()


def init_admin(*arguments: str) -> str:
    out = StringIO()
    call_command("init_admin", *arguments, stdout=out)
    return out.getvalue()


def test_a_password_is_generated_and_printed_once() -> None:
    output = init_admin("--username", "Chief", "--email", "Chief@Example.com", "--generate")
    chief = User.objects.get()
    assert (chief.username, chief.email, chief.role) == ("chief", "chief@example.com", Role.ADMIN)
    assert chief.check_password(output.split()[-1])
    assert services.verified_email(user_id=chief.pk) == "chief@example.com"
    assert Activity.objects.get().user == chief


def test_everything_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INIT_ADMIN_USERNAME", "chief")
    monkeypatch.setenv("INIT_ADMIN_EMAIL", "chief@example.com")
    monkeypatch.setenv("INIT_ADMIN_PASSWORD", GOOD)
    assert GOOD not in init_admin()
    assert User.objects.get().check_password(GOOD)


def test_the_password_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(GOOD + "\n")
    monkeypatch.setenv("INIT_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    init_admin("--email", "chief@example.com")
    assert User.objects.get(username="root").check_password(GOOD)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("second", [GOOD, "a slip"])
def test_the_password_from_a_prompt(monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    answers = iter([GOOD, second])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    monkeypatch.setattr("sys.stdin", Terminal())
    if second == GOOD:
        init_admin("--email", "chief@example.com")
        assert User.objects.get().check_password(GOOD)
    else:
        with pytest.raises(CommandError, match="not the same"):
            init_admin("--email", "chief@example.com")
        assert not User.objects.exists()


def test_without_an_address_it_says_what_is_missing() -> None:
    with pytest.raises(CommandError, match="INIT_ADMIN_EMAIL"):
        init_admin("--generate")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"email": "nonsense"}, "not an e-mail address"),
        ({"username": "a b"}, "A username has"),
        ({"password": "12345678"}, "too common"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], sentence: str
) -> None:
    given = {"username": "chief", "email": "chief@example.com", "password": GOOD, **changes}
    for name, value in given.items():
        monkeypatch.setenv(f"INIT_ADMIN_{name.upper()}", value)
    with pytest.raises(CommandError, match=sentence):
        init_admin()
    assert not User.objects.exists()


def test_twice_is_refused_and_changes_nothing() -> None:
    init_admin("--email", "chief@example.com", "--generate")
    before = User.objects.get().password
    with pytest.raises(CommandError, match="already an account root"):
        init_admin("--email", "chief@example.com", "--generate")
    assert User.objects.get().password == before


def test_twice_is_fine_where_it_is_asked_for() -> None:
    init_admin("--email", "chief@example.com", "--generate", "--if-missing")
    output = init_admin("--email", "chief@example.com", "--generate", "--if-missing")
    assert output == "root is an administrator already; nothing to do.\n"


def test_somebody_elses_account_is_never_raised(alice: User) -> None:
    for name, email in (("alice", "x@example.com"), ("chief", "ALICE@example.com")):
        with pytest.raises(CommandError, match="already an account alice"):
            init_admin("--username", name, "--email", email, "--generate", "--if-missing")
    alice.refresh_from_db()
    assert alice.role == Role.USER
