"""Who is told what belongs to a role, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from accounts import services as accounts
from accounts.roles import Permission

from .kinds import chosen_channels

if TYPE_CHECKING:
    from accounts.models import User

#: So many people are told of one event in its transaction; DynamoDB's takes 100 rows.
MOST_TOLD = 40


def holders(permission: Permission) -> list[User]:
    """Return the people who may do this now, the longest here first. One query."""
    return accounts.people_who_may(permission)


def reachable(people: Sequence[User], kind: str) -> Iterator[tuple[User, list[str]]]:
    """Yield who wants this kind, and where; no mail to an address that is not confirmed.

    One query, for the addresses of all.
    """
    confirmed = accounts.confirmed_ids(people)
    for person in people:
        try:
            wanted = chosen_channels(person, kind)
        except (AttributeError, TypeError):  # choices that are no choices: as if there were none
            wanted = ["in_app"]
        channels = [one for one in wanted if one != "email" or person.pk in confirmed]
        if channels:
            yield person, channels
