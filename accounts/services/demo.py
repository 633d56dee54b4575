"""One person of each role to try the product with; only for DEBUG."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts.errors import AccountRejected
from accounts.models import Activity, User
from accounts.roles import Role
from cryptopulse.atomic import run_atomic

from .activity import record
from .people import create_person

DEMO_ROLES = {
    "alice": Role.USER,
    "ana": Role.ANALYST,
    "mo": Role.MODERATOR,
    "root": Role.ADMIN,
}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A demo log-in as it is printed."""

    username: str
    role: Role
    password: str

    @property
    def is_current(self) -> bool:
        """Tell whether the person still has this password. Costs one password hash."""
        user = User.objects.get(username=self.username)
        return user.check_password(self.password)


def make_demo_people(*, folder: Path | None = None) -> list[DemoPerson]:
    """Make the demo people that are missing and return the log-ins of all, the same each time.

    The random passwords are kept in `folder` (LOCAL_DIR) in a file that only its owner can read,
    because the database holds nothing but their hashes. A demo person whose password the file
    does not know gets a new one; somebody else who merely has the name is left alone.
    """
    if not settings.DEBUG:
        raise AccountRejected("Demo log-ins are only made with DEBUG=1.")
    path = (folder or settings.LOCAL_DIR) / "demo_logins.json"
    known = _read(path)
    passwords = {
        username: known.get(username) or secrets.token_urlsafe(9) for username in DEMO_ROLES
    }
    if passwords != known:
        _write(path, passwords)  # before the accounts: a password that nobody knows helps no one
    return [
        DemoPerson(username, role, passwords[username])
        for username, role in DEMO_ROLES.items()
        if _make(username, role, passwords[username], is_new=username not in known)
    ]


def _make(username: str, role: Role, password: str, *, is_new: bool) -> bool:
    """Make sure that this person is there; False where the name is somebody else's."""
    email = f"{username}@example.com"
    user = User.objects.filter(username=username).first()
    if user is None:
        password_hash = make_password(password)

        def operation() -> None:
            made = create_person(
                username=username, email=email, role=role, password_hash=password_hash
            )
            summary = f"{username} was made for the demo"
            record(kind=Activity.Kind.SIGNED_UP, summary=summary, user=made)

        run_atomic(operation)
    elif user.email != email:
        return False
    elif is_new:
        user.set_password(password)
        user.save(update_fields=["password"])
        EmailAddress.objects.update_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )
    return True


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, passwords: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(passwords, file, indent=2)
    new.replace(path)
