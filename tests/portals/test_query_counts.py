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
    ("portals:dashboard", Role.USER, 15),  # the portfolios to switch between, the week's values
    ("portals:admin", Role.ADMIN, 16),
    ("portals:analyst", Role.ANALYST, 6),
    ("portals:analysis", Role.ANALYST, 7),
    ("portals:screener", Role.ANALYST, 7),
    ("portals:screener-csv", Role.ANALYST, 5),
    ("portals:report", Role.ANALYST, 7),
    ("portals:moderator", Role.MODERATOR, 15),
    ("portals:statistics", Role.ADMIN, 17),
    ("alerts:list", Role.USER, 9),
    ("alerts:bell", Role.USER, 5),
    ("alerts:channels", Role.USER, 5),
    ("portals:privacy", Role.ADMIN, 6),
    ("portals:settings", Role.USER, 6),
)


#: What every page asks besides, once in five seconds: what admins have announced.
ANNOUNCEMENTS = 1


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
    with django_assert_max_num_queries(most + ANNOUNCEMENTS):
        assert client.get(reverse(url)).status_code == 200
