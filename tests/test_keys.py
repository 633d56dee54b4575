"""Keys that sort by time."""

from __future__ import annotations

import time
import uuid

import pytest

from cryptopulse.keys import new_key


def test_a_key_is_a_uuid_of_version_seven() -> None:
    key = new_key()

    assert key.version == 7
    assert key.variant == uuid.RFC_4122


def test_keys_sort_by_the_millisecond_they_were_made_in() -> None:
    first = new_key()
    time.sleep(0.002)

    assert str(first) < str(new_key())


def test_keys_are_unique() -> None:
    assert len({new_key() for _ in range(10_000)}) == 10_000


def test_keys_of_one_process_sort_as_they_were_made() -> None:
    keys = [new_key() for _ in range(10_000)]

    assert keys == sorted(keys)
    assert all(key.version == 7 and key.variant == uuid.RFC_4122 for key in keys)


def test_a_clock_that_is_set_back_does_not_set_keys_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_key()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert new_key() > before
