"""Finding people, and making accounts for those whose address somebody vouches for."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import AccountRejected
from accounts.models import Activity, User
from accounts.pages import Page, keyset_page
from accounts.roles import Role
from accounts.usernames import USERNAME_RULE, is_username
from cryptopulse.atomic import run_atomic
from cryptopulse.engine import reading_all

from .activity import record

ALREADY_THERE = gettext_lazy("There is already an account with this username or e-mail address.")


def person(*, user_id: uuid.UUID) -> User | None:
    """Return this person, suspended or not."""
    try:
        return User.objects.get(pk=user_id)
    except User.DoesNotExist:
        return None


def person_called(*, username: str) -> User | None:
    """Return the person with this username, in whatever case it is typed."""
    return User.objects.filter(username=username.strip().lower().replace("\0", "")).first()


def people(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, User]:
    """Return those of these people who exist, by id, in one query."""
    return User.objects.in_bulk(list(ids))


#: What the list of people may be narrowed to besides their role.
STATES = ("active", "suspended")


def users_page(
    *, query: str = "", role: str = "", state: str = "", cursor: str = "", limit: int = 50
) -> Page[User]:
    """Return people, newest account first.

    `query` is the beginning of a username or of an e-mail address. An unknown role has no rows,
    an unknown state is none.
    """
    rows = User.objects.all()
    if state in STATES:
        rows = rows.filter(is_active=state == "active")
    if role:
        rows = rows.filter(role=role)
    if text := query.strip().lower().replace("\0", "")[:254]:
        rows = rows.filter(Q(username__startswith=text) | Q(email__startswith=text))
    with reading_all("looking for people by the beginning of their name"):
        return keyset_page(rows, cursor=cursor, limit=limit)


def user_counts() -> dict[str, int]:
    """Return how many people have each role, suspended ones included. Reads every account."""
    counted = User.objects.order_by().values_list("role").annotate(Count("pk"))
    with reading_all("counting people for the staff's pages"):
        return dict.fromkeys(Role.values, 0) | dict(counted)


def verified_email(*, user_id: uuid.UUID) -> str | None:
    """Return the address that this person has proven to be theirs, if they have."""
    proven = EmailAddress.objects.filter(user_id=user_id, primary=True, verified=True)
    email: str | None = proven.values_list("email", flat=True).first()
    return email


def confirmed_ids(people: Iterable[User]) -> set[uuid.UUID]:
    """Return who of these people has proven the address to be theirs, in one query."""
    proven = EmailAddress.objects.filter(
        user_id__in=[one.pk for one in people], primary=True, verified=True
    )
    return set(proven.values_list("user_id", flat=True))


def create_admin(*, username: str, email: str, password: str) -> User:
    """Create an administrator on the word of whoever has the command line."""
    username = username.strip().lower()
    email = clean_email(email)
    check_credentials(username=username, email=email, password=password)

    def operation() -> User:
        admin = create_person(
            username=username, email=email, role=Role.ADMIN, password_hash=make_password(password)
        )
        summary = f"{username} was made an admin on the command line"
        record(kind=Activity.Kind.SIGNED_UP, summary=summary, user=admin)
        return admin

    try:
        return run_atomic(operation)
    except IntegrityError:
        raise AccountRejected(ALREADY_THERE) from None


def create_person(*, username: str, email: str, role: Role, password_hash: str) -> User:
    """Create a person whose address counts as verified, in the caller's transaction.

    Raises IntegrityError where the username or the address is taken.
    """
    user = User(username=username, email=email, role=role, password=password_hash)
    user.save(force_insert=True)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def clean_email(text: str) -> str:
    """Return the address as we store it, in lower case, or refuse what is none."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise AccountRejected(_("This is not an e-mail address."), field="email") from None
    return email


def check_credentials(*, username: str, email: str, password: str) -> None:
    """Refuse a username of the wrong shape and a password that is too easily guessed."""
    if not is_username(username):
        raise AccountRejected(USERNAME_RULE, field="username")
    try:
        validate_password(password, User(username=username, email=email))
    except ValidationError as error:
        raise AccountRejected(" ".join(error.messages), field="password") from None
