"""What each page asks of the database with 250 coins: a number that may fall, not grow."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.roles import Role
from market.models import Coin

from .conftest import logged_in, person_of

pytestmark = pytest.mark.django_db

#: page, role -> queries of a visit, the session's and the person's (2) and the frame's included.
PINNED = (
    ("portals:landing", None, 2),
    ("portals:about", None, 4),
    ("portals:dashboard", Role.USER, 13),
    ("portals:admin", Role.ADMIN, 15),
    ("portals:analyst", Role.ANALYST, 15),
    ("portals:analysis", Role.ANALYST, 13),
    ("portals:moderator", Role.MODERATOR, 10),
    ("portals:statistics", Role.ADMIN, 17),
    ("portals:settings", Role.USER, 6),
)


@pytest.mark.parametrize("pinned", PINNED, ids=[row[0] for row in PINNED])
def test_a_page_asks_the_database_this_often(
    pinned: tuple[str, Role | None, int],
    market_of_250: list[Coin],
    client: Any,
    django_assert_max_num_queries: Any,
) -> None:
    url, role, most = pinned
    if role is not None:
        client = logged_in(person_of(role))
    client.get(reverse(url))  # what a first visit makes is made
    cache.clear()
    with django_assert_max_num_queries(most):
        assert client.get(reverse(url)).status_code == 200
