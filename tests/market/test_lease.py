"""Of several processes one runs the streams, and another one when it is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market.models import FeedState
from market.services.lease import LEASE, hold_lease, release_lease
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + LEASE / 2


def test_the_first_has_it_and_the_second_waits() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    assert mine is not None
    assert mine >= NOW + LEASE
    assert hold_lease(name="stream", mine=None, now=LATER) is None


def test_who_has_it_renews_it() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    renewed = hold_lease(name="stream", mine=mine, now=LATER)
    assert renewed is not None
    assert renewed >= LATER + LEASE
    assert hold_lease(name="stream", mine=mine, now=LATER) is None  # an old mark is worth nothing


def test_who_is_gone_is_replaced_and_finds_out() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    afterwards = NOW + 2 * LEASE
    assert hold_lease(name="stream", mine=None, now=afterwards) is not None
    assert hold_lease(name="stream", mine=mine, now=afterwards) is None


def test_who_was_away_and_was_not_missed_goes_on() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    assert hold_lease(name="stream", mine=mine, now=NOW + 5 * LEASE) is not None


def test_who_ends_lets_the_next_one_begin_at_once() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    assert mine is not None
    release_lease(name="stream", mine=mine)
    assert hold_lease(name="stream", mine=None, now=NOW) is not None


def test_who_has_lost_it_releases_nothing() -> None:
    mine = hold_lease(name="stream", mine=None, now=NOW)
    assert mine is not None
    others = hold_lease(name="stream", mine=None, now=NOW + 2 * LEASE)
    release_lease(name="stream", mine=mine)
    assert FeedState.objects.get(name="stream").next_fetch_at == others


def test_a_clock_that_was_far_ahead_locks_nobody_out() -> None:
    hold_lease(name="stream", mine=None, now=NOW + timedelta(days=30))
    assert hold_lease(name="stream", mine=None, now=NOW) is not None
